/** What the screen does by itself, and what decides which part of it is shown. */

import { useCallback, useEffect, useRef, useState } from "react";
import type { ContactMsg } from "../api/types";
import { useLive, useSession, type Session } from "../app/session";
import { carsUntaken, ownAgent, type LiveState } from "../live/state";
import type { RemoteStore } from "../shared/remote";
import { isResponsible, mayLeave, othersOf, stageOf, type Stage } from "../talk/stage";
import { answerDialled, doOn } from "./actions";
import { pagesFor, type Page } from "./pages";
import { incidentOf, isTextOffer, popOf, type OfferSeat, type Seat } from "./seat";

/** A key pressed to end the ringing must not end the call that was answered at that moment. */
const HANG_UP_GUARD_MS = 1_000;

/** Loads a store with each new stream of the server, and when its document was changed. */
function useKept(
  { live }: Session,
  store: RemoteStore<unknown>,
  versionOf: (state: LiveState) => number | null,
  allowed = true,
): void {
  useEffect(() => {
    if (!allowed) return undefined;
    const nameOf = (state: LiveState): string => `${state.epoch ?? ""} ${versionOf(state) ?? ""}`;
    let known = nameOf(live.getState());
    const stop = live.subscribe(() => {
      const name = nameOf(live.getState());
      if (name === known) return;
      known = name;
      void store.refresh();
    });
    return () => {
      stop();
      store.stop();
    };
  }, [live, store, versionOf, allowed]);
}

const routingOf = (state: LiveState): number | null => state.routingVersion;
const catalogueOf = (state: LiveState): number | null => state.catalogueVersion;
const messagingOf = (state: LiveState): number | null => state.messagingVersion;

/** Keeps what the server has in documents: the directory of the routing, the catalogue, prepared texts. */
export function useRemoteKept(session: Session): void {
  useKept(session, session.directory, routingOf, session.me.rights.directory);
  useKept(session, session.catalogue, catalogueOf);
  useKept(session, session.messaging, messagingOf, session.me.agent !== null || session.me.rights.supervise);
}

/** One click is enough for a call that we asked for: our own phone is answered by itself. */
export function useDialledAnswered(seat: Seat): void {
  const session = useSession();
  const offerId = seat.kind === "offer" ? seat.offer.offer_id : null;
  useEffect(() => {
    if (offerId !== null) void answerDialled(session);
  }, [session, offerId]);
}

/** A seat that is ready already, e.g. after a reload of the page, needs its microphone at once. */
export function useMicrophoneWhenReady(): void {
  const session = useSession();
  useEffect(() => {
    const { phone, live } = session;
    if (phone === null) return undefined;
    let asked = false;
    return live.subscribe(() => {
      if (asked || ownAgent(live.getState())?.presence.kind !== "ready") return;
      asked = true;
      // A refusal shows as a banner; there is no second place to say it.
      phone.prepare().catch(() => undefined);
    });
  }, [session]);
}

/** A text sounds once: it can wait a moment longer than a call, and may come during one. */
export function useRinging(seat: Seat, aside: OfferSeat | null): void {
  const { ringer, phone } = useSession();
  const { kind } = seat;
  const ringing = phone !== null && (kind === "offer" || kind === "backup_offer") && !isTextOffer(seat);
  const text = isTextOffer(seat) ? seat.offer.offer_id : (aside?.offer.offer_id ?? null);
  useEffect(() => {
    if (text !== null) ringer.once();
  }, [ringer, text]);
  useEffect(() => {
    if (!ringing) return undefined;
    ringer.start();
    return () => ringer.stop();
  }, [ringer, ringing]);
}

/** A car that was handed over sounds so often until somebody takes it: as a reminder, not as an offer. */
const UNTAKEN_PERIOD_MS = 20_000;

/** Sounds while a car waits to be taken; who talks is not disturbed and reads the banner. */
export function useUntakenSound(seat: Seat): void {
  const { ringer, me } = useSession();
  const talking = seat.kind === "talk" || seat.kind === "backup_talk";
  const count = carsUntaken(useLive()).length;
  const sounds = me.rights.callbacks && !talking && count > 0;
  useEffect(() => {
    if (!sounds) return undefined;
    ringer.once();
    const timer = window.setInterval(() => ringer.once(), UNTAKEN_PERIOD_MS);
    return () => window.clearInterval(timer);
    // One more car sounds at once.
  }, [ringer, sounds, count]);
}

