/** The text conversations at our own seat; pure, from the live state. */

import type { ContactMsg } from "../api/types";
import { conversations, isText, type LiveState } from "../live/state";

/** Ours, the longest first: the order stays while others come and go. */
export function textsInHand(state: LiveState): ContactMsg[] {
  const { agentId } = state;
  if (agentId === null) return [];
  return conversations(state).filter((contact) => isText(contact) && contact.agent_id === agentId);
}

/** Since when the citizen waits for an answer, if longer than `afterS`; `now` by the server's clock. */
export function overdueSince(contact: ContactMsg, now: number, afterS: number): string | null {
  const since = contact.conversation?.unanswered_since ?? null;
  if (since === null) return null;
  return now - Date.parse(since) >= afterS * 1_000 ? since : null;
}

/** The next one of what is in hand, around the end; the first where `current` is none of them. */
export function nextInHand(all: readonly ContactMsg[], current: string | null): ContactMsg | null {
  const at = all.findIndex((contact) => contact.contact_id === current);
  return all[(at + 1) % Math.max(1, all.length)] ?? null;
}
