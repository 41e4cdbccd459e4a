/** What the call taker can do with their seat, by button or by key. */

import { endWrapUp, extendWrapUp, setPresence } from "../api/agent";
import { act, actOn, dropParty, monitor, type ContactAction, type TargetAction } from "../api/contacts";
import type { ContactMsg, MonitorMode, NotReadyReason, PresenceKind, Target } from "../api/types";
import { attempt, type Session } from "../app/session";
import { isText, ownAgent } from "../live/state";
import { isMuted, isResponsible } from "../talk/stage";
import { needsPhone, type Seat } from "./seat";

export async function changePresence(
  session: Session,
  kind: PresenceKind,
  reason: NotReadyReason | null = null,
): Promise<boolean> {
  session.ringer.unlock();
  return attempt(session, async () => {
    // A seat that cannot speak must not be offered a call: the microphone comes first.
    if (kind === "ready") await session.phone?.prepare();
    await setPresence(kind, reason);
  });
}

/** A browser phone answers here and now; a desk phone is made to answer by the server. */
export async function answer(session: Session, seat: Seat): Promise<boolean> {
  session.ringer.unlock();
  const { phone } = session;
  if (seat.kind === "backup_offer") return attempt(session, async () => phone?.answer());
  if (seat.kind !== "offer") return false;
  if (phone && needsPhone(seat)) return attempt(session, () => phone.answer());
  return attempt(session, () => act(seat.offer.contact_id, "answer"));
}

export async function reject(session: Session, seat: Seat): Promise<void> {
  if (seat.kind === "backup_offer") session.phone?.hangUp();
  if (seat.kind !== "offer") return;
  const done = await attempt(session, () => act(seat.offer.contact_id, "reject"));
  if (!done) session.phone?.hangUp();
}

export async function hangUp(session: Session, seat: Seat): Promise<void> {
  if (seat.kind === "backup_talk") session.phone?.hangUp();
  if (seat.kind !== "talk") return;
  if (seat.contact.state === "parachute" && session.phone) {
    // Out of the distributor's hands: the server could only refuse.
    session.phone.hangUp();
    return;
  }
  const done = await attempt(session, () => act(seat.contact.contact_id, "hang-up"));
  if (!done) session.phone?.hangUp();
}

export async function toggleHold(session: Session, seat: Seat): Promise<void> {
  if (seat.kind !== "talk" || !isResponsible(seat.contact, session.live.getState().agentId)) return;
  const action = seat.contact.on_hold ? "resume" : "hold";
  await attempt(session, () => act(seat.contact.contact_id, action));
}

/** A browser phone mutes its own microphone; a desk phone's leg is muted by the server. */
export async function toggleMute(session: Session, seat: Seat): Promise<void> {
  const { phone } = session;
  if (phone !== null) {
    phone.setMuted(!phone.getState().muted);
    return;
  }
  if (seat.kind !== "talk" || seat.contact.state === "parachute") return;
  const muted = isMuted(seat.contact, session.live.getState().agentId);
  await attempt(session, () => act(seat.contact.contact_id, muted ? "unmute" : "mute"));
}

/** An act on the conversation in hand that needs no further word, e.g. `swap`. */
export async function doOn(session: Session, contact: ContactMsg, action: ContactAction): Promise<boolean> {
  return attempt(session, () => act(contact.contact_id, action));
}

export async function sendTo(
  session: Session,
  contact: ContactMsg,
  action: TargetAction,
  target: Target,
): Promise<boolean> {
  return attempt(session, () => actOn(contact.contact_id, action, target));
}

export async function drop(session: Session, contact: ContactMsg, partyId: string): Promise<void> {
  await attempt(session, () => dropParty(contact.contact_id, partyId));
}

/** Takes a chosen contact from the waiting list: it is then offered to us, and only to us. */
export async function pick(session: Session, contact: ContactMsg): Promise<void> {
  session.ringer.unlock();
  await attempt(session, async () => {
    if (!isText(contact)) await session.phone?.prepare();
    await act(contact.contact_id, "pick");
  });
}

/** Whether our seat may begin an outgoing call: at rest, which wrap-up is too. */
export function mayDial(session: Session): boolean {
  const state = ownAgent(session.live.getState())?.state;
  return state === "idle" || state === "not_ready" || state === "wrap_up";
}

/**
 * Starts an outgoing call. Our own phone is rung first; as we asked for it, it is answered by
 * itself, so that one click is enough.
 */
export async function placeCall(session: Session, ask: () => Promise<string | null>): Promise<boolean> {
  session.ringer.unlock();
  return attempt(session, async () => {
    await session.phone?.prepare();
    const contactId = await ask();
    if (contactId === null) return;
    session.dialled.add(contactId);
    // The offer may have come before this answer.
    await answerDialled(session);
  });
}

/** From the offer to the desk phone's ringing; before that the server has nothing to answer. */
const DESK_PHONE_RINGS_MS = 800;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    window.setTimeout(resolve, ms);
  });
}

/** Answers the offer of a call that this panel asked for, once; anybody else's is left alone. */
export async function answerDialled(session: Session): Promise<void> {
  const { offer, contacts } = session.live.getState();
  if (offer === null || !session.dialled.delete(offer.contact_id)) return;
  if (session.phone !== null) {
    await answer(session, { kind: "offer", offer, contact: contacts[offer.contact_id] ?? null });
    return;
  }
  await sleep(DESK_PHONE_RINGS_MS);
  if (session.live.getState().offer?.offer_id !== offer.offer_id) return;
  // Not every desk phone can be made to answer: the offer with its button stays, and says enough.
  await act(offer.contact_id, "answer").catch(() => undefined);
}

/** Our phone is rung to listen with; a browser phone answers by itself, for we asked for it. */
export async function startMonitor(session: Session, contactId: string, mode: MonitorMode): Promise<void> {
  session.ringer.unlock();
  await attempt(session, async () => {
    await session.phone?.prepare();
    await monitor(contactId, mode);
    if (session.phone?.getState().call?.stage !== "talking") await session.phone?.answer();
  });
}

export async function stopMonitor(session: Session, contactId: string): Promise<void> {
  const done = await attempt(session, () => monitor(contactId, "off"));
  if (!done) session.phone?.hangUp();
}

export async function takeOver(session: Session, contactId: string): Promise<void> {
  session.ringer.unlock();
  await attempt(session, async () => {
    await session.phone?.prepare();
    await act(contactId, "take-over");
    if (session.phone?.getState().call?.stage !== "talking") await session.phone?.answer();
  });
}

export async function finishWrapUp(session: Session): Promise<void> {
  session.saving.flush();
  await attempt(session, endWrapUp);
}

export async function prolongWrapUp(session: Session): Promise<void> {
  await attempt(session, extendWrapUp);
}
