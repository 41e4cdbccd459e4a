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

function offerSeat(state: LiveState, now: number): OfferSeat | null {
  const { offer } = state;
  if (!offer || now >= Date.parse(offer.deadline) + OFFER_GRACE_MS) return null;
  return { kind: "offer", offer, contact: state.contacts[offer.contact_id] ?? null };
}

/** A text that is offered to somebody who talks; it is shown beside the conversation. */
export function sideOffer(state: LiveState, now: number): OfferSeat | null {
  const talking = ownContact(state);
  const offered = talking === null ? null : offerSeat(state, now);
  return offered?.offer.contact_id === talking?.contact_id ? null : offered;
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
  const offered = offerSeat(state, now);
  if (offered) return offered;
  if (call && unexplained) {
    return call.stage === "ringing" ? { kind: "backup_offer", call } : { kind: "backup_talk", call };
  }
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
