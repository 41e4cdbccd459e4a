/**
 * Where cars came from: a car tells its last places with each Minimum Set of Data (EN 15722), and a
 * newer one moves it. Pure.
 */

import { distanceM } from "./geodesy";
import type { MapLocation, Position } from "./types";

/** A car that stands tells the same place again; steps below the grid of the message say nothing. */
const STEP_MIN_M = 3;

/** A car sends two earlier places with each message; what is older than so many is of no use. */
const POINTS_MAX = 60;

export interface Trail {
  contactId: string;
  /** The car's newest location. */
  newest: MapLocation;
  /** The oldest first; the last one is the car. */
  points: Position[];
}

function earlierPlaces(location: MapLocation): Position[] {
  const recent = location.data?.recent;
  if (!Array.isArray(recent)) return [];
  const places = recent.flatMap((pair: unknown) => {
    if (!Array.isArray(pair)) return [];
    const [lat, lon] = pair as unknown[];
    return typeof lat === "number" && typeof lon === "number" ? [{ lat, lon }] : [];
  });
  return places.reverse();
}

/** One for each contact whose car told a place; `locations` in the order in which they came. */
export function trailsOf(locations: readonly MapLocation[]): Trail[] {
  const trails = new Map<string, Trail>();
  for (const location of locations) {
    const contactId = location.contact_id ?? null;
    if (location.source !== "msd" || contactId === null) continue;
    const points = trails.get(contactId)?.points ?? [];
    for (const point of [...earlierPlaces(location), { lat: location.lat, lon: location.lon }]) {
      const last = points.at(-1);
      if (last === undefined || distanceM(last, point) >= STEP_MIN_M) points.push(point);
    }
    trails.set(contactId, { contactId, newest: location, points: points.slice(-POINTS_MAX) });
  }
  return [...trails.values()];
}
