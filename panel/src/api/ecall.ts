/** What a car or a telephone sent with its call: as the server tells it, and how it is asked for more. */

import { request } from "./http";
import { reasonHeader } from "./reasons";

/** How an eCall began. */
export type ECallKind = "automatic" | "manual" | "test" | "unknown";

/** "none": nothing was received of which this could be read. */
export type DataState = "received" | "unreadable" | "none";

export type RequestState = "asked" | "received" | "refused" | "no_answer" | "failed";

/** How far it is that a car was asked for a new Minimum Set of Data. */
export interface MSDRequest {
  state: RequestState;
  at: string;
  /** The car's own code (RFC 8147 §9.1.2.2), or ours. */
  reason: string | null;
}

export interface Oddity {
  code: string;
  /** For people who know the standard. */
  detail: string;
}

/** Why something cannot be read. */
export interface Fault {
  code: string;
  params: Record<string, string | number>;
}

export interface AdditionalData {
  /** Relative to that of the standard, e.g. `8.1`. */
  oid: string;
  /** By the concept's own names; null for one that is not known. */
  decoded: Record<string, unknown> | null;
  hex: string;
  /** The message ended before these did. */
  cut: boolean;
}

/** One Minimum Set of Data (EN 15722). */
export interface MSDView {
  received_at: string;
  /** Of the incident's first message, by the car's clock; null if that failed. */
  sent_at: string | null;
  /** When it came; null where the car's clock cannot be believed. */
  age_s: number | null;
  message_identifier: number;
  version: number;
  automatic: boolean;
  test: boolean;
  /** False: the car is less than 95 % sure to be within 150 m. */
  trusted: boolean;
  lat: number | null;
  lon: number | null;
  /** Clockwise from north. */
  direction_deg: number | null;
  /** Where it came from, the latest first, as [latitude, longitude]. */
  recent: [number, number][];
  vin: string;
  make: string | null;
  model_year: number | null;
  /** By the standard's own name; null for one of a later version. */
  vehicle_type: string | null;
  /** By the standard's own names; empty: nobody knows. */
  energy: string[];
  occupants: number | null;
  additional: AdditionalData | null;
  oddities: Oddity[];
  hex: string;
}

/** A car that calls, as far as it is known. */
export interface CarData {
  kind: ECallKind;
  data: DataState;
  /** There is a dialog by which new data can be asked for. */
  can_request: boolean;
  request: MSDRequest | null;
  /** Messages received so far. */
  count: number;
  /** The newest that can be read. */
  msd: MSDView | null;
}

export type ItemKind =
  "msd" | "location" | "location_reference" | "control" | "additional" | "identifier" | "other";

/** One part of what came with a contact. */
export interface DataItem {
  item_id: string;
  at: string;
  via: "invite" | "info" | "answer" | "api" | "reference";
  kind: ItemKind;
  content_type: string | null;
  content_id: string | null;
  purpose: string | null;
  size: number;
  hex: string | null;
  text: string | null;
  msd: MSDView | null;
  detail: Record<string, unknown> | null;
  oddities: Oddity[];
  /** Why it could not be read, in the server's own words. */
  error: string | null;
  /** The same as a code; null of a server that does not know it. */
  fault: Fault | null;
}

export interface EmergencyData {
  service: string | null;
  trunk: string | null;
  test: boolean;
  vehicle: CarData | null;
  /** The oldest first. */
  items: DataItem[];
}

const MSD_DEFAULTS = {
  sent_at: null,
  age_s: null,
  lat: null,
  lon: null,
  direction_deg: null,
  recent: [],
  make: null,
  model_year: null,
  vehicle_type: null,
  energy: [],
  occupants: null,
  additional: null,
  oddities: [],
  hex: "",
};

const ITEM_DEFAULTS = {
  content_type: null,
  content_id: null,
  purpose: null,
  size: 0,
  hex: null,
  text: null,
  detail: null,
  oddities: [],
  error: null,
  fault: null,
};

export function decodeMSD(raw: Partial<MSDView> | null | undefined): MSDView | null {
  return raw ? ({ ...MSD_DEFAULTS, ...raw } as MSDView) : null;
}

export function decodeCar(raw: Partial<CarData> | null | undefined): CarData | null {
  if (!raw) return null;
  const msd = decodeMSD(raw.msd);
  const guessed = { kind: "unknown", data: msd === null ? "none" : "received", count: msd === null ? 0 : 1 };
  return { ...guessed, can_request: false, request: null, ...raw, msd } as CarData;
}

export function decodeItem(raw: Partial<DataItem>): DataItem {
  return { ...ITEM_DEFAULTS, ...raw, msd: decodeMSD(raw.msd) } as DataItem;
}

export function decodeEmergencyData(raw: Partial<EmergencyData>): EmergencyData {
  const items = (raw.items ?? []).map(decodeItem);
  return { service: null, trunk: null, test: false, ...raw, vehicle: decodeCar(raw.vehicle), items };
}

function pathOf(contactId: string): string {
  return `/api/contacts/${encodeURIComponent(contactId)}`;
}

/** `incidentId`: the card by which it is read, for whoever had to say why. */
export async function fetchEmergencyData(
  contactId: string,
  incidentId: string,
  signal?: AbortSignal,
): Promise<EmergencyData> {
  const headers = reasonHeader(`/api/cards/${encodeURIComponent(incidentId)}`);
  const answer = await request("GET", `${pathOf(contactId)}/emergency-data`, signal ? { signal, headers } : { headers });
  return decodeEmergencyData(answer as Partial<EmergencyData>);
}

/** Asks the car for a new Minimum Set of Data; the live messages tell what comes of it. */
export async function askForMSD(contactId: string): Promise<void> {
  await request("POST", `${pathOf(contactId)}/msd-requests`, { body: {} });
}

/** Ends an eCall: the car is told, and the timeline says who did it. */
export async function clearDown(contactId: string): Promise<void> {
  await request("POST", `${pathOf(contactId)}/clear-down`, { body: {} });
}
