/** Acts of a call taker on the contact at their own seat, and of a supervisor on others'. */

import { request } from "./http";
import type { MonitorMode, Target } from "./types";

export type ContactAction =
  | "answer"
  | "reject"
  | "hang-up"
  | "hold"
  | "resume"
  | "mute"
  | "unmute"
  | "pick"
  /** Consultation → conference of all. */
  | "merge"
  /** Consultation: talk with the other one now. */
  | "swap"
  /** Consultation: we leave, the citizen stays with the consulted party. */
  | "complete"
  /** Consultation: back to the citizen. */
  | "cancel"
  | "take-over";

/** "consult" puts the citizen on hold, "transfer" lets go at once, "invite" adds a third party. */
export type TargetAction = "consult" | "transfer" | "invite";

function pathOf(contactId: string): string {
  return `/api/contacts/${encodeURIComponent(contactId)}`;
}

export async function act(contactId: string, action: ContactAction): Promise<void> {
  await request("POST", `${pathOf(contactId)}/${action}`);
}

export async function actOn(contactId: string, action: TargetAction, target: Target): Promise<void> {
  await request("POST", `${pathOf(contactId)}/${action}`, { body: { target } });
}

export async function dropParty(contactId: string, partyId: string): Promise<void> {
  await request("POST", `${pathOf(contactId)}/parties/${encodeURIComponent(partyId)}/drop`);
}

export async function monitor(contactId: string, mode: MonitorMode | "off"): Promise<void> {
  await request("POST", `${pathOf(contactId)}/monitor`, { body: { mode } });
}

/** Calls a citizen from a card; tells the contact that comes of it. */
export async function dial(incidentId: string, number: string): Promise<string | null> {
  const path = `/api/cards/${encodeURIComponent(incidentId)}/call`;
  return contactIdOf(await request("POST", path, { body: { number } }));
}

/** The id of the contact that an outgoing call became; null where the server does not name it. */
export function contactIdOf(answer: unknown): string | null {
  if (typeof answer !== "object" || answer === null || !("contact_id" in answer)) return null;
  return typeof answer.contact_id === "string" ? answer.contact_id : null;
}
