/** What the parts of an open card share: the card, its fields' savers, who else is there. */

import { createContext, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { leaveCard, tellPresence } from "../api/cards";
import type { Card, FieldName, FieldValues, PersonOnCard } from "../api/types";
import { useLive, useSession } from "../app/session";
import type { Saver, SaveState } from "../saving/saver";

/** The server forgets who has not told for 25 s. */
const PRESENCE_EVERY_MS = 10_000;
/** Going from field to field with the Tab key is told once it rests. */
const PRESENCE_PAUSE_MS = 300;

export interface OpenCard {
  card: Card;
  /** Colleagues who have this card open, ourselves left out. */
  others: readonly PersonOnCard[];
  /** Tells colleagues in which field we are; null in none. */
  enter: (field: string | null) => void;
}

export const OpenCardContext = createContext<OpenCard | null>(null);

export function useOpenCardContext(): OpenCard {
  const open = useContext(OpenCardContext);
  if (open === null) throw new Error("used outside of an open card");
  return open;
}

export interface FieldHandle<N extends FieldName> {
  name: N;
  value: FieldValues[N] | null;
  state: SaveState<FieldValues[N] | null>;
  saver: Saver<FieldValues[N] | null>;
  /** Typed: saved after a pause. */
  edit: (value: FieldValues[N] | null) => void;
  /** Chosen: saved at once. */
  choose: (value: FieldValues[N] | null) => void;
}

export function useField<N extends FieldName>(name: N): FieldHandle<N> {
  const { saving } = useSession();
  const { card } = useOpenCardContext();
  const saver = saving.field(card.incident_id, name);
  const { value, state } = useSyncExternalStore(saver.subscribe, saver.getView);
  return useMemo(
    () => ({
      name,
      value,
      state,
      saver,
      edit: (next) => saver.edit(next),
      choose: (next) => {
        saver.edit(next);
        saver.flush();
      },
    }),
    [name, value, state, saver],
  );
}

/** Tells the server that we are on the card and in which field, for as long as it is open. */
export function usePresence(card: Card): Pick<OpenCard, "others" | "enter"> {
  const { incident_id: incidentId } = card;
  const session = useSession();
  const { onCards } = useLive();
  const [field, setField] = useState<string | null>(null);
  const current = useRef(field);
  useEffect(() => {
    current.current = field;
    const tell = (): void => {
      // Whoever cannot tell is shown nowhere; nothing else depends on it.
      tellPresence(incidentId, current.current).catch(() => undefined);
    };
    const soon = window.setTimeout(tell, PRESENCE_PAUSE_MS);
    const timer = window.setInterval(tell, PRESENCE_EVERY_MS);
    return () => {
      window.clearTimeout(soon);
      window.clearInterval(timer);
    };
  }, [incidentId, field]);
  useEffect(
    () => () => {
      leaveCard(incidentId).catch(() => undefined);
    },
    [incidentId],
  );
  const people = onCards[incidentId] ?? card.presence;
  const { login } = session.me.account;
  return useMemo(
    () => ({ others: people.filter((person) => person.login !== login), enter: setField }),
    [people, login],
  );
}
