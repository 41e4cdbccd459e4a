/** The one screen of a shift: who waits, what is in hand with its card, what was before. */

import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { setPresence } from "../api/agent";
import { fetchCatalogue, NO_CATALOGUE } from "../api/catalogue";
import { fetchMessaging, NO_MESSAGING } from "../api/conversations";
import { fetchDirectory } from "../api/directory";
import { reportSessionLost } from "../api/http";
import { forgetReasons } from "../api/reasons";
import { fetchMe, logout } from "../api/session";
import type { ContactMsg, Me } from "../api/types";
import { SessionContext, attempt, useLive, useSession, type Session } from "../app/session";
import { CardView } from "../cards/CardView";
import { JOIN_TESTID } from "../cards/Neighbours";
import { RecentCards } from "../cards/RecentCards";
import type { Wanted } from "../conversations/ConversationsSection";
import { ReplyDrafts } from "../conversations/drafts";
import { nextInHand, textsInHand } from "../conversations/in-hand";
import { TextOutbox } from "../conversations/outbox";
import { TextsInHand } from "../conversations/TextsInHand";
import { CLEAR_TESTID, REQUEST_TESTID } from "../ecall/CarActs";
import { LiveClient } from "../live/client";
import { ownAgent } from "../live/state";
import { SaverRegistry } from "../saving/registry";
import { BrowserPhone } from "../phone/phone";
import { Ringer } from "../phone/ringer";
import { Dialog } from "../shared/Dialog";
import { ErrorBoundary } from "../shared/ErrorBoundary";
import { RemoteStore } from "../shared/remote";
import { ToastStore } from "../shared/toast-store";
import { Toasts } from "../shared/Toasts";
import { CallbackList } from "../callbacks/CallbackList";
import { NO_DIRECTORY } from "../talk/directory";
import { TargetDialog } from "../talk/TargetDialog";
import {
  answer,
  changePresence,
  finishWrapUp,
  hangUp,
  prolongWrapUp,
  reject,
  toggleHold,
  toggleMute,
} from "./actions";
import { AgentList } from "./AgentList";
import { Banners } from "./Banners";
import { CallBar } from "./CallBar";
import { CallPanel, OfferStrip } from "./CallPanel";
import { Help } from "./Help";
import { Pages } from "./PageView";
import {
  stageNow,
  useDialledAnswered,
  useRemoteKept,
  useHangUpGuard,
  useMicrophoneWhenReady,
  useOpenCard,
  usePage,
  useRinging,
  useTalkKeys,
  useUntakenSound,
} from "./screen";
import { incidentOf, popOf, sideOffer } from "./seat";
import { TopBar } from "./TopBar";
import { useSeat } from "./useSeat";
import { useShortcuts } from "./useShortcuts";
import { WaitingList } from "./WaitingList";

