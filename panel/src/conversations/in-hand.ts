/** The text conversations at our own seat; pure, from the live state. */

import type { ContactMsg } from "../api/types";
import { conversations, isText, type LiveState } from "../live/state";

/** Ours, the longest first: the order stays while others come and go. */
export function textsInHand(state: LiveState): ContactMsg[] {
  const { agentId } = state;
  if (agentId === null) return [];
  return conversations(state).filter((contact) => isText(contact) && contact.agent_id === agentId);
}

/** Whether the citizen waits for an answer longer than `afterS`; `now` by the server's clock. */
export function isOverdue(unansweredSince: string | null, now: number, afterS: number): unansweredSince is string {
  return unansweredSince !== null && now - Date.parse(unansweredSince) >= afterS * 1_000;
}

/** The next one of what is in hand, around the end; the first where `current` is none of them. */
export function nextInHand(all: readonly ContactMsg[], current: string | null): ContactMsg | null {
  const at = all.findIndex((contact) => contact.contact_id === current);
  return all[(at + 1) % Math.max(1, all.length)] ?? null;
}
