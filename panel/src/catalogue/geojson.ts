/** Areas out of a GeoJSON file (RFC 7946): polygons only, in WGS84. */

import { isObject } from "../documents/paths";
import type { Polygon, Position } from "./document";

export interface Feature {
  /** What the file calls it; empty where it says nothing. */
  name: string;
  polygons: Polygon[];
}

/** Why a text is not a map of areas; the code of a sentence. */
export class GeoJSONInvalid extends Error {
  readonly code: "not_json" | "not_geojson" | "no_polygons" | "bad_position";

  constructor(code: GeoJSONInvalid["code"]) {
    super(code);
    this.code = code;
  }
}

/** Some 10 cm; finer is noise and makes the document larger. */
const DIGITS = 6;

/** Properties by which files name their features, the likeliest first. */
const NAMES = ["code", "id", "name", "NAME", "title", "nosaukums", "NOSAUKUMS", "L1_name", "shapeName"];

function positionOf(value: unknown): Position {
  // A height may stand behind; nobody asks for it.
  const [longitude, latitude] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof longitude !== "number" || typeof latitude !== "number") throw new GeoJSONInvalid("bad_position");
  if (Math.abs(longitude) > 180 || Math.abs(latitude) > 90) throw new GeoJSONInvalid("bad_position");
  return [Number(longitude.toFixed(DIGITS)), Number(latitude.toFixed(DIGITS))];
}

function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new GeoJSONInvalid("not_geojson");
  return value as unknown[];
}

function polygonOf(value: unknown): Polygon {
  return listOf(value).map((ring) => listOf(ring).map(positionOf));
}

function polygonsOf(geometry: unknown): Polygon[] {
  if (!isObject(geometry)) return [];
  switch (geometry.type) {
    case "Polygon":
      return [polygonOf(geometry.coordinates)];
    case "MultiPolygon":
      return listOf(geometry.coordinates).map(polygonOf);
    case "GeometryCollection":
      return listOf(geometry.geometries).flatMap(polygonsOf);
    default:
      return [];
  }
}

function nameOf(feature: Readonly<Record<string, unknown>>): string {
  const properties = isObject(feature.properties) ? feature.properties : {};
  const named = [...NAMES.map((key) => properties[key]), feature.id];
  const name = named.find((value) => (typeof value === "string" && value.trim() !== "") || typeof value === "number");
  return typeof name === "string" || typeof name === "number" ? String(name).trim() : "";
}

/** The features with polygons, in the order of the file. Throws `GeoJSONInvalid`. */
export function readGeoJSON(text: string): Feature[] {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new GeoJSONInvalid("not_json");
  }
  if (!isObject(data)) throw new GeoJSONInvalid("not_geojson");
  const features =
    data.type === "FeatureCollection" ? listOf(data.features) : [data.type === "Feature" ? data : { geometry: data }];
  const found = features.flatMap((feature) => {
    if (!isObject(feature)) throw new GeoJSONInvalid("not_geojson");
    const polygons = polygonsOf(feature.geometry);
    return polygons.length > 0 ? [{ name: nameOf(feature), polygons }] : [];
  });
  if (found.length === 0) throw new GeoJSONInvalid("no_polygons");
  return found;
}

/** A name as a code: small letters without their marks, the rest as `_`. */
export function codeOf(name: string): string {
  return name
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 64);
}

export interface Extent {
  corners: number;
  west: number;
  south: number;
  east: number;
  north: number;
}

/** How much there is and where it lies; null where there is nothing. */
export function extentOf(polygons: readonly Polygon[]): Extent | null {
  let extent: Extent | null = null;
  for (const ring of polygons.flat()) {
    for (const [x, y] of ring) {
      extent ??= { corners: 0, west: x, south: y, east: x, north: y };
      extent.corners += 1;
      extent.west = Math.min(extent.west, x);
      extent.east = Math.max(extent.east, x);
      extent.south = Math.min(extent.south, y);
      extent.north = Math.max(extent.north, y);
    }
  }
  return extent;
}