function liveUrl(): string {
  const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${window.location.host}/api/ws`;
}

/** The live connection was refused: only an HTTP request can tell whether the session is over. */
async function checkSession(certain: boolean): Promise<void> {
  if (certain) {
    reportSessionLost();
    return;
  }
  try {
    await fetchMe();
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 401) reportSessionLost();
  }
}

function createSession(me: Me): Session {
  forgetReasons();
  const live = new LiveClient({ url: liveUrl(), onSessionDoubt: (certain) => void checkSession(certain) });
  return {
    me,
    live,
    phone: me.phone === null ? null : new BrowserPhone(me.phone),
    ringer: new Ringer(),
    saving: new SaverRegistry(me.account.login),
    toasts: new ToastStore(),
    directory: new RemoteStore(fetchDirectory, NO_DIRECTORY),
    catalogue: new RemoteStore(fetchCatalogue, NO_CATALOGUE),
    messaging: new RemoteStore(fetchMessaging, NO_MESSAGING),
    drafts: new ReplyDrafts(me.account.login),
    outbox: new TextOutbox(me.account.login, () => live.clock.now()),
    dialled: new Set(),
  };
}

/** Starts and stops what runs for the time of a login. */
function useRunning(session: Session, expired: boolean): void {
  useEffect(() => {
    const { live, phone, ringer, saving, outbox } = session;
    live.start();
    phone?.start();
    outbox.start();
    void saving.recover();
    const hide = (): void => {
      if (document.visibilityState === "hidden") saving.flush();
    };
    const leave = (): void => saving.flush();
    const guard = (event: BeforeUnloadEvent): void => {
      if (saving.unsaved || outbox.unsent || (phone !== null && phone.getState().call !== null)) event.preventDefault();
    };
    window.addEventListener("pointerdown", ringer.unlock);
    window.addEventListener("keydown", ringer.unlock);
    document.addEventListener("visibilitychange", hide);
    window.addEventListener("pagehide", leave);
    window.addEventListener("beforeunload", guard);
    return () => {
      live.stop();
      phone?.stop();
      outbox.stop();
      ringer.close();
      window.removeEventListener("pointerdown", ringer.unlock);
      window.removeEventListener("keydown", ringer.unlock);
      document.removeEventListener("visibilitychange", hide);
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("beforeunload", guard);
    };
  }, [session]);
  const wasExpired = useRef(false);
  useEffect(() => {
    if (wasExpired.current && !expired) {
      session.live.retryNow();
      session.saving.flush();
      session.outbox.retryNow();
    }
    wasExpired.current = expired;
  }, [session, expired]);
}

function focusOn(testid: string): void {
  document.querySelector<HTMLElement>(`[data-testid="${testid}"]`)?.focus();
}

function pressOn(testid: string): void {
  document.querySelector<HTMLElement>(`[data-testid="${testid}"]`)?.click();
}

function Screen({ expired, onLogout }: { expired: boolean; onLogout: () => void }) {
  const { t } = useTranslation();
  const session = useSession();
  const state = useLive();
  const seat = useSeat();
  const stage = stageNow(seat, state);
  const [open, setOpen] = useOpenCard(seat, textsInHand(state));
  const [page, setPage] = usePage(seat, textsInHand(state));
  const [wanted, setWanted] = useState<Wanted | null>(null);
  const [helping, setHelping] = useState(false);
  const [addingTo, setAddingTo] = useState<string | null>(null);
  const mayHangUp = useHangUpGuard(`${seat.kind} ${stage ?? ""}`);
  const talkKeys = useTalkKeys(seat, stage, mayHangUp);
  const aside = sideOffer(state, seat, session.live.clock.now());
  useRinging(seat, aside);
  useUntakenSound(seat);
  useMicrophoneWhenReady();
  useDialledAnswered(seat);

  const toggleReady = (): void => {
    const kind = ownAgent(session.live.getState())?.presence.kind;
    if (kind === "ready") focusOn("presence-not-ready");
    else void changePresence(session, "ready");
  };
  const end = (): void => {
    if (seat.kind === "offer" || seat.kind === "backup_offer") void reject(session, seat);
    else if (mayHangUp()) void hangUp(session, seat);
  };
  const goTo = (testid: string): void => {
    if (page === null) focusOn(testid);
  };
  const add = (): void => {
    // The button is there exactly when something can be added.
    if (seat.kind === "talk" && document.querySelector("[data-testid='call-add']")) setAddingTo(seat.contact.contact_id);
  };
  const goToText = (contact: ContactMsg): void => {
    setPage(null);
    if (contact.incident_id !== null) setOpen(contact.incident_id);
    setWanted((old) => ({ contactId: contact.contact_id, turn: (old?.turn ?? 0) + 1 }));
  };
  const goToNext = (): void => {
    // The call is one of what is in hand: its card comes in its turn.
    const inHand = [...(seat.kind === "talk" ? [seat.contact] : []), ...textsInHand(state)];
    // Of several on one card the one that was asked for last is the one in sight.
    const shown = inHand.filter((contact) => contact.incident_id === open);
    const current = shown.find((contact) => contact.contact_id === wanted?.contactId) ?? shown[0];
    const next = nextInHand(inHand, current?.contact_id ?? null);
    if (next !== null) goToText(next);
  };
  const leavePage = (): void => {
    const field = document.activeElement;
    const writing = field instanceof HTMLElement && field.matches("input, textarea, select");
    // A field is left first, but not while somebody waits on the line.
    if (writing && seat.kind === "idle") field.blur();
    else setPage(null);
  };
  const offered = seat.kind === "offer" || seat.kind === "backup_offer";
  useShortcuts(
    {
      F1: () => setHelping(true),
      F2: () => void answer(session, seat),
      "Shift+F2": () => {
        if (aside !== null) void answer(session, aside);
      },
      // For a moment it may still belong to a text that was being written when the offer came.
      ...(offered ? { Enter: () => void (mayHangUp() && answer(session, seat)) } : {}),
      ...(page !== null ? { Escape: leavePage } : {}),
      F3: () => goTo("card-search"),
      F4: () => void toggleHold(session, seat),
      "Shift+F4": () => void toggleMute(session, seat),
      "Shift+F3": () => pressOn(JOIN_TESTID),
      F6: () => goTo("notes"),
      "Shift+F6": () => goTo("field-type"),
      ...(session.me.agent ? { F7: toggleReady, "Shift+F7": goToNext } : {}),
      // Of the car whose card is in sight; the first asks before it ends anything.
      "Shift+F8": () => pressOn(CLEAR_TESTID),
      "Shift+F1": () => pressOn(REQUEST_TESTID),
      F8: end,
      F9: () => {
        if (seat.kind === "wrap_up") void finishWrapUp(session);
      },
      "Shift+F9": () => {
        if (seat.kind === "wrap_up") void prolongWrapUp(session);
      },
      F10: add,
      ...talkKeys,
    },
    !expired,
  );

  const own = incidentOf(seat);
  const { rights } = session.me;
  const adding = seat.kind === "talk" && seat.contact.contact_id === addingTo ? seat.contact : null;
  const openCard = (incidentId: string): void => {
    setPage(null);
    setOpen(incidentId);
  };
  return (
    <div className="workplace">
      <TopBar page={page} onPage={setPage} onHelp={() => setHelping(true)} onLogout={onLogout} />
      <Banners />
      {page !== null && <CallBar seat={seat} onBack={() => setPage(null)} />}
      {page !== null && aside !== null && <OfferStrip key={aside.offer.offer_id} seat={aside} aside />}
      <Pages page={page} onClose={() => setPage(null)} />
      {/* Hidden under a page, not removed: the call's state and half-written notes stay. */}
      <div className="columns" hidden={page !== null}>
        <div className="column column-left">
          <ErrorBoundary>
            {rights.contacts && <WaitingList />}
            {rights.callbacks && <CallbackList onOpenCard={openCard} />}
            {rights.contacts && <AgentList />}
          </ErrorBoundary>
        </div>
        <main className="column column-centre">
          <h1 className="visually-hidden">{t("app.workplace")}</h1>
          <CallPanel
            seat={seat}
            aside={page === null ? aside : null}
            onAdd={add}
          />
          <TextsInHand open={open} onChoose={goToText} />
          {own !== null && own !== open && (
            <button type="button" className="button back-to-call" data-testid="back-to-call" onClick={() => setOpen(own)}>
              {t("call.back_to_card")}
            </button>
          )}
          <ErrorBoundary resetKey={open ?? ""}>
            {open === null ? (
              <p className="empty empty-card" data-testid="card-none">
                {t(popOf(seat) === null ? "card.none" : "card.coming")}
              </p>
            ) : (
              <CardView key={open} incidentId={open} wanted={wanted} onOpen={setOpen} />
            )}
          </ErrorBoundary>
        </main>
        <div className="column column-right">
          <ErrorBoundary>
            {rights["cards.search"] && <RecentCards selected={open} onSelect={setOpen} />}
          </ErrorBoundary>
        </div>
      </div>
      {helping && <Help onClose={() => setHelping(false)} />}
      {adding !== null && <TargetDialog contact={adding} onClose={() => setAddingTo(null)} />}
    </div>
  );
}

interface Properties {
  me: Me;
  expired: boolean;
  onLogout: () => void;
}

export function Workplace({ me, expired, onLogout }: Properties) {
  const { t } = useTranslation();
  const [session] = useState(() => createSession(me));
  const [doubt, setDoubt] = useState<"call" | "notes" | "texts" | null>(null);
  useRunning(session, expired);
  useRemoteKept(session);

  const leave = async (): Promise<void> => {
    setDoubt(null);
    // An empty seat must not be rung: it goes off before the session does.
    if (me.agent !== null) await setPresence("off").catch(() => undefined);
    if (!(await attempt(session, logout))) return;
    session.saving.clear();
    session.drafts.clear();
    session.outbox.clear();
    onLogout();
  };
  const ask = async (): Promise<void> => {
    const saved = await session.saving.settle();
    if (ownAgent(session.live.getState())?.state === "talking") setDoubt("call");
    else if (session.outbox.unsent) setDoubt("texts");
    else if (!saved) setDoubt("notes");
    else await leave();
  };

  return (
    <SessionContext value={session}>
      <Screen expired={expired} onLogout={() => void ask()} />
      <Toasts store={session.toasts} />
      {doubt !== null && (
        <Dialog title={t("logout.title")} onClose={() => setDoubt(null)} testid="logout-dialog">
          <p>{t(`logout.${doubt}`)}</p>
          <div className="dialog-actions">
            <button type="button" className="button button-primary" onClick={() => setDoubt(null)} data-testid="logout-stay">
              {t("logout.stay")}
            </button>
            <button type="button" className="button" onClick={() => void leave()} data-testid="logout-anyway">
              {t("logout.anyway")}
            </button>
          </div>
        </Dialog>
      )}
    </SessionContext>
  );
}
