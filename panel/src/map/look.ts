/** How a location looks: one colour for each source, paler with age. The words stand beside it. */

import type { LocationSource, MapLocation } from "./types";

/** Told apart also by people who do not see red and green alike (after Okabe and Ito). */
export const COLOURS: Record<LocationSource, string> = {
  aml: "#0072b2",
  msd: "#d55e00",
  pidf_lo: "#007a5a",
  https: "#56a3d9",
  network_cell: "#8a6d00",
  address: "#6a3d9a",
  map: "#b0478b",
  call_taker: "#3d4650",
};

export const CONFLICT_COLOUR = "#c22f27";
export const CANDIDATE_COLOUR = "#3d4650";
export const UNIT_COLOUR = "#11682f";

export type Freshness = "fresh" | "ageing" | "old";

/** A fix of the call itself, one of shortly before, or one that somebody may have left long ago. */
const FRESH_S = 120;
const AGEING_S = 600;

export const OPACITIES: Record<Freshness, number> = { fresh: 1, ageing: 0.7, old: 0.45 };

/** Seconds since the location was true, as far as is known; never negative. */
export function ageOf(location: MapLocation, now: number): number {
  const at = Date.parse(location.observed_at ?? location.received_at);
  return Number.isNaN(at) ? 0 : Math.max(0, (now - at) / 1000);
}

export function freshnessOf(age: number): Freshness {
  if (age <= FRESH_S) return "fresh";
  return age <= AGEING_S ? "ageing" : "old";
}

/** The largest unit in which the age is at least two: `90 s`, `12 min`, `3 h`, `4 d`. */
export function roundedAge(age: number): { unit: "s" | "min" | "h" | "d"; count: number } {
  if (age < 120) return { unit: "s", count: Math.floor(age) };
  if (age < 7_200) return { unit: "min", count: Math.floor(age / 60) };
  if (age < 172_800) return { unit: "h", count: Math.floor(age / 3_600) };
  return { unit: "d", count: Math.floor(age / 86_400) };
}

/** `35 m`, `1.2 km`, `48 km` */
export function lengthText(metres: number, language: string): string {
  if (metres < 1_000) return `${Math.round(metres)} m`;
  const kilometres = metres / 1_000;
  const digits = kilometres < 10 ? 1 : 0;
  return `${kilometres.toLocaleString(language, { maximumFractionDigits: digits })} km`;
}

/** Degrees clockwise from north in which the vehicle or person moved, if that was told. */
export function headingOf(location: MapLocation): number | null {
  const direction = location.data?.direction_deg ?? location.data?.direction ?? null;
  if (typeof direction !== "number" || !(direction >= 0 && direction < 360)) return null;
  return direction;
}

const POINTS = ["n", "ne", "e", "se", "s", "sw", "w", "nw"] as const;

/** One of eight directions, as a code of the translations. */
export function compassPoint(degrees: number): (typeof POINTS)[number] {
  return POINTS[Math.round(degrees / 45) % POINTS.length] ?? "n";
}

/** False where the device itself doubts the place it told. */
export function isTrusted(location: MapLocation): boolean {
  return location.data?.trusted !== false;
}
