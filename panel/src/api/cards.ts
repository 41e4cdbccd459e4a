/** Incident cards: the list, one card, and its notes. */

import type { Theirs } from "../saving/saver";
import { decodeCard } from "./decode";
import { ApiError, request } from "./http";
import type {
  Card,
  CardPage,
  CardRef,
  FieldName,
  FieldValues,
  GuideRequest,
  Guidance,
  NewLocation,
  Notes,
  Related,
} from "./types";

const PAGE_SIZE = 40;

/** `question`: the parameters of a search, as `cards/filter` writes them. */
export async function searchCards(
  question: string,
  before: string | null,
  signal?: AbortSignal,
): Promise<CardPage> {
  const parameters = new URLSearchParams(question);
  parameters.set("limit", String(PAGE_SIZE));
  if (before !== null) parameters.set("before", before);
  const path = `/api/cards?${parameters.toString()}`;
  return (await request("GET", path, signal ? { signal } : {})) as CardPage;
}

export async function fetchCard(incidentId: string, signal?: AbortSignal): Promise<Card> {
  return decodeCard((await request("GET", pathOf(incidentId), signal ? { signal } : {})) as Partial<Card>);
}

export interface FieldSaved {
  version: number;
  saved_at: string;
}

/** Ten megabytes over a slow line. */
const ATTACH_TIMEOUT_MS = 60_000;

/** Throws `ApiError` with status 412 when somebody saved another version; see `notesConflictOf`. */
export async function saveNotes(incidentId: string, text: string, baseVersion: number): Promise<FieldSaved> {
  const answer = await request("PUT", `${pathOf(incidentId)}/notes`, {
    body: { text },
    headers: ifMatch(baseVersion),
    outlivePage: true,
  });
  return answer as FieldSaved;
}

/** As `saveNotes`; see `conflictOf`. */
export async function saveField<N extends FieldName>(
  incidentId: string,
  name: N,
  value: FieldValues[N] | null,
  baseVersion: number,
): Promise<FieldSaved> {
  const answer = await request("PUT", `${pathOf(incidentId)}/fields/${encodeURIComponent(name)}`, {
    body: { value },
    headers: ifMatch(baseVersion),
    outlivePage: true,
  });
  return answer as FieldSaved;
}

function currentOf(error: unknown): unknown {
  if (!(error instanceof ApiError) || error.status !== 412) return null;
  return (error.body as { current?: unknown } | null)?.current ?? null;
}

/** The value that stands in the way of a refused save, or null for any other failure. */
export function conflictOf<T>(error: unknown): Theirs<T> | null {
  return currentOf(error) as Theirs<T> | null;
}

/** As `conflictOf`, of the notes. */
export function notesConflictOf(error: unknown): Theirs<string> | null {
  const current = currentOf(error) as Omit<Notes, "saved_at"> | null;
  return current === null ? null : { value: current.text, version: current.version, author: current.author };
}

/** Takes back a save, a merge, a split or a link, by the key of its entry on the timeline. */
export async function undo(incidentId: string, entry: string): Promise<void> {
  await request("POST", `${pathOf(incidentId)}/undo`, { body: { entry } });
}

/** Tells colleagues that we are on this card, and in which field. */
export async function tellPresence(incidentId: string, field: string | null): Promise<void> {
  await request("PUT", `${pathOf(incidentId)}/presence`, { body: { field } });
}

export async function leaveCard(incidentId: string): Promise<void> {
  await request("DELETE", `${pathOf(incidentId)}/presence`, { outlivePage: true });
}

/** Adds a place that a person knows: a click on the map, an address, the caller's word. */
export async function addLocation(incidentId: string, location: NewLocation): Promise<void> {
  await request("POST", `${pathOf(incidentId)}/locations`, { body: location });
}

/** A person decides which place is the incident's; null leaves it to the rule again. */
export async function chooseLocation(incidentId: string, locationId: string | null): Promise<void> {
  await request("PUT", `${pathOf(incidentId)}/location`, { body: { location_id: locationId } });
}

export async function fetchRelated(incidentId: string, signal?: AbortSignal): Promise<Related> {
  return (await request("GET", `${pathOf(incidentId)}/related`, signal ? { signal } : {})) as Related;
}

/** This card becomes a part of the other one. */
export async function mergeInto(incidentId: string, into: string): Promise<void> {
  await request("POST", `${pathOf(incidentId)}/merge`, { body: { into } });
}

/** These contacts get a card of their own, which is answered. */
export async function splitOff(incidentId: string, contactIds: string[]): Promise<CardRef> {
  return (await request("POST", `${pathOf(incidentId)}/split`, { body: { contact_ids: contactIds } })) as CardRef;
}

export async function setParent(incidentId: string, parentId: string | null): Promise<void> {
  await request("PUT", `${pathOf(incidentId)}/parent`, { body: { parent_id: parentId } });
}

/** Adds a file; the name goes in a header, so the body is the file itself. */
export async function attach(incidentId: string, file: File): Promise<void> {
  await request("POST", `${pathOf(incidentId)}/attachments`, {
    raw: { type: file.type || "application/octet-stream", data: file },
    headers: { "X-File-Name": encodeURIComponent(file.name) },
    timeoutMs: ATTACH_TIMEOUT_MS,
  });
}

export async function removeAttachment(attachmentId: string): Promise<void> {
  await request("DELETE", `/api/attachments/${encodeURIComponent(attachmentId)}`);
}

export async function guide(body: GuideRequest, signal?: AbortSignal): Promise<Guidance> {
  return (await request("POST", "/api/catalogue/guide", signal ? { body, signal } : { body })) as Guidance;
}

function pathOf(incidentId: string): string {
  return `/api/cards/${encodeURIComponent(incidentId)}`;
}

function ifMatch(version: number): Record<string, string> {
  return { "If-Match": `"${version}"` };
}
