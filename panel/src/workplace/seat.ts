/** What is in front of the call taker now: pure, from the live state and the browser phone. */

import type { ContactMsg } from "../api/types";
import { isText, ownAgent, ownContact, type LiveState, type Offer } from "../live/state";
import type { PhoneCall } from "../phone/phone";

export interface OfferSeat {
  kind: "offer";
  offer: Offer;
  contact: ContactMsg | null;
}

export type Seat =
  | OfferSeat
  | { kind: "talk"; contact: ContactMsg }
  /** The phone rings or talks, and the server told nothing: the parachute queue's call. */
  | { kind: "backup_offer"; call: PhoneCall }
  | { kind: "backup_talk"; call: PhoneCall }
  | { kind: "wrap_up"; deadline: string | null }
  | { kind: "idle" };

/** An offer this long past its deadline is over, even if the word of it got lost. */
const OFFER_GRACE_MS = 3_000;

function offerSeat(state: LiveState, offer: Offer | null, now: number): OfferSeat | null {
  if (!offer || now >= Date.parse(offer.deadline) + OFFER_GRACE_MS) return null;
  return { kind: "offer", offer, contact: state.contacts[offer.contact_id] ?? null };
}

/** A text that is offered to somebody who talks, or whose telephone rings; it is shown beside that. */
export function sideOffer(state: LiveState, seat: Seat, now: number): OfferSeat | null {
  if (seat.kind === "wrap_up" || seat.kind === "idle") return null;
  const text = offerSeat(state, state.textOffer, now);
  if (seat.kind === "offer" && seat.offer.contact_id === text?.offer.contact_id) return null;
  if (text !== null || seat.kind !== "talk") return text;
  // Another call than the one in hand: whoever is asked to join may be in one already.
  const call = offerSeat(state, state.offer, now);
  return call?.offer.contact_id === seat.contact.contact_id ? null : call;
}

/** Whether what is offered is a text, which makes no telephone ring. */
export function isTextOffer(seat: Seat): seat is OfferSeat {
  return seat.kind === "offer" && !needsPhone(seat);
}

/** Whether the offer needs a telephone to be answered. */
export function needsPhone(seat: OfferSeat): boolean {
  return seat.contact === null || !isText(seat.contact);
}

/**
 * `unexplained` is true when a call at the phone has had no counterpart from the server for longer
 * than messages take; before that it is only a little ahead or behind.
 */
export function seatOf(state: LiveState, call: PhoneCall | null, unexplained: boolean, now: number): Seat {
  const contact = ownContact(state);
  if (contact) return { kind: "talk", contact };
  const offered = offerSeat(state, state.offer, now);
  if (offered) return offered;
  if (call && unexplained) {
    return call.stage === "ringing" ? { kind: "backup_offer", call } : { kind: "backup_talk", call };
  }
  // A call goes before a text, whichever came first.
  const text = offerSeat(state, state.textOffer, now);
  if (text) return text;
  const agent = ownAgent(state);
  if (agent?.state === "wrap_up") return { kind: "wrap_up", deadline: agent.wrap_up_deadline };
  return { kind: "idle" };
}

/** The card that belongs to what is in front of the call taker. */
export function incidentOf(seat: Seat): string | null {
  if (seat.kind === "talk") return seat.contact.incident_id;
  if (seat.kind === "offer") return seat.contact?.incident_id ?? seat.offer.incident_id;
  return null;
}

/**
 * Names the call and its card; another name means that the screen must change. A call whose card
 * is not written yet has a name too: the card of the call before must go, or this caller's words
 * would be typed into it.
 */
export function popOf(seat: Seat): string | null {
  switch (seat.kind) {
    case "talk":
      return `${seat.contact.contact_id} ${incidentOf(seat) ?? ""}`;
    case "offer":
      return `${seat.offer.contact_id} ${incidentOf(seat) ?? ""}`;
    case "backup_offer":
    case "backup_talk":
      return seat.call.id;
    default:
      return null;
  }
}
