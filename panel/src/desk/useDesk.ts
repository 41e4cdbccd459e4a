/** The desk's incidents and units, kept up to date by the live connection. */

import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { ApiError } from "../api/http";
import { useSession, type Session } from "../app/session";
import { fetchDesk, fetchUnits } from "../services/api";
import { ordered, withLine } from "../services/involvements";
import type { DeskLine, Unit } from "../services/types";
import { StepOutbox, type NewStep, type Waiting } from "./outbox";

export interface Desk {
  lines: readonly DeskLine[];
  units: readonly Unit[];
  /** Nothing was read yet. */
  loading: boolean;
  /** Why the last reading failed; what was read before stays in sight. */
  error: unknown;
  waiting: readonly Waiting[];
  tell: (step: NewStep) => void;
  dismiss: (key: string) => void;
  retry: () => void;
  unitChanged: (unit: Unit) => void;
}

/** A server that comes back is asked again soon; nobody is to miss an incident by a long pause. */
const RETRY_MS = 2_000;

function withUnit(units: readonly Unit[], coming: Unit): readonly Unit[] {
  const others = units.filter((unit) => unit.unit_id !== coming.unit_id);
  return [...others, coming].sort((a, b) => a.call_sign.localeCompare(b.call_sign, undefined, { numeric: true }));
}

/** One queue for each login, so that a desk that is left or changed loses nothing. */
const outboxes = new WeakMap<Session, StepOutbox>();

function outboxOf(session: Session): StepOutbox {
  let outbox = outboxes.get(session);
  if (outbox === undefined) {
    outbox = new StepOutbox(session.me.account.login, () => session.live.clock.now());
    outbox.start();
    outboxes.set(session, outbox);
  }
  return outbox;
}

export function useDesk(service: string): Desk {
  const session = useSession();
  const { live } = session;
  const outbox = outboxOf(session);
  const waiting = useSyncExternalStore(outbox.subscribe, outbox.get);
  const [lines, setLines] = useState<readonly DeskLine[]>([]);
  const [units, setUnits] = useState<readonly Unit[]>([]);
  const [loading, setLoading] = useState(true);
  const [error, setError] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  const greeted = useRef(new Set<string>());

  const tell = useCallback(
    (step: NewStep) => {
      outbox.tell(step);
    },
    [outbox],
  );

  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    let arrived = new Set<string>();
    const load = async (): Promise<void> => {
      window.clearTimeout(timer);
      arrived = new Set();
      try {
        const [incidents, crews] = await Promise.all([
          fetchDesk(service, abort.signal),
          fetchUnits(service, abort.signal),
        ]);
        // What came by the live connection meanwhile may be newer than this answer, or not in it.
        setLines((old) => {
          const came = old.filter(({ involvement }) => arrived.has(involvement.involvement_id));
          return came.reduce<readonly DeskLine[]>((lines, line) => withLine(lines, line), ordered(incidents));
        });
        setUnits(crews);
        setError(null);
        setLoading(false);
      } catch (failure) {
        if (abort.signal.aborted) return;
        setError(failure);
        setLoading(false);
        if (!(failure instanceof ApiError && failure.status < 500)) timer = window.setTimeout(() => void load(), RETRY_MS);
      }
    };
    const stop = live.onService((message) => {
      if (message === null) void load();
      else if (message.type === "unit") {
        if (message.unit.service === service) setUnits((old) => withUnit(old, message.unit));
      } else if (message.involvement.service === service) {
        arrived.add(message.involvement.involvement_id);
        setLines((old) => withLine(old, message));
      }
    });
    void load();
    return () => {
      stop();
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [live, service, turn]);

  useEffect(
    () =>
      outbox.onTaken((involvement) => {
        if (involvement.service === service) setLines((old) => withLine(old, { involvement, incident: null }));
      }),
    [outbox, service],
  );

  // The message has arrived here: said once, by the program itself.
  useEffect(() => {
    for (const { involvement } of lines) {
      const { involvement_id, state, steps } = involvement;
      if (state !== "sent" || steps.some((step) => step.state === "received")) continue;
      if (greeted.current.has(involvement_id)) continue;
      greeted.current.add(involvement_id);
      outbox.tell({ involvementId: involvement_id, unitId: null, state: "received" });
    }
  }, [lines, outbox]);

  return {
    lines,
    units,
    loading,
    error,
    waiting,
    tell,
    dismiss: (key) => outbox.dismiss(key),
    retry: () => {
      outbox.retryNow();
      setTurn((n) => n + 1);
    },
    unitChanged: (unit) => setUnits((old) => withUnit(old, unit)),
  };
}
