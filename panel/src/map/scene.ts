/** What lies on the map, as GeoJSON and as marks: a pure function of what the card says. */

import type { Feature, FeatureCollection } from "geojson";
import { distanceM, outlineOf, type Outline } from "./geodesy";
import {
  ageOf,
  CANDIDATE_COLOUR,
  COLOURS,
  CONFLICT_COLOUR,
  freshnessOf,
  headingOf,
  isTrusted,
  OPACITIES,
  UNIT_COLOUR,
} from "./look";
import { trailsOf, type Trail } from "./trails";
import type { Candidate, MapLocation, MapUnit, Position } from "./types";

/** More marks than that hide one another; a card has some dozen locations. */
export const MARKS_MAX = 200;

export interface SceneInput {
  locations: readonly MapLocation[];
  /** The id of the location that holds now. */
  current: string | null;
  /** Pairs of ids of locations that contradict each other. */
  conflicts: readonly (readonly [string, string])[];
  candidates: readonly Candidate[];
  units: readonly MapUnit[];
}

/** A mark with its words, drawn as an element over the map. */
export interface Mark extends Position {
  key: string;
  /** "trail": an earlier place of a car. */
  kind: "location" | "car" | "trail" | "candidate" | "unit" | "conflict";
  text: string;
  colour: string;
  opacity: number;
  current: boolean;
  heading: number | null;
  trusted: boolean;
}

/** The words of the marks, in the language of the person. */
export interface MarkTexts {
  location: (location: MapLocation, age: number) => string;
  conflict: (metres: number) => string;
}

export interface Scene {
  areas: FeatureCollection;
  lines: FeatureCollection;
  /** The ways that cars came. */
  trails: FeatureCollection;
  marks: Mark[];
  /** Changes when another location holds, or the same moved. */
  currentKey: string | null;
  currentOutline: Outline | null;
}

function area(location: MapLocation, current: boolean, opacity: number): Feature | null {
  const outline = outlineOf(location.shape);
  if (outline.length < 4) return null;
  return {
    type: "Feature",
    properties: { id: location.location_id, colour: COLOURS[location.source], current, opacity },
    geometry: { type: "Polygon", coordinates: [outline] },
  };
}

/** Earlier places are paler than the car itself. */
const TRAIL_OPACITY = 0.6;

function way({ contactId, newest, points }: Trail): Feature {
  const coordinates = points.map(({ lat, lon }) => [lon, lat]);
  const properties = { id: contactId, colour: COLOURS[newest.source] };
  return { type: "Feature", properties, geometry: { type: "LineString", coordinates } };
}

function trailMarks({ contactId, newest, points }: Trail): Mark[] {
  const colour = COLOURS[newest.source];
  return points.slice(0, -1).map((point, at) => ({
    ...plainMark(`trail/${contactId}/${at}`, "trail", "", colour),
    ...point,
    opacity: TRAIL_OPACITY,
  }));
}

export function sceneOf(input: SceneInput, now: number, texts: MarkTexts): Scene {
  const locations = input.locations.slice(-MARKS_MAX);
  const byId = new Map(locations.map((location) => [location.location_id, location]));
  const current = input.current === null ? undefined : byId.get(input.current);
  const areas: Feature[] = [];
  const lines: Feature[] = [];
  const trails = trailsOf(locations);
  const marks: Mark[] = trails.flatMap(trailMarks);
  const cars = new Map(trails.map(({ newest, contactId }) => [newest, contactId]));
  const needed = new Set(input.conflicts.flat());
  for (const location of locations) {
    // A car is where its newest message says; what it told before is its trail, and a plain mark where it counts.
    const told = location.source === "msd" && (location.contact_id ?? null) !== null;
    const passed = told && !cars.has(location);
    if (passed && location !== current && !needed.has(location.location_id)) continue;
    const age = ageOf(location, now);
    const opacity = location === current ? 1 : OPACITIES[freshnessOf(age)];
    const drawn = area(location, location === current, opacity);
    if (drawn !== null) areas.push(drawn);
    const car = cars.get(location);
    marks.push({
      // One mark for each car, so that a new message moves it.
      key: car === undefined ? `location/${location.location_id}` : `car/${car}`,
      kind: location.kind === "unit" ? "unit" : location.source === "msd" && !passed ? "car" : "location",
      lat: location.lat,
      lon: location.lon,
      text: texts.location(location, age),
      colour: COLOURS[location.source],
      opacity,
      current: location === current,
      heading: passed ? null : headingOf(location),
      trusted: isTrusted(location),
    });
  }
  for (const [one, other] of input.conflicts) {
    const [a, b] = [byId.get(one), byId.get(other)];
    if (a === undefined || b === undefined) continue;
    const ends = [a, b].map(({ lon, lat }) => [lon, lat]);
    lines.push({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: ends } });
    marks.push({
      ...plainMark(`conflict/${one}/${other}`, "conflict", texts.conflict(distanceM(a, b)), CONFLICT_COLOUR),
      lat: (a.lat + b.lat) / 2,
      lon: (a.lon + b.lon) / 2,
    });
  }
  for (const { id, lat, lon, text } of input.candidates.slice(0, MARKS_MAX)) {
    marks.push({ ...plainMark(`candidate/${id}`, "candidate", text, CANDIDATE_COLOUR), lat, lon });
  }
  for (const { unit_id, lat, lon, call_sign } of input.units.slice(0, MARKS_MAX)) {
    marks.push({ ...plainMark(`unit/${unit_id}`, "unit", call_sign, UNIT_COLOUR), lat, lon });
  }
  return {
    areas: { type: "FeatureCollection", features: areas },
    lines: { type: "FeatureCollection", features: lines },
    trails: { type: "FeatureCollection", features: trails.filter(({ points }) => points.length > 1).map(way) },
    marks,
    currentKey: current === undefined ? null : `${current.location_id}/${current.lat}/${current.lon}`,
    currentOutline: current === undefined ? null : [...outlineOf(current.shape), [current.lon, current.lat]],
  };
}

function plainMark(
  key: string,
  kind: Mark["kind"],
  text: string,
  colour: string,
): Omit<Mark, "lat" | "lon"> {
  return { key, kind, text, colour, opacity: 1, current: false, heading: null, trusted: true };
}
