/** Coordinates as people write and read them: WGS84 in degrees, LKS-92 (EPSG:3059) in metres. */

import proj4 from "proj4";
import type { Position } from "./types";

/** Latvia TM. Northing is X and easting Y in Latvian usage, as in the State Address Register. */
const LKS92 = proj4(
  "+proj=tmerc +lat_0=0 +lon_0=24 +k=0.9996 +x_0=500000 +y_0=-6000000 +ellps=GRS80 " +
    "+towgs84=0,0,0,0,0,0,0 +units=m +no_defs",
);

/** Where LKS-92 may be used, with its waters (EPSG:3059: area of use), in metres. */
const NORTHING = { least: 150_000, most: 460_000 };
const EASTING = { least: 160_000, most: 790_000 };

/** Around Latvia and its waters. Elsewhere is possible, and more often a slip of the finger. */
const NEAR = { south: 54, west: 17.5, north: 60, east: 31.5 };

/** Five decimals are one metre; nobody on the phone or in a car knows it better. */
const DECIMALS = 5;

/** What somebody may paste; more is no pair of coordinates. */
const TEXT_LENGTH_MAX = 100;

export interface LKS92Position {
  /** Metres north. */
  x: number;
  /** Metres east. */
  y: number;
}

export function toLKS92({ lat, lon }: Position): LKS92Position {
  const [y, x] = LKS92.forward([lon, lat]);
  return { x, y };
}

export function fromLKS92({ x, y }: LKS92Position): Position {
  const [lon, lat] = LKS92.inverse([y, x]);
  return { lat, lon };
}

export function isNear({ lat, lon }: Position): boolean {
  return lat >= NEAR.south && lat <= NEAR.north && lon >= NEAR.west && lon <= NEAR.east;
}

/** `56.94960, 24.10520` */
export function wgs84Text({ lat, lon }: Position): string {
  return `${lat.toFixed(DECIMALS)}, ${lon.toFixed(DECIMALS)}`;
}

/** `X 312 011, Y 506 395`; `null` where that system is not meant to be used. */
export function lks92Text(position: Position): string | null {
  if (!isNear(position)) return null;
  const { x, y } = toLKS92(position);
  const grouped = (metres: number): string =>
    Math.round(metres)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, " ");
  return `X ${grouped(x)}, Y ${grouped(y)}`;
}

export type CoordinateSystem = "wgs84" | "lks92";

export type ParsedCoordinates =
  | { position: Position; system: CoordinateSystem }
  | { fault: "empty" | "unreadable" | "outside" };

/** Reads both systems; a pair of numbers over 1000 is LKS-92. */
export function parseCoordinates(text: string): ParsedCoordinates {
  const trimmed = text.trim();
  if (trimmed === "") return { fault: "empty" };
  if (trimmed.length > TEXT_LENGTH_MAX) return { fault: "unreadable" };
  return parseSexagesimal(trimmed) ?? parseMetres(trimmed) ?? parseDegrees(trimmed) ?? { fault: "unreadable" };
}

function wgs84(lat: number, lon: number): ParsedCoordinates {
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180)) return { fault: "outside" };
  return { position: { lat, lon }, system: "wgs84" };
}

const NUMBER = String.raw`\d+(?:[.,]\d+)?`;
const ANGLE = String.raw`(${NUMBER})\s*[°º]\s*(?:(${NUMBER})\s*['′’]\s*)?(?:(${NUMBER})\s*(?:["″”]|'')\s*)?`;
const SEXAGESIMAL = new RegExp(
  String.raw`^([NS])?\s*${ANGLE}([NS])?\s*[,;]?\s*([EW])?\s*${ANGLE}([EW])?$`,
  "i",
);

function parseSexagesimal(text: string): ParsedCoordinates | null {
  const found = SEXAGESIMAL.exec(text);
  if (found === null) return null;
  const angle = (from: number): number | null => {
    const [whole = 0, minutes = 0, seconds = 0] = [0, 1, 2].map((at) => decimal(found[from + at] ?? "0"));
    return minutes < 60 && seconds < 60 ? whole + minutes / 60 + seconds / 3600 : null;
  };
  const [lat, lon] = [angle(2), angle(7)];
  if (lat === null || lon === null) return { fault: "outside" };
  const south = (found[1] ?? found[5] ?? "").toUpperCase() === "S";
  const west = (found[6] ?? found[10] ?? "").toUpperCase() === "W";
  return wgs84(south ? -lat : lat, west ? -lon : lon);
}

/** `X 312 011, Y 506 395`, `312011 506395`, `E 506395 N 312011`. */
function parseMetres(text: string): ParsedCoordinates | null {
  const whole = String.raw`(\d{1,3}(?:[ \u00a0]\d{3})+|\d{4,7})(?:\.\d{1,3})?`;
  const pair = new RegExp(String.raw`^([XYNE])?\s*[:=]?\s*${whole}\s*m?\s*[,;]?\s*([XYNE])?\s*[:=]?\s*${whole}\s*m?$`, "i");
  const found = pair.exec(text.replace(/^LKS-?92\s*:?\s*/i, ""));
  if (found === null) return null;
  const [first, second] = [metres(found[2]), metres(found[4])];
  const [one, two] = [axis(found[1]), axis(found[3])];
  if (one !== null && one === two) return null;
  const north = one === "north" || two === "east";
  const east = one === "east" || two === "north";
  // Without letters: north first, as the register has it, unless only the other order is possible.
  const straight = north || (!east && isLKS92(first, second)) || !isLKS92(second, first);
  const [x, y] = straight && !east ? [first, second] : [second, first];
  if (!isLKS92(x, y)) return { fault: "outside" };
  return { position: fromLKS92({ x, y }), system: "lks92" };
}

function isLKS92(x: number, y: number): boolean {
  return x >= NORTHING.least && x <= NORTHING.most && y >= EASTING.least && y <= EASTING.most;
}

function axis(letter: string | undefined): "north" | "east" | null {
  if (letter === undefined) return null;
  return "XN".includes(letter.toUpperCase()) ? "north" : "east";
}

function metres(text: string | undefined): number {
  return Number((text ?? "").replace(/[ \u00a0]/g, ""));
}

function decimal(text: string): number {
  return Number(text.replace(",", "."));
}

/** `56.9496, 24.1052`, `56,9496 24,1052`, `N 56.9496 E 24.1052`, `lat=56.9, lon=24.1`. */
function parseDegrees(text: string): ParsedCoordinates | null {
  const degree = String.raw`([+-]?\d{1,3}(?:[.,]\d{1,12})?)\s*°?`;
  const pair = new RegExp(
    String.raw`^(?:lat(?:itude)?\s*[:=]?\s*)?([NS])?\s*${degree}\s*([NS])?` +
      String.raw`(?:\s*[,;]\s+|\s*;\s*|\s+|,(?=[+-]?\d{1,3}(?:\.\d|,\d+$)))` +
      String.raw`(?:(?:lon(?:gitude)?|lng)\s*[:=]?\s*)?([EW])?\s*${degree}\s*([EW])?$`,
    "i",
  );
  const found = pair.exec(text);
  if (found === null) return null;
  const [lat, lon] = [decimal(found[2] ?? ""), decimal(found[5] ?? "")];
  const south = (found[1] ?? found[3] ?? "").toUpperCase() === "S";
  const west = (found[4] ?? found[6] ?? "").toUpperCase() === "W";
  return wgs84(south ? -lat : lat, west ? -lon : lon);
}
