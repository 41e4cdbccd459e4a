/** What came with one contact, read anew whenever the server tells that there is more. */

import { useCallback, useEffect, useRef, useState } from "react";
import { fetchEmergencyData, type EmergencyData } from "../api/ecall";
import { ApiError } from "../api/http";

export interface Loaded {
  /** Null before the first answer. */
  data: EmergencyData | null;
  /** Why the last fetch failed; what was read before stays readable. */
  error: unknown;
}

/** Cars send several parts at once: one fetch serves all that come within this time. */
const REFETCH_EVERY_MS = 150;
const RETRY_MS = 2_000;

/** Whether this reader is not told, now or later. */
export function isRefused(error: unknown): boolean {
  return error instanceof ApiError && error.status < 500 && error.status !== 404;
}

/** `version`: another one means that there may be more. */
export function useEmergencyData(
  contactId: string,
  incidentId: string,
  version: string,
): Loaded & { retry: () => void } {
  const [loaded, setLoaded] = useState<Loaded>({ data: null, error: null });
  const [turn, setTurn] = useState(0);
  const retry = useCallback(() => setTurn((before) => before + 1), []);
  const lastAt = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    const load = async (): Promise<void> => {
      lastAt.current = performance.now();
      try {
        setLoaded({ data: await fetchEmergencyData(contactId, incidentId, abort.signal), error: null });
      } catch (error) {
        if (abort.signal.aborted) return;
        setLoaded((old) => ({ ...old, error }));
        // A contact whose first entry is still being written is not found yet.
        if (!isRefused(error)) timer = window.setTimeout(() => void load(), RETRY_MS);
      }
    };
    const wait = Math.max(0, lastAt.current + REFETCH_EVERY_MS - performance.now());
    if (wait === 0) void load();
    else timer = window.setTimeout(() => void load(), wait);
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [contactId, incidentId, version, turn]);
  return { ...loaded, retry };
}
