/** The services of one incident, kept up to date by the live connection. */

import { useCallback, useEffect, useState } from "react";
import { useSession } from "../app/session";
import { fetchInvolvements } from "./api";
import { withInvolvement } from "./involvements";
import type { Involvement } from "./types";

interface Loaded {
  /** Null before the first answer. */
  involvements: readonly Involvement[] | null;
  error: unknown;
}

const RETRY_MS = 2_000;

export function useInvolvements(incidentId: string): Loaded & { took: (involvements: readonly Involvement[]) => void } {
  const { live } = useSession();
  const [loaded, setLoaded] = useState<Loaded>({ involvements: null, error: null });
  const took = useCallback(
    (coming: readonly Involvement[]) =>
      setLoaded((old) => ({
        ...old,
        involvements: coming.reduce((list, one) => withInvolvement(list, one, incidentId), old.involvements ?? []),
      })),
    [incidentId],
  );
  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    let arrived = new Set<string>();
    const load = async (): Promise<void> => {
      window.clearTimeout(timer);
      arrived = new Set();
      try {
        const found = await fetchInvolvements(incidentId, abort.signal);
        setLoaded((old) => ({
          error: null,
          involvements: found.reduce<readonly Involvement[]>(
            (list, one) => withInvolvement(list, one, incidentId),
            // What came meanwhile may be newer than this answer, or not in it.
            (old.involvements ?? []).filter(
              ({ involvement_id: id }) => arrived.has(id) || found.some((one) => one.involvement_id === id),
            ),
          ),
        }));
      } catch (error) {
        if (abort.signal.aborted) return;
        setLoaded((old) => ({ ...old, error }));
        timer = window.setTimeout(() => void load(), RETRY_MS);
      }
    };
    const stop = live.onService((message) => {
      if (message === null) void load();
      else if (message.type === "involvement") {
        arrived.add(message.involvement.involvement_id);
        took([message.involvement]);
      }
    });
    void load();
    return () => {
      stop();
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [live, incidentId, took]);
  return { ...loaded, took };
}
