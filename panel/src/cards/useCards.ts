import { useCallback, useEffect, useRef, useState } from "react";
import { searchCards } from "../api/cards";
import type { CardSummary } from "../api/types";
import { useCatalogue, useSession } from "../app/session";
import { NO_FILTER, questionOf, type CardFilter } from "./filter";

interface Found {
  /** The question that these cards answer; null before the first answer. */
  query: string | null;
  cards: readonly CardSummary[];
  next: string | null;
  error: unknown;
}

/** A pause in typing after which the search begins. */
const SEARCH_PAUSE_MS = 300;
/** At 10 calls a second the list need not follow each change. */
const REFRESH_AFTER_MS = 700;
const RETRY_MS = 4_000;

/** A fresh first page over what was loaded before it; older pages stay under it. */
export function mergeFirstPage(
  first: readonly CardSummary[],
  before: readonly CardSummary[],
): CardSummary[] {
  const fresh = new Set(first.map((card) => card.incident_id));
  const oldest = first.at(-1)?.opened_at ?? "";
  const older = before.filter((card) => !fresh.has(card.incident_id) && card.opened_at <= oldest);
  return [...first, ...older];
}

function useDebounced(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), SEARCH_PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}

export interface CardsList extends Found {
  loading: boolean;
  loadMore: () => void;
  retry: () => void;
}

/** The newest cards that answer `typed` within `filter`, refreshed as cards change. */
export function useCards(typed: string, filter: CardFilter = NO_FILTER): CardsList {
  const { live } = useSession();
  const { types } = useCatalogue();
  const words = useDebounced(typed.trim());
  const query = questionOf(words, filter, types);
  const [found, setFound] = useState<Found>({ query: null, cards: [], next: null, error: null });
  const [turn, setTurn] = useState(0);
  const [loadingMore, setLoadingMore] = useState(false);
  const more = useRef<AbortController | null>(null);
  const retry = useCallback(() => setTurn((n) => n + 1), []);

  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    const load = async (): Promise<void> => {
      try {
        const page = await searchCards(query, null, abort.signal);
        setFound((old) => {
          if (old.query !== query || old.cards.length === 0) return { query, ...page, error: null };
          const paged = old.cards.length > page.cards.length;
          const cards = mergeFirstPage(page.cards, old.cards);
          return { query, cards, next: paged ? old.next : page.next, error: null };
        });
      } catch (error) {
        if (abort.signal.aborted) return;
        setFound((old) => ({ ...old, query, error }));
        timer = window.setTimeout(retry, RETRY_MS);
      }
    };
    void load();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [query, turn, retry]);

  useEffect(() => () => more.current?.abort(), [query]);

  useEffect(() => {
    let timer: number | undefined;
    const stop = live.onCard(() => {
      // The first change starts the pause and later ones join it, so a busy hour still refreshes.
      timer ??= window.setTimeout(() => {
        timer = undefined;
        retry();
      }, REFRESH_AFTER_MS);
    });
    return () => {
      stop();
      window.clearTimeout(timer);
    };
  }, [live, retry]);

  const { next } = found;
  const loadMore = useCallback(() => {
    const load = async (): Promise<void> => {
      more.current?.abort();
      const abort = new AbortController();
      more.current = abort;
      setLoadingMore(true);
      try {
        const page = await searchCards(query, next, abort.signal);
        setFound((old) => {
          const known = new Set(old.cards.map((card) => card.incident_id));
          const added = page.cards.filter((card) => !known.has(card.incident_id));
          return { ...old, cards: [...old.cards, ...added], next: page.next, error: null };
        });
      } catch (error) {
        if (!abort.signal.aborted) setFound((old) => ({ ...old, error }));
      } finally {
        setLoadingMore(false);
      }
    };
    void load();
  }, [query, next]);

  const loading = found.query !== query || typed.trim() !== words || loadingMore;
  return { ...found, loading, loadMore, retry };
}
