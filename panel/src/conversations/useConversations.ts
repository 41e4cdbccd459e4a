/** The text conversations of one card, kept up to date by the live connection. */

import { useCallback, useEffect, useState } from "react";
import { fetchConversations, fetchOlder, type Conversation } from "../api/conversations";
import { ApiError } from "../api/http";
import { useSession } from "../app/session";
import { merged, withOlder, withText } from "./threads";

export interface Loaded {
  /** Null before the first answer. */
  conversations: readonly Conversation[] | null;
  /** Why the last fetch failed; what was read before stays readable. */
  error: unknown;
}

const RETRY_MS = 2_000;

/** Whether asking again may help: a reader without the right stays without it. */
function mayPass(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status >= 500 || error.status === 404;
}

function changed(
  list: readonly Conversation[] | null,
  id: string,
  change: (conversation: Conversation) => Conversation,
): readonly Conversation[] | null {
  return list?.map((one) => (one.conversation_id === id ? change(one) : one)) ?? null;
}

/**
 * `expected`: names the contacts that the card has by text, and null if it is not known to have any:
 * cards of calls without texts cost no request. `version`: another one is read anew; for readers whom
 * the live connection does not tell of conversations.
 */
export function useConversations(incidentId: string, expected: string | null, version: unknown) {
  const { live, outbox } = useSession();
  const [loaded, setLoaded] = useState<Loaded>({ conversations: null, error: null });
  const [told, setTold] = useState(false);
  const wanted = expected ?? (told ? "" : null);

  useEffect(
    () =>
      live.onConversation((changedIncident) => {
        if (changedIncident === incidentId) setTold(true);
      }),
    [live, incidentId],
  );

  useEffect(() => {
    if (wanted === null) return undefined;
    const abort = new AbortController();
    let timer: number | undefined;
    let loading = false;
    let changedMeanwhile = false;
    const load = async (): Promise<void> => {
      window.clearTimeout(timer);
      // A text is shown at once; several in a row cost one more fetch after the one under way.
      if (loading) {
        changedMeanwhile = true;
        return;
      }
      loading = true;
      try {
        const found = await fetchConversations(incidentId, abort.signal);
        setLoaded(({ conversations: known }) => ({
          error: null,
          conversations: found.map((one) =>
            merged(known?.find((old) => old.conversation_id === one.conversation_id), one),
          ),
        }));
      } catch (error) {
        if (abort.signal.aborted) return;
        setLoaded((old) => ({ ...old, error }));
        if (mayPass(error)) timer = window.setTimeout(() => void load(), RETRY_MS);
      }
      loading = false;
      if (changedMeanwhile) {
        changedMeanwhile = false;
        void load();
      }
    };
    const stop = live.onConversation((changedIncident) => {
      if (changedIncident === null || changedIncident === incidentId) void load();
    });
    const stopTaken = outbox.onTaken((id, message) => {
      setLoaded((old) => ({ ...old, conversations: changed(old.conversations, id, (one) => withText(one, message)) }));
    });
    void load();
    return () => {
      stop();
      stopTaken();
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [live, outbox, incidentId, wanted, version]);

  const loadOlder = useCallback(
    async (id: string, before: string): Promise<void> => {
      const { messages, more } = await fetchOlder(incidentId, id, before);
      setLoaded((old) => ({
        ...old,
        conversations: changed(old.conversations, id, (one) => withOlder(one, messages, more)),
      }));
    },
    [incidentId],
  );
  return { ...loaded, loadOlder };
}
