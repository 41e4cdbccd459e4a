/**
 * Alarms of the distributor and of services: each tells that something happened to a contact or a seat. Unlike the
 * system's alarms they do not stand; one goes when its contact is served, or when it was read.
 */

import type { AgentMsg, AlarmData, ContactMsg } from "../api/types";
import { isUnanswered, isWaiting } from "./contact";

const NOTICE_CODES = [
  "contact_waits",
  "nobody_logged_in",
  "contact_escalated",
  "text_unanswered",
  "offers_missed",
  "service_overdue",
  "service_unseen",
  "service_refused",
] as const;
export type NoticeCode = (typeof NOTICE_CODES)[number];

export interface Notice {
  /** Equal for equal alarms, so that a repeated one is shown once. */
  id: string;
  code: NoticeCode;
  contactId: string | null;
  agentId: string | null;
  queue: string | null;
  /** What a notice of a service is about; null for one of the distributor's. */
  service: ServiceNotice | null;
}

export interface ServiceNotice {
  involvementId: string;
  cardNumber: string;
  service: string;
  /** The login of whoever sent for it. */
  sentBy: string;
}

/** In a bad hour hundreds wait; more notices than this nobody reads, the waiting list tells all. */
const NOTICES_MAX = 50;

/** The presence that the distributor gives to a seat that let offers pass. */
export const MISSED_OFFERS = "missed_offers";

/** The notice that an alarm makes; null for an alarm of the system, which stands by itself. */
export function noticeOf(code: string, data: AlarmData): Notice | null {
  const known = NOTICE_CODES.find((name) => name === code);
  if (known === undefined) return null;
  const contactId = data.contact_id ?? null;
  const agentId = data.agent_id ?? null;
  const queue = data.queue ?? null;
  const service = serviceOf(data);
  const id = [known, contactId ?? "", agentId ?? "", queue ?? "", service?.involvementId ?? ""].join("/");
  return { id, code: known, contactId, agentId, queue, service };
}

function serviceOf({ involvement_id, card_number, service, sent_by }: AlarmData): ServiceNotice | null {
  if (involvement_id === undefined || service === undefined) return null;
  return { involvementId: involvement_id, cardNumber: card_number ?? "", service, sentBy: sent_by ?? "" };
}

export function withNotice(notices: readonly Notice[], notice: Notice, active: boolean): readonly Notice[] {
  const others = notices.filter((other) => other.id !== notice.id);
  if (active) return [...others, notice].slice(-NOTICES_MAX);
  return others.length === notices.length ? notices : others;
}

/** Drops what `keep` refuses; the same array if that is nothing, so that nothing is redrawn. */
function pruned(notices: readonly Notice[], keep: (notice: Notice) => boolean): readonly Notice[] {
  return notices.every(keep) ? notices : notices.filter(keep);
}

/** Whether the cause of a notice about this contact is still there; null: the contact is not. */
function stands(notice: Notice, contact: ContactMsg | null): boolean {
  if (contact === null) return false;
  return notice.code === "text_unanswered" ? isUnanswered(contact) : isWaiting(contact);
}

/** After a report of a contact, or of its end (null). */
export function afterContact(
  notices: readonly Notice[],
  contactId: string,
  contact: ContactMsg | null,
): readonly Notice[] {
  return pruned(notices, (notice) => notice.contactId !== contactId || stands(notice, contact));
}

/** After a report of a seat: who is ready again, or gone, needs no word about missed offers. */
export function afterAgent(notices: readonly Notice[], agent: AgentMsg): readonly Notice[] {
  if (agent.presence.reason === MISSED_OFFERS) return notices;
  return pruned(notices, (n) => n.code !== "offers_missed" || n.agentId !== agent.agent_id);
}

/** After a snapshot: what was not read stays if its contact still waits. */
export function afterSnapshot(
  notices: readonly Notice[],
  contacts: readonly ContactMsg[],
  agents: readonly AgentMsg[],
): readonly Notice[] {
  const known = new Map(contacts.map((contact) => [contact.contact_id, contact]));
  // Those of services stand at the server, which tells of them anew.
  const kept = pruned(
    notices,
    (notice) => notice.service === null && (notice.contactId === null || stands(notice, known.get(notice.contactId) ?? null)),
  );
  return agents.reduce(afterAgent, kept);
}
