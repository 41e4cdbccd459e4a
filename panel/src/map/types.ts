/** What the map is given; the shapes are the server's JSON (RFC 5491 §5), pairs are [lat, lon]. */

export type Pair = readonly [latitude: number, longitude: number];

export interface Position {
  lat: number;
  lon: number;
}

interface EllipseParameters {
  centre: Pair;
  semi_major_m: number;
  semi_minor_m: number;
  /** Of the semi-major axis, clockwise from north. */
  orientation_deg: number;
}

export type Shape =
  | { type: "Point"; position: Pair; altitude_m?: number }
  | { type: "Circle"; centre: Pair; radius_m: number }
  | ({ type: "Ellipse" } & EllipseParameters)
  | {
      type: "ArcBand";
      apex: Pair;
      inner_radius_m: number;
      outer_radius_m: number;
      start_angle_deg: number;
      /** Clockwise from the start. */
      opening_angle_deg: number;
    }
  | { type: "Polygon"; exterior: readonly Pair[]; altitude_m?: number }
  | { type: "Sphere"; centre: Pair; altitude_m: number; radius_m: number }
  | ({ type: "Ellipsoid"; altitude_m: number; vertical_axis_m: number } & EllipseParameters)
  | { type: "Prism"; base: readonly Pair[]; altitude_m: number; height_m: number };

export const SOURCES = [
  "pidf_lo",
  "aml",
  "msd",
  "network_cell",
  "https",
  "address",
  "map",
  "call_taker",
] as const;
export type LocationSource = (typeof SOURCES)[number];

export const KINDS = ["caller", "incident", "initial", "unit"] as const;
export type LocationKind = (typeof KINDS)[number];

/** One location of a card, as much of it as the map shows. */
export interface MapLocation extends Position {
  location_id: string;
  kind: LocationKind;
  source: LocationSource;
  shape: Shape;
  radius_m: number | null;
  confidence: number | null;
  /** When it was true, if that was told. */
  observed_at: string | null;
  received_at: string;
  /** Whose place it is: the places of one car make its trail. */
  contact_id?: string | null;
  /**
   * What else was told: `direction_deg` clockwise from north is drawn as an arrow, `recent` (pairs, the latest
   * first) as a trail; `trusted` is false where the device itself doubts the place.
   */
  data?: Readonly<Record<string, unknown>>;
}

/** A place that could be meant, such as a hit of the address search. */
export interface Candidate extends Position {
  id: string;
  text: string;
}

/** A crew or vehicle whose position is known. */
export interface MapUnit extends Position {
  unit_id: string;
  call_sign: string;
}

/** One map file of the server (`GET /api/map`). */
export interface MapFile {
  name: string;
  url: string;
  bytes: number;
  bounds: readonly [west: number, south: number, east: number, north: number];
  min_zoom: number;
  max_zoom: number;
  attribution: string;
  built_at: string;
}
