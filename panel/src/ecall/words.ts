/** What a car's data mean for people; pure, words come from the translations. */

import type { DataItem, MSDView, Oddity } from "../api/ecall";
import { bearingOf, distanceM } from "../map/geodesy";

/** World manufacturer, description, model year, plant and number (ISO 3779). */
const VIN_GROUPS = [3, 6, 1, 7] as const;

/** `WVW ZZZ1JZ X W000001`: read aloud in groups. */
export function groupedVIN(vin: string): string {
  const groups: string[] = [];
  let at = 0;
  for (const length of VIN_GROUPS) {
    groups.push(vin.slice(at, at + length));
    at += length;
  }
  return [...groups, vin.slice(at)].filter((group) => group !== "").join(" ");
}

/** `02 1c 3f`: octet by octet. */
export function groupedHex(hex: string): string {
  return hex.replace(/(..)(?=.)/g, "$1 ");
}

/** A car's clock that is further off says nothing (it is kept by satellites). */
const CLOCK_OFF_MAX_MS = 24 * 3_600_000;

/** Whether the time that a car told can be believed. */
export function clockOf(msd: MSDView): "ok" | "failed" | "absurd" {
  if (msd.sent_at === null) return "failed";
  const off = Math.abs(Date.parse(msd.received_at) - Date.parse(msd.sent_at));
  return off <= CLOCK_OFF_MAX_MS ? "ok" : "absurd";
}

/** Those that the place of the clock and the position say already. */
const SAID_ELSEWHERE: ReadonlySet<string> = new Set(["clock", "timestamp_zero", "position_zero"]);

export function oddTold(oddities: readonly Oddity[]): Oddity[] {
  return oddities.filter(({ code }) => !SAID_ELSEWHERE.has(code));
}

export interface Step {
  distance: number;
  /** From the car to the earlier place. */
  bearing: number;
}

/** A car that stood tells the same place again. */
const STEP_MIN_M = 1;

/** Where the car came from, the latest place first. */
export function cameFrom({ lat, lon, recent }: MSDView): Step[] {
  if (lat === null || lon === null) return [];
  const place = { lat, lon };
  const steps = recent.map(([north, east]) => {
    const other = { lat: north, lon: east };
    return { distance: distanceM(place, other), bearing: bearingOf(place, other) };
  });
  return steps.filter(({ distance }) => distance >= STEP_MIN_M);
}

/** What responders must know before they touch the car. */
export const HAZARDOUS = [
  "electricEnergyStorage",
  "hydrogenStorage",
  "compressedNaturalGas",
  "liquidPropaneGas",
] as const;
export type HazardousEnergy = (typeof HAZARDOUS)[number];

export function isHazardous(energy: string): energy is HazardousEnergy {
  return HAZARDOUS.some((one) => one === energy);
}

/** The dangerous ones first. */
export function byDanger(energies: readonly string[]): string[] {
  return [...energies].sort((a, b) => Number(isHazardous(b)) - Number(isHazardous(a)));
}

/** A document's values as lines `name: value`; what is deeper than a document ever is stays out. */
export function linesOf(value: unknown, name = "", depth = 0): [name: string, value: string][] {
  if (value === null || value === undefined || value === "" || depth > 6) return [];
  if (typeof value === "object") {
    const inner = Object.entries(value as Record<string, unknown>);
    return inner.flatMap(([key, one]) => {
      const place = Array.isArray(value) ? name : name === "" ? key : `${name}.${key}`;
      return linesOf(one, place, depth + 1);
    });
  }
  return [[name, typeof value === "string" ? value : JSON.stringify(value)]];
}

/** A place of a location document (RFC 5491), as far as it is told in words. */
export interface ToldPlace {
  /** By the standard's own name; null for an address alone. */
  shape: string | null;
  /** Its middle, its apex or its first corner. */
  at: { lat: number; lon: number } | null;
  radius: number | null;
  /** 0 to 1. */
  confidence: number | null;
  method: string;
  provider: string;
  /** `RD 15, HNO 3`: the elements by the standard's own names (RFC 5139). */
  address: string;
}

type Told = Record<string, unknown>;

const asTold = (value: unknown): Told => (typeof value === "object" && value !== null ? (value as Told) : {});
const asText = (value: unknown): string => (typeof value === "string" ? value : "");
const asNumber = (value: unknown): number | null => (typeof value === "number" ? value : null);

function firstPoint(shape: Told): ToldPlace["at"] {
  const corners = shape.exterior ?? shape.base;
  const first: unknown = Array.isArray(corners) ? corners[0] : null;
  const point = shape.position ?? shape.centre ?? shape.apex ?? first;
  const [lat, lon] = Array.isArray(point) ? (point as unknown[]).map(asNumber) : [];
  return lat == null || lon == null ? null : { lat, lon };
}

function toldPlace(value: unknown): ToldPlace {
  const place = asTold(value);
  const shape = asTold(place.shape);
  return {
    shape: asText(shape.type) || null,
    at: firstPoint(shape),
    radius: asNumber(shape.radius_m) ?? asNumber(shape.semi_major_m) ?? asNumber(shape.outer_radius_m),
    confidence: asNumber(place.confidence),
    method: asText(place.method),
    provider: asText(place.provided_by),
    address: linesOf(place.civic)
      .map(([name, text]) => `${name} ${text}`)
      .join(", "),
  };
}

/** The places that an item tells. */
export function placesOf(item: DataItem): ToldPlace[] {
  const places = item.detail?.places;
  return Array.isArray(places) ? places.map(toldPlace) : [];
}

/** What else of an item is told in lines: its fields, by the document's own names. */
export function itemLines(item: DataItem): [name: string, value: string][] {
  const detail: Record<string, unknown> = { ...item.detail, places: null };
  const { fields, ...others } = detail;
  const told = linesOf({ ...others, ...(fields as object | undefined) });
  return told.filter(([name]) => name !== "block");
}

/** `Comment` of an item with additional data, by its own name. */
export function blockOf(item: DataItem): string | null {
  const block = item.detail?.block;
  return typeof block === "string" ? block : null;
}
