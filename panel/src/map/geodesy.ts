/** Distances and outlines on the sphere: half a percent off at most, which no screen shows. */

import type { Pair, Position, Shape } from "./types";

/** Mean radius of WGS84. */
const EARTH_M = 6_371_008.8;

/** Of a full turn: on a screen a circle of that many corners is round. */
const TURN_POINTS = 64;

/** A closed ring of [longitude, latitude], or one such point, as GeoJSON wants them. */
export type Outline = [longitude: number, latitude: number][];

const radians = (degrees: number): number => (degrees * Math.PI) / 180;
const degrees = (angle: number): number => (angle * 180) / Math.PI;

export function distanceM(one: Position, other: Position): number {
  const [a, b] = [radians(one.lat), radians(other.lat)];
  const half = (angle: number): number => Math.sin(angle / 2) ** 2;
  const chord = half(b - a) + Math.cos(a) * Math.cos(b) * half(radians(other.lon - one.lon));
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(chord)));
}

/** Degrees clockwise from north in which `other` is seen from `one`. */
export function bearingOf(one: Position, other: Position): number {
  const [a, b, aside] = [radians(one.lat), radians(other.lat), radians(other.lon - one.lon)];
  const east = Math.sin(aside) * Math.cos(b);
  const north = Math.cos(a) * Math.sin(b) - Math.sin(a) * Math.cos(b) * Math.cos(aside);
  return (degrees(Math.atan2(east, north)) + 360) % 360;
}

/** The place `metres` away in the direction `bearing`; beyond ±180° rather than torn apart there. */
export function offset([lat, lon]: Pair, bearing: number, metres: number): Outline[number] {
  const [start, angle, way] = [radians(lat), radians(bearing), metres / EARTH_M];
  const sine = Math.sin(start) * Math.cos(way) + Math.cos(start) * Math.sin(way) * Math.cos(angle);
  const end = Math.asin(Math.min(1, Math.max(-1, sine)));
  const aside = Math.atan2(
    Math.sin(angle) * Math.sin(way) * Math.cos(start),
    Math.cos(way) - Math.sin(start) * sine,
  );
  return [lon + degrees(aside), degrees(end)];
}

/** Bearings along an arc, both ends among them. */
function turn(start = 0, angle = 360): number[] {
  const steps = Math.max(1, Math.round((TURN_POINTS * angle) / 360));
  return Array.from({ length: steps + 1 }, (_, step) => start + (angle * step) / steps);
}

function circle(centre: Pair, radius: number): Outline {
  return turn().map((bearing) => offset(centre, bearing, radius));
}

function ellipse(centre: Pair, major: number, minor: number, orientation: number): Outline {
  return turn().map((angle) => {
    const along = major * Math.cos(radians(angle));
    const across = minor * Math.sin(radians(angle));
    const bearing = orientation + degrees(Math.atan2(across, along));
    return offset(centre, bearing, Math.hypot(along, across));
  });
}

function ring(corners: readonly Pair[]): Outline {
  const first = corners[0];
  if (first === undefined) return [];
  return corners.map(([lat, lon]) => {
    const turns = Math.round((lon - first[1]) / 360);
    return [lon - 360 * turns, lat];
  });
}

function closed(outline: Outline): Outline {
  const [first, last] = [outline[0], outline.at(-1)];
  if (first === undefined || last === undefined) return outline;
  if (first[0] === last[0] && first[1] === last[1]) return outline;
  return [...outline, first];
}

/** The shape seen from above. A point has one position; everything else is a closed ring. */
export function outlineOf(shape: Shape): Outline {
  switch (shape.type) {
    case "Point":
      return [[shape.position[1], shape.position[0]]];
    case "Circle":
    case "Sphere":
      return closed(circle(shape.centre, shape.radius_m));
    case "Ellipse":
    case "Ellipsoid":
      return closed(
        ellipse(shape.centre, shape.semi_major_m, shape.semi_minor_m, shape.orientation_deg),
      );
    case "ArcBand": {
      const bearings = turn(shape.start_angle_deg, shape.opening_angle_deg);
      const outer = bearings.map((bearing) => offset(shape.apex, bearing, shape.outer_radius_m));
      const inner = bearings
        .reverse()
        .map((bearing) => offset(shape.apex, bearing, shape.inner_radius_m));
      return closed([...outer, ...inner]);
    }
    case "Polygon":
      return closed(ring(shape.exterior));
    case "Prism":
      return closed(ring(shape.base));
  }
}

/** West, south, east, north of all that is given; `null` for nothing. */
export function boundsOf(
  outlines: readonly Outline[],
): [west: number, south: number, east: number, north: number] | null {
  const points = outlines.flat();
  if (points.length === 0) return null;
  const lons = points.map(([lon]) => lon);
  const lats = points.map(([, lat]) => lat);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}
