/** The one screen of a shift: who waits, what is in hand with its card, what was before. */

import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { setPresence } from "../api/agent";
import { reportSessionLost } from "../api/http";
import { fetchMe, logout } from "../api/session";
import type { Me } from "../api/types";
import { SessionContext, attempt, useSession, type Session } from "../app/session";
import { CardView } from "../cards/CardView";
import { RecentCards } from "../cards/RecentCards";
import { LiveClient } from "../live/client";
import { ownAgent } from "../live/state";
import { NotesRegistry } from "../notes/registry";
import { BrowserPhone } from "../phone/phone";
import { Ringer } from "../phone/ringer";
import { Dialog } from "../shared/Dialog";
import { ErrorBoundary } from "../shared/ErrorBoundary";
import { ToastStore } from "../shared/toast-store";
import { Toasts } from "../shared/Toasts";
import { answer, changePresence, finishWrapUp, hangUp, reject, toggleHold } from "./actions";
import { AgentList } from "./AgentList";
import { Banners } from "./Banners";
import { CallPanel } from "./CallPanel";
import { Help } from "./Help";
import { incidentOf, popOf, type Seat } from "./seat";
import { TopBar } from "./TopBar";
import { useSeat } from "./useSeat";
import { useShortcuts } from "./useShortcuts";
import { WaitingList } from "./WaitingList";

/** A key pressed to end the ringing must not end the call that was answered at that moment. */
const HANG_UP_GUARD_MS = 1_000;

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
  return {
    me,
    live: new LiveClient({ url: liveUrl(), onSessionDoubt: (certain) => void checkSession(certain) }),
    phone: me.phone === null ? null : new BrowserPhone(me.phone),
    ringer: new Ringer(),
    notes: new NotesRegistry(me.account.login),
    toasts: new ToastStore(),
  };
}

/** Starts and stops what runs for the time of a login. */
function useRunning(session: Session, expired: boolean): void {
  useEffect(() => {
    const { live, phone, ringer, notes } = session;
    live.start();
    phone?.start();
    void notes.recover();
    const hide = (): void => {
      if (document.visibilityState === "hidden") notes.flush();
    };
    const leave = (): void => notes.flush();
    const guard = (event: BeforeUnloadEvent): void => {
      if (notes.unsaved || (phone !== null && phone.getState().call !== null)) event.preventDefault();
    };
    window.addEventListener("pointerdown", ringer.unlock);
    window.addEventListener("keydown", ringer.unlock);
    document.addEventListener("visibilitychange", hide);
    window.addEventListener("pagehide", leave);
    window.addEventListener("beforeunload", guard);
    return () => {
      live.stop();
      phone?.stop();
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
      session.notes.flush();
    }
    wasExpired.current = expired;
  }, [session, expired]);
}

/** A seat that is ready already, e.g. after a reload of the page, needs its microphone at once. */
function useMicrophoneWhenReady(): void {
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

function useRinging(seat: Seat): void {
  const { ringer, phone } = useSession();
  const { kind } = seat;
  const ringing = phone !== null && (kind === "offer" || kind === "backup_offer");
  useEffect(() => {
    if (!ringing) return undefined;
    ringer.start();
    return () => ringer.stop();
  }, [ringer, ringing]);
}

/** The card on screen: popped by an offer or a call, else what was chosen from the list. */
function useOpenCard(seat: Seat): [string | null, (incidentId: string) => void] {
  const [open, setOpen] = useState<string | null>(null);
  const [popped, setPopped] = useState<string | null>(null);
  const pop = popOf(seat);
  if (pop !== null && pop !== popped) {
    // Only a new call or its new card pops: a card looked up during the call stays.
    setPopped(pop);
    setOpen(incidentOf(seat));
  }
  return [open, setOpen];
}

function useHangUpGuard(kind: Seat["kind"]): () => boolean {
  const since = useRef(0);
  useEffect(() => {
    since.current = performance.now();
  }, [kind]);
  return useCallback(() => performance.now() - since.current > HANG_UP_GUARD_MS, []);
}

function focusOn(testid: string): void {
  document.querySelector<HTMLElement>(`[data-testid="${testid}"]`)?.focus();
}

function Screen({ expired, onLogout }: { expired: boolean; onLogout: () => void }) {
  const { t } = useTranslation();
  const session = useSession();
  const seat = useSeat();
  const [open, setOpen] = useOpenCard(seat);
  const [helping, setHelping] = useState(false);
  const mayHangUp = useHangUpGuard(seat.kind);
  useRinging(seat);
  useMicrophoneWhenReady();

  const toggleReady = (): void => {
    const kind = ownAgent(session.live.getState())?.presence.kind;
    if (kind === "ready") focusOn("presence-not-ready");
    else void changePresence(session, "ready");
  };
  const end = (): void => {
    if (seat.kind === "offer" || seat.kind === "backup_offer") void reject(session, seat);
    else if (mayHangUp()) void hangUp(session, seat);
  };
  const offered = seat.kind === "offer" || seat.kind === "backup_offer";
  useShortcuts(
    {
      F1: () => setHelping(true),
      F2: () => void answer(session, seat),
      ...(offered ? { Enter: () => void answer(session, seat) } : {}),
      F3: () => focusOn("card-search"),
      F4: () => void toggleHold(session, seat),
      F6: () => focusOn("notes"),
      ...(session.me.agent ? { F7: toggleReady } : {}),
      F8: end,
      F9: () => {
        if (seat.kind === "wrap_up") void finishWrapUp(session);
      },
    },
    !expired,
  );

  const own = incidentOf(seat);
  return (
    <div className="workplace">
      <TopBar onHelp={() => setHelping(true)} onLogout={onLogout} />
      <Banners />
      <div className="columns">
        <div className="column column-left">
          <ErrorBoundary>
            <WaitingList />
            <AgentList />
          </ErrorBoundary>
        </div>
        <main className="column column-centre">
          <CallPanel seat={seat} />
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
              <CardView key={open} incidentId={open} />
            )}
          </ErrorBoundary>
        </main>
        <div className="column column-right">
          <ErrorBoundary>
            <RecentCards selected={open} onSelect={setOpen} />
          </ErrorBoundary>
        </div>
      </div>
      {helping && <Help onClose={() => setHelping(false)} />}
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
  const [doubt, setDoubt] = useState<"call" | "notes" | null>(null);
  useRunning(session, expired);

  const leave = async (): Promise<void> => {
    setDoubt(null);
    // An empty seat must not be rung: it goes off before the session does.
    if (me.agent !== null) await setPresence("off").catch(() => undefined);
    if (!(await attempt(session, logout))) return;
    session.notes.clear();
    onLogout();
  };
  const ask = async (): Promise<void> => {
    const saved = await session.notes.settle();
    if (ownAgent(session.live.getState())?.state === "talking") setDoubt("call");
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
