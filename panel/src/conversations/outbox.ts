/**
 * Texts to citizens that the server has not taken yet. None is lost and none goes out twice: each is
 * kept with a key, which makes repeating it harmless, and sent again until the server has it or
 * refuses it. Those of one conversation go in the order in which they were written.
 *
 * They are personal data, so they outlive a reload but not the tab, and are dropped at logout.
 */

import { sendText, type TextMessage } from "../api/conversations";
import { ApiError } from "../api/http";

export interface Unsent {
  key: string;
  conversationId: string;
  text: string;
  /** By the server's clock. */
  at: string;
  /** The server was asked in vain, and is asked again. */
  tried: boolean;
  /** Why the server refused it; null while it is still to be sent. */
  refused: ApiError | null;
}

type Taker = (conversationId: string, message: TextMessage) => void;

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 10_000;
/** More than a call taker writes without an answer from the server. */
const UNSENT_MAX = 100;
const PREFIX = "ccserver.texts.";

/** Whether the same request may never succeed; anything else is tried again with its key. */
function isRefusal(error: unknown): error is ApiError {
  if (!(error instanceof ApiError)) return false;
  const later = error.status >= 500 || error.status === 401 || error.status === 408 || error.status === 429;
  return !later;
}

/** As it is kept over a reload; `refused` is the code with which the server refused it. */
type Stored = Pick<Unsent, "key" | "conversationId" | "text" | "at"> & { refused?: { status: number; code: string } };

function isStored(value: unknown): value is Stored {
  if (typeof value !== "object" || value === null) return false;
  const { key, conversationId, text, at } = value as Record<string, unknown>;
  return [key, conversationId, text, at].every((one) => typeof one === "string");
}

function toStored({ key, conversationId, text, at, refused }: Unsent): Stored {
  const kept = { key, conversationId, text, at };
  return refused === null ? kept : { ...kept, refused: { status: refused.status, code: refused.code } };
}

function fromStored({ key, conversationId, text, at, refused }: Stored): Unsent {
  const error = refused === undefined ? null : new ApiError(refused.status, refused.code, refused.code, null);
  return { key, conversationId, text, at, tried: true, refused: error };
}

export class TextOutbox {
  private texts: readonly Unsent[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly takers = new Set<Taker>();
  private readonly storageKey: string;
  private readonly now: () => number;
  /** Conversations with a request under way. */
  private readonly sending = new Set<string>();
  private timer: number | undefined;
  private failures = 0;
  private running = false;

  constructor(login: string, now: () => number) {
    this.storageKey = PREFIX + login;
    this.now = now;
  }

  readonly get = (): readonly Unsent[] => this.texts;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Tells of each text that the server has taken. */
  readonly onTaken = (taker: Taker): (() => void) => {
    this.takers.add(taker);
    return () => this.takers.delete(taker);
  };

  /** Goes on with what an earlier page of this login left. */
  start(): void {
    this.running = true;
    window.addEventListener("online", this.retryNow);
    const fresh = new Set(this.texts.map(({ key }) => key));
    this.texts = [...this.stored().filter(({ key }) => !fresh.has(key)), ...this.texts];
    this.changed();
    this.sendAll();
  }

  stop(): void {
    this.running = false;
    window.removeEventListener("online", this.retryNow);
    window.clearTimeout(this.timer);
  }

  /** Something is written that the server does not have. */
  get unsent(): boolean {
    return this.texts.length > 0;
  }

  /** Takes a text; false if so many wait that no more are kept. */
  send(conversationId: string, text: string): boolean {
    if (this.texts.length >= UNSENT_MAX) return false;
    const at = new Date(this.now()).toISOString();
    const unsent: Unsent = { key: crypto.randomUUID(), conversationId, text, at, tried: false, refused: null };
    this.texts = [...this.texts, unsent];
    this.changed();
    void this.sendOf(conversationId);
    return true;
  }

  /** Puts a refused text away, e.g. back into the box. */
  dismiss(key: string): void {
    this.texts = this.texts.filter((text) => text.key !== key);
    this.changed();
  }

  /** At logout. */
  clear(): void {
    this.stop();
    this.texts = [];
    this.changed();
  }

  readonly retryNow = (): void => {
    window.clearTimeout(this.timer);
    this.failures = 0;
    this.sendAll();
  };

  private sendAll(): void {
    for (const id of new Set(this.texts.map(({ conversationId }) => conversationId))) void this.sendOf(id);
  }

  private next(conversationId: string): Unsent | undefined {
    return this.texts.find((text) => text.conversationId === conversationId && text.refused === null);
  }

  private async sendOf(conversationId: string): Promise<void> {
    if (this.sending.has(conversationId)) return;
    this.sending.add(conversationId);
    let text = this.next(conversationId);
    while (text !== undefined && (await this.sendOne(text))) text = this.next(conversationId);
    this.sending.delete(conversationId);
    if (text !== undefined) this.retryLater();
  }

  /** Whether the server has decided about it: taken or refused. */
  private async sendOne(text: Unsent): Promise<boolean> {
    try {
      const message = await sendText(text.conversationId, text.text, text.key);
      this.failures = 0;
      // The taker shows it before it leaves this list: it never blinks out of sight.
      this.takers.forEach((taker) => taker(text.conversationId, message));
      this.dismiss(text.key);
      return true;
    } catch (error) {
      const refused = isRefusal(error) ? error : null;
      this.texts = this.texts.map((one) => (one.key === text.key ? { ...one, tried: true, refused } : one));
      this.changed();
      return refused !== null;
    }
  }

  private retryLater(): void {
    if (!this.running) return;
    window.clearTimeout(this.timer);
    const pause = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.failures);
    this.failures += 1;
    this.timer = window.setTimeout(() => this.sendAll(), pause);
  }

  private stored(): Unsent[] {
    try {
      const value: unknown = JSON.parse(sessionStorage.getItem(this.storageKey) ?? "[]");
      if (!Array.isArray(value)) return [];
      return value.filter(isStored).map(fromStored);
    } catch {
      return [];
    }
  }

  private changed(): void {
    try {
      // A refused one is kept too, as refused: its writer has to see that the citizen did not get it,
      // and it must not leave hours later, when the conversation happens to be theirs again.
      const kept = this.texts.map(toStored);
      if (kept.length === 0) sessionStorage.removeItem(this.storageKey);
      else sessionStorage.setItem(this.storageKey, JSON.stringify(kept));
    } catch {
      // Storage is full or forbidden: the texts are still in memory, which is the first line.
    }
    this.listeners.forEach((listener) => listener());
  }
}
