/** What kind of contact one is, and whether it waits; pure. */

import type { ContactMsg } from "../api/types";

/** Held in hand beside a voice call; they take no place at the seat's telephone. */
export function isText(contact: ContactMsg): boolean {
  return contact.medium !== "voice";
}

/** A contact in the parachute queue waits until somebody has taken it. */
export function isWaiting(contact: ContactMsg): boolean {
  if (contact.state === "parachute") return contact.agent_id === null;
  return contact.state === "waiting" || contact.state === "offered";
}

/** Whether the citizen has written and nobody has answered yet. */
export function isUnanswered(contact: ContactMsg): boolean {
  return (contact.conversation?.unanswered_since ?? null) !== null;
}
