import { useCallback, useLayoutEffect, useState } from "react";
import { fetchCard } from "../api/cards";
import { ApiError } from "../api/http";
import { giveReason } from "../api/reasons";
import type { Card } from "../api/types";
import { useSession } from "../app/session";
import type { Saver } from "../saving/saver";

export interface OpenedCard {
  card: Card;
  notes: Saver<string>;
}

interface Loaded {
  opened: OpenedCard | null;
  /** Why the last fetch failed; the card of before stays readable. */
  error: unknown;
}

/** Whether the card is not shown before its reader has said why. */
export function asksForReason(error: unknown): boolean {
  return error instanceof ApiError && error.code === "reason_needed";
}

/**
 * Changes come in bursts (offer, answer, connected): the first is fetched at once, because it may be the place of
 * somebody in danger, and one more fetch serves all that follow within this time.
 */
const REFETCH_EVERY_MS = 150;
/** A card that has just been announced may be a moment behind, and a network may come back. */
const RETRY_MS = 1_500;

/** One card, kept up to date by the live connection. */
export function useCard(incidentId: string): Loaded & { retry: () => void; explainRead: (reason: string) => void } {
  const { live, saving } = useSession();
  const [loaded, setLoaded] = useState<Loaded>({ opened: null, error: null });
  const [turn, setTurn] = useState(0);
  const retry = useCallback(() => setTurn((n) => n + 1), []);

  // Before the paint: on a slow screen the card comes while the offer is still being drawn.
  useLayoutEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    let loading = false;
    let loadedAt = Number.NEGATIVE_INFINITY;
    let changedMeanwhile = false;
    const loadAfter = (ms: number): void => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => void load(), ms);
    };
    const loadSoon = (): void => loadAfter(Math.max(0, loadedAt + REFETCH_EVERY_MS - performance.now()));
    const settled = (): void => {
      loading = false;
      if (changedMeanwhile) loadSoon();
      changedMeanwhile = false;
    };
    const load = async (): Promise<void> => {
      // A fetch is never ended for the next one: where they take long, no card would be shown.
      if (loading) {
        changedMeanwhile = true;
        return;
      }
      loading = true;
      loadedAt = performance.now();
      try {
        const card = await fetchCard(incidentId, abort.signal);
        saving.receive(card);
        setLoaded({ opened: { card, notes: saving.notes(card) }, error: null });
      } catch (error) {
        if (abort.signal.aborted) return;
        setLoaded((old) => ({ opened: old.opened, error }));
        // Only its reader can say why.
        if (!asksForReason(error)) loadAfter(RETRY_MS);
      }
      settled();
    };
    const stop = live.onCard((changed) => {
      if (changed === null || changed === incidentId) loadSoon();
    });
    void load();
    return () => {
      stop();
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [live, incidentId, saving, turn]);

  const explainRead = useCallback(
    (reason: string) => {
      giveReason(incidentId, reason);
      setLoaded((old) => ({ ...old, error: null }));
      retry();
    },
    [incidentId, retry],
  );
  return { ...loaded, retry, explainRead };
}
