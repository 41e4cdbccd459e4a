/** What every part of the workplace shares for the time of one login. */

import { createContext, useContext, useSyncExternalStore } from "react";
import { ApiError, Unreachable } from "../api/http";
import type { Messaging } from "../api/conversations";
import type { Catalogue, Directory, Me } from "../api/types";
import { translateCode } from "../i18n";
import i18next from "i18next";
import type { ReplyDrafts } from "../conversations/drafts";
import type { TextOutbox } from "../conversations/outbox";
import type { Connection, LiveClient } from "../live/client";
import type { LiveState } from "../live/state";
import type { SaverRegistry } from "../saving/registry";
import { MicrophoneError } from "../phone/microphone";
import type { BrowserPhone, PhoneState } from "../phone/phone";
import type { Ringer } from "../phone/ringer";
import type { RemoteStore } from "../shared/remote";
import type { ToastStore } from "../shared/toast-store";

export interface Session {
  me: Me;
  live: LiveClient;
  /** Null where the seat has a desk phone, or the account no seat. */
  phone: BrowserPhone | null;
  ringer: Ringer;
  saving: SaverRegistry;
  toasts: ToastStore;
  directory: RemoteStore<Directory>;
  catalogue: RemoteStore<Catalogue>;
  messaging: RemoteStore<Messaging>;
  /** Texts that are half written, and those that the server does not have yet. */
  drafts: ReplyDrafts;
  outbox: TextOutbox;
  /** Outgoing calls that this panel asked for: our phone is answered for them by itself. */
  dialled: Set<string>;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("useSession outside of a session");
  return session;
}

export function useLive(): LiveState {
  const { live } = useSession();
  return useSyncExternalStore(live.subscribe, live.getState);
}

export function useDirectory(): Directory {
  const { directory } = useSession();
  return useSyncExternalStore(directory.subscribe, directory.get);
}

export function useCatalogue(): Catalogue {
  const { catalogue } = useSession();
  return useSyncExternalStore(catalogue.subscribe, catalogue.get);
}

export function useMessaging(): Messaging {
  const { messaging } = useSession();
  return useSyncExternalStore(messaging.subscribe, messaging.get);
}

export function useConnection(): Connection {
  const { live } = useSession();
  return useSyncExternalStore(live.subscribe, live.getConnection);
}

const NO_PHONE: PhoneState = {
  registration: "off",
  microphone: "off",
  call: null,
  media: "ok",
  muted: false,
};
const never = (): (() => void) => () => undefined;

export function usePhone(): PhoneState {
  const { phone } = useSession();
  return useSyncExternalStore(phone?.subscribe ?? never, phone?.getState ?? (() => NO_PHONE));
}

/** One sentence for a person about why something did not work. */
export function explain(error: unknown): string {
  if (error instanceof ApiError) {
    const fallback = i18next.t("refused.unknown", { code: error.code });
    return translateCode("refused", error.code, fallback);
  }
  if (error instanceof Unreachable) return i18next.t("refused.unreachable");
  if (error instanceof MicrophoneError) return i18next.t(`microphone.${error.state}`);
  return i18next.t("refused.internal");
}

/** Runs an act of the call taker; a failure is shown and answered with false. */
export async function attempt(session: Session, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    // The login window that comes up by itself says all about a lost session.
    if (!(error instanceof ApiError && error.status === 401)) session.toasts.show("error", explain(error));
    return false;
  }
}
