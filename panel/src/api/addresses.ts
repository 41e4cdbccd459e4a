/** The State Address Register: search while typing, what is at a point, one address by its code. */

import { request } from "./http";

/** Degrees of WGS84. */
export interface MapPoint {
  lat: number;
  lon: number;
}

export interface Address {
  /** The register's nine digits. */
  code: string;
  text: string;
  postcode: string | null;
  lat: number | null;
  lon: number | null;
  /** LKS-92 as the register writes it: x is the northing, y the easting. */
  x: number | null;
  y: number | null;
  kind: "building" | "flat" | "street" | "place";
  /** It exists no more. */
  old: boolean;
  /** The former name by which it was found. */
  former_text: string | null;
  /** From the point that was asked about. */
  distance_m: number | null;
}

export interface Nearby {
  /** Nearest first. */
  addresses: Address[];
  /** Town, village or parish, where every building is far. */
  place: Address | null;
}

/** What the server takes; longer texts are no address. */
export const QUERY_LENGTH_MAX = 200;

async function get(path: string, signal?: AbortSignal): Promise<unknown> {
  return request("GET", path, signal ? { signal } : {});
}

export async function searchAddresses(
  text: string,
  near: MapPoint | null,
  limit: number,
  signal?: AbortSignal,
): Promise<Address[]> {
  const parameters = new URLSearchParams({ q: text.slice(0, QUERY_LENGTH_MAX), limit: String(limit) });
  // Written out: the server reads no exponents.
  if (near !== null) parameters.set("near", `${near.lat.toFixed(6)},${near.lon.toFixed(6)}`);
  const answer = await get(`/api/addresses?${parameters.toString()}`, signal);
  return (answer as { addresses: Address[] }).addresses;
}

export async function addressesNear(point: MapPoint, limit: number, signal?: AbortSignal): Promise<Nearby> {
  const parameters = new URLSearchParams({
    lat: point.lat.toFixed(6),
    lon: point.lon.toFixed(6),
    limit: String(limit),
  });
  return (await get(`/api/addresses/near?${parameters.toString()}`, signal)) as Nearby;
}

export async function addressByCode(code: string, signal?: AbortSignal): Promise<Address> {
  return (await get(`/api/addresses/${encodeURIComponent(code)}`, signal)) as Address;
}
