import { useEffect, useState } from "react";
import { fetchRelated } from "../api/cards";
import { ApiError } from "../api/http";
import type { Card, Related } from "../api/types";

export const NOTHING_RELATED: Related = { proposals: [], same_number: [], same_place: [] };
const RETRY_MS = 4_000;

/** What decides which cards are near: another place, type or contact may bring another neighbour. */
function situationOf(card: Card): string {
  const contacts = card.contacts.map((contact) => contact.contact_id).join();
  return [card.incident_id, card.type, card.location.current, card.address, contacts, card.merged.length].join("|");
}

/** Cards that may be the same incident, and earlier ones of the same number and place. */
export function useRelated(card: Card): Related {
  const [related, setRelated] = useState(NOTHING_RELATED);
  const situation = situationOf(card);
  const { incident_id: incidentId } = card;
  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    const load = async (): Promise<void> => {
      try {
        setRelated(await fetchRelated(incidentId, abort.signal));
      } catch (error) {
        // A comfort beside the card: it comes when the server answers, but not to whom it is refused.
        const refused = error instanceof ApiError && error.status < 500;
        if (!abort.signal.aborted && !refused) timer = window.setTimeout(() => void load(), RETRY_MS);
      }
    };
    void load();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [incidentId, situation]);
  return related;
}
