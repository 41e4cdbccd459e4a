/** What is offered to our own seat, from messages that may overtake one another. */

import type { ContactMsg, ContactOffer, OfferKind } from "../api/types";

export interface Offer {
  offer_id: string;
  contact_id: string;
  incident_id: string | null;
  deadline: string;
  caller_number: string | null;
  kind: OfferKind;
  /** True once the contact itself was reported as offered to us. */
  confirmed: boolean;
}

/** A contact that somebody talks with can only be offered to a helper. */
function kindOf(contact: ContactMsg, offer: ContactOffer, previous: Offer | null): OfferKind {
  if (offer.kind !== null) return offer.kind;
  if (previous !== null) return previous.kind;
  if (contact.state !== "offered") return "assist";
  return contact.direction === "outbound" ? "outbound" : "answer";
}

function offerOf(contact: ContactMsg, offer: ContactOffer, standing: Offer | null): Offer {
  const same = standing?.offer_id === offer.offer_id ? standing : null;
  return {
    offer_id: offer.offer_id,
    contact_id: contact.contact_id,
    incident_id: contact.incident_id ?? same?.incident_id ?? null,
    deadline: offer.deadline,
    caller_number: contact.caller_number ?? same?.caller_number ?? null,
    kind: kindOf(contact, offer, same),
    confirmed: true,
  };
}

/**
 * The offer may overtake the report that the contact left the waiting list, or that we are asked
 * to join: such a report is older than the offer and must not take it down.
 */
function mayBeOlder(contact: ContactMsg, offer: Offer, agentId: string | null): boolean {
  if (offer.confirmed) return false;
  if (offer.kind !== "assist") return contact.state === "waiting";
  const joined = agentId !== null && contact.participants.includes(agentId);
  return !joined && (contact.state === "talking" || contact.state === "held");
}

/** The offer that stands after `contact` was reported. */
export function offerAfter(standing: Offer | null, contact: ContactMsg, agentId: string | null): Offer | null {
  const mine = contact.offers.find((offer) => offer.agent_id === agentId);
  if (mine !== undefined) return offerOf(contact, mine, standing);
  if (standing?.contact_id !== contact.contact_id) return standing;
  return mayBeOlder(contact, standing, agentId) ? standing : null;
}
