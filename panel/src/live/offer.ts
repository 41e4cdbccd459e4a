/** What is offered to our own seat, from messages that may overtake one another. */

import type { ContactMsg, ContactOffer, OfferKind } from "../api/types";
import { isText } from "./contact";

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

/** A text is offered beside a call that rings: one of each may stand at a time. */
export interface Offers {
  /** What the telephone rings for. */
  offer: Offer | null;
  textOffer: Offer | null;
}

/** As `offerAfter`, of both. */
export function offersAfter({ offer, textOffer }: Offers, contact: ContactMsg, agentId: string | null): Offers {
  if (!isText(contact)) return { offer: offerAfter(offer, contact, agentId), textOffer };
  // Before its contact was told, nobody knew that it was a text.
  const overtook = offer?.contact_id === contact.contact_id;
  const standing = overtook ? offer : textOffer;
  return { offer: overtook ? null : offer, textOffer: offerAfter(standing, contact, agentId) };
}

/** With a new offer, of the contact that it is about, where that was told already. */
export function withOffer(offers: Offers, coming: Omit<Offer, "confirmed">, contact: ContactMsg | undefined): Offers {
  const which = contact !== undefined && isText(contact) ? "textOffer" : "offer";
  const known = offers[which];
  const confirmed = known?.offer_id === coming.offer_id && known.confirmed;
  return { ...offers, [which]: { ...coming, confirmed } };
}

/** Without those that `over` says are over. */
export function withoutOffers({ offer, textOffer }: Offers, over: (offer: Offer) => boolean): Offers {
  const kept = (one: Offer | null): Offer | null => (one !== null && over(one) ? null : one);
  return { offer: kept(offer), textOffer: kept(textOffer) };
}
