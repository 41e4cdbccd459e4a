/** Who is with whom in a conversation: pure, from what the server tells of its parties. */

import type { ContactMsg, Party } from "../api/types";
import { agentName, type LiveState } from "../live/state";

/** "consult": the citizen waits while we talk with, or call, somebody else, or the reverse. */
export type Stage = "talk" | "consult_ringing" | "consult" | "conference";

function isMonitor(party: Party): boolean {
  return party.state === "listening" || party.state === "whispering";
}

/**
 * Colleagues who are still being rung have no leg yet, only an offer; they are shown as parties
 * all the same. Such a one cannot be dropped by its id, only the whole wish be cancelled.
 */
function invited(contact: ContactMsg, ownAgentId: string | null, state: LiveState): Party[] {
  return contact.offers
    .filter((offer) => offer.agent_id !== ownAgentId)
    .filter((offer) => !contact.parties.some((party) => party.agent_id === offer.agent_id))
    .map((offer) => ({
      party_id: INVITED + offer.offer_id,
      kind: "agent",
      agent_id: offer.agent_id,
      number: null,
      name: agentName(state, offer.agent_id),
      state: "ringing",
      muted: false,
    }));
}

const INVITED = "offer:";

export function isInvited(party: Party): boolean {
  return party.party_id.startsWith(INVITED);
}

/** Everybody but the citizen and ourselves. */
export function othersOf(contact: ContactMsg, ownAgentId: string | null, state: LiveState): Party[] {
  const others = contact.parties.filter((p) => ownAgentId === null || p.agent_id !== ownAgentId);
  return [...others, ...invited(contact, ownAgentId, state)];
}

export function stageOf(contact: ContactMsg, others: readonly Party[]): Stage {
  const talkers = others.filter((party) => !isMonitor(party));
  const held = talkers.some((party) => party.state === "held");
  const talking = talkers.some((party) => party.state === "talking");
  if (held || (contact.on_hold && talking)) return "consult";
  if (contact.on_hold && talkers.length > 0) return "consult_ringing";
  return talking ? "conference" : "talk";
}

/** Whether somebody would be with the citizen if we left; an interpreter alone cannot help. */
export function mayLeave(others: readonly Party[]): boolean {
  return others.some((party) => party.state === "talking" && party.kind !== "interpreter");
}

/** Whether the server has muted the microphone of that seat. */
export function isMuted(contact: ContactMsg, agentId: string | null): boolean {
  const own = contact.parties.find((party) => agentId !== null && party.agent_id === agentId);
  return (own?.muted ?? false) || (isResponsible(contact, agentId) && contact.muted);
}

/** Ours to hold, transfer and end; an assistant only listens, speaks and leaves. */
export function isResponsible(contact: ContactMsg, agentId: string | null): boolean {
  return contact.agent_id === agentId;
}
