/** What the call taker can do with their seat, by button or by key. */

import { endWrapUp, setPresence } from "../api/agent";
import { act } from "../api/contacts";
import type { NotReadyReason, PresenceKind } from "../api/types";
import { attempt, type Session } from "../app/session";
import type { Seat } from "./seat";

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
  if (phone) return attempt(session, () => phone.answer());
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
  if (seat.kind !== "talk") return;
  const action = seat.contact.on_hold ? "resume" : "hold";
  await attempt(session, () => act(seat.contact.contact_id, action));
}

export async function finishWrapUp(session: Session): Promise<void> {
  session.notes.flush();
  await attempt(session, endWrapUp);
}