/** The card on screen: popped by an offer or a call, else what was chosen from the list. */
export function useOpenCard(
  seat: Seat,
  texts: readonly ContactMsg[],
): [string | null, (incidentId: string) => void] {
  const [open, setOpen] = useState<string | null>(null);
  const [popped, setPopped] = useState<string | null>(null);
  /** A text that was offered before its card was written. */
  const [awaited, setAwaited] = useState<string | null>(null);
  const pop = popOf(seat);
  if (pop !== null && pop !== popped) {
    // Only a new call or its new card pops: a card looked up during the call stays.
    setPopped(pop);
    setOpen(incidentOf(seat));
    setAwaited(isTextOffer(seat) && incidentOf(seat) === null ? seat.offer.contact_id : null);
  }
  // A text in hand takes no seat, so its card would not pop any more if the text was accepted first.
  const late = texts.find((contact) => contact.contact_id === awaited)?.incident_id ?? null;
  if (pop === null && late !== null) {
    setAwaited(null);
    setOpen(late);
  }
  const choose = useCallback((incidentId: string): void => {
    setAwaited(null);
    setOpen(incidentId);
  }, []);
  return [open, choose];
}

/** `situation` names what the key would do; for a moment after a change it does nothing. */
export function useHangUpGuard(situation: string): () => boolean {
  const since = useRef(0);
  useEffect(() => {
    since.current = performance.now();
  }, [situation]);
  return useCallback(() => performance.now() - since.current > HANG_UP_GUARD_MS, []);
}

/** What covers the workplace; a call or text that begins brings the workplace back, with its card. */
export function usePage(seat: Seat, texts: readonly ContactMsg[]): [Page | null, (page: Page | null) => void] {
  const { rights } = useSession().me;
  // Who has no part in the calls finds the own page at once.
  const first = rights.contacts || rights["cards.search"] ? null : (pagesFor(rights)[0] ?? null);
  const [page, setPage] = useState<Page | null>(first);
  const talking = seat.kind === "talk" || seat.kind === "backup_talk" ? popNameOf(seat) : null;
  const [known, setKnown] = useState(talking);
  if (talking !== known) {
    setKnown(talking);
    if (talking !== null) setPage(null);
  }
  const [had, setHad] = useState<readonly string[]>([]);
  const have = texts.map((contact) => contact.contact_id);
  if (have.join() !== had.join()) {
    setHad(have);
    if (have.some((id) => !had.includes(id))) setPage(null);
  }
  return [page, setPage];
}

function popNameOf(seat: Extract<Seat, { kind: "talk" | "backup_talk" }>): string {
  return seat.kind === "talk" ? seat.contact.contact_id : seat.call.id;
}

export function stageNow(seat: Seat, state: LiveState): Stage | null {
  if (seat.kind !== "talk") return null;
  return stageOf(seat.contact, othersOf(seat.contact, state.agentId, state));
}

/** A consultation has keys of its own, in the places of those that it replaces. */
export function useTalkKeys(seat: Seat, stage: Stage | null, mayHangUp: () => boolean): Record<string, () => void> {
  const session = useSession();
  const state = useLive();
  if (seat.kind !== "talk" || stage === null || stage === "talk") return {};
  const { contact } = seat;
  if (!isResponsible(contact, state.agentId)) return {};
  const complete = (): void => void doOn(session, contact, "complete");
  if (stage === "conference") return mayLeave(othersOf(contact, state.agentId, state)) ? { F9: complete } : {};
  const cancel = (): void => {
    if (mayHangUp()) void doOn(session, contact, "cancel");
  };
  const nothing = (): void => undefined;
  if (stage === "consult_ringing") return { F4: nothing, F8: cancel, F9: nothing, F10: nothing };
  return {
    F4: () => void doOn(session, contact, "swap"),
    F8: cancel,
    F9: complete,
    F10: () => void doOn(session, contact, "merge"),
  };
}
