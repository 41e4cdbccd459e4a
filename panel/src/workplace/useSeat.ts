import { useEffect, useState } from "react";
import { useLive, usePhone, useSession } from "../app/session";
import { ownAgent, ownContact } from "../live/state";
import { useServerNow } from "../shared/Time";
import { seatOf, type Seat } from "./seat";

/** A call at the phone that the server does not explain within this time is the parachute's. */
const UNEXPLAINED_AFTER_MS = 1_500;

/** True once `condition` has held for `delayMs` without a break. */
function useHeldFor(condition: boolean, delayMs: number): boolean {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (!condition) return undefined;
    const timer = window.setTimeout(() => setHeld(true), delayMs);
    return () => {
      window.clearTimeout(timer);
      setHeld(false);
    };
  }, [condition, delayMs]);
  return held && condition;
}

/** What is in front of the call taker; also keeps the phone informed of hold. */
export function useSeat(): Seat {
  const { phone } = useSession();
  const state = useLive();
  const { call } = usePhone();
  const now = useServerNow();
  const contact = ownContact(state);
  // A supervisor's phone has a call of its own while it listens to another one.
  const monitoring = ownAgent(state)?.monitoring != null;
  const unexplained = useHeldFor(
    call !== null && contact === null && state.offer === null && !monitoring,
    UNEXPLAINED_AFTER_MS,
  );
  const held = contact?.on_hold ?? false;
  useEffect(() => phone?.setHeld(held), [phone, held]);
  return seatOf(state, call, unexplained, now);
}
