/** Incident cards: the list, one card, and its notes. */

import { ApiError, request } from "./http";
import type { Card, CardPage } from "./types";

const PAGE_SIZE = 40;

export async function searchCards(
  query: string,
  before: string | null,
  signal?: AbortSignal,
): Promise<CardPage> {
  const parameters = new URLSearchParams({ limit: String(PAGE_SIZE) });
  if (query !== "") parameters.set("q", query);
  if (before !== null) parameters.set("before", before);
  const path = `/api/cards?${parameters.toString()}`;
  return (await request("GET", path, signal ? { signal } : {})) as CardPage;
}

export async function fetchCard(incidentId: string, signal?: AbortSignal): Promise<Card> {
  const path = `/api/cards/${encodeURIComponent(incidentId)}`;
  return (await request("GET", path, signal ? { signal } : {})) as Card;
}

export interface NotesSaved {
  version: number;
  saved_at: string;
}

/** What a colleague saved in between. */
export interface NotesCurrent {
  text: string;
  version: number;
  author: string | null;
}

/** Throws `ApiError` with status 412 when somebody saved another version; see `conflictOf`. */
export async function saveNotes(
  incidentId: string,
  text: string,
  baseVersion: number,
): Promise<NotesSaved> {
  const answer = await request("PUT", `/api/cards/${encodeURIComponent(incidentId)}/notes`, {
    body: { text },
    headers: { "If-Match": `"${baseVersion}"` },
    outlivePage: true,
  });
  return answer as NotesSaved;
}

/** The version that stands in the way of a refused save, or null for any other failure. */
export function conflictOf(error: unknown): NotesCurrent | null {
  if (!(error instanceof ApiError) || error.status !== 412) return null;
  const body = error.body as { current?: NotesCurrent } | null;
  return body?.current ?? null;
}
