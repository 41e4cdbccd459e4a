/**
 * Autosave of one field of a card: nothing that was typed is lost, nobody's value is overwritten.
 *
 * Saves are compare-and-set on the version that the value grew from. A refused save shows both
 * values; a save that did not get through is tried again until it does. One save is in flight at a
 * time. The class knows no React and no HTTP, so the rules can be tested by themselves.
 */

import { ApiError, Unreachable } from "../api/http";

/** What the server keeps of a field. Version 0 was never saved. */
export interface Saved<T> {
  value: T;
  version: number;
  saved_at: string | null;
  author: string | null;
}

/** What a colleague saved in between. */
export type Theirs<T> = Omit<Saved<T>, "saved_at">;

export type SaveState<T> =
  | { kind: "clean" }
  | { kind: "typing" }
  | { kind: "saving" }
  | { kind: "saved"; at: string }
  | { kind: "retrying" }
  | { kind: "login_needed" }
  | { kind: "refused"; code: string }
  | { kind: "conflict"; theirs: Theirs<T> };

export type Resolution = "mine" | "theirs" | "join";

export interface SaverView<T> {
  value: T;
  state: SaveState<T>;
}

export interface Draft<T = unknown> {
  value: T;
  version: number;
}

/** Where an unsaved value survives a reload of the page; see `drafts.ts`. */
export interface DraftStore {
  put(key: string, draft: Draft): void;
  drop(key: string): void;
}

/** How one field is saved and compared. */
export interface Field<T> {
  /** Names the field among all that are open: the incident, and what of it. */
  key: string;
  save: (value: T, baseVersion: number) => Promise<{ version: number; saved_at: string }>;
  /** What stands in the way of a refused save, or null for any other failure. */
  conflictOf: (error: unknown) => Theirs<T> | null;
  equal: (a: T, b: T) => boolean;
  /** Both in one; absent where a value cannot be joined. */
  join?: (theirs: T, mine: T) => T;
}

/** A pause in typing after which the value is saved. */
const PAUSE_MS = 600;
/** Someone who never pauses is saved this often all the same. */
const UNSAVED_MAX_MS = 3_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 10_000;

export class Saver<T> {
  readonly field: Field<T>;
  private readonly drafts: DraftStore;
  private readonly listeners = new Set<() => void>();
  private value: T;
  private savedValue: T;
  private version: number;
  private state: SaveState<T>;
  private inFlight = false;
  private retries = 0;
  private made = 0;
  private timer: number | undefined;
  private dirtySince: number | null = null;
  private view: SaverView<T>;

  constructor(field: Field<T>, saved: Saved<T>, drafts: DraftStore) {
    this.field = field;
    this.drafts = drafts;
    this.value = saved.value;
    this.savedValue = saved.value;
    this.version = saved.version;
    this.state = saved.saved_at === null ? { kind: "clean" } : { kind: "saved", at: saved.saved_at };
    this.view = { value: this.value, state: this.state };
  }

  readonly getView = (): SaverView<T> => this.view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** True while the server does not have what the call taker typed. */
  get unsaved(): boolean {
    return !this.field.equal(this.value, this.savedValue) || this.inFlight;
  }

  /** How often this window has changed the value; what colleagues save does not count. */
  get edits(): number {
    return this.made;
  }

  /** The call taker typed or chose; the whole new value. */
  edit(value: T): void {
    this.made += 1;
    this.value = value;
    this.drafts.put(this.field.key, { value, version: this.version });
    this.dirtySince ??= Date.now();
    if (this.state.kind === "conflict" || this.state.kind === "login_needed") {
      this.publish(this.state);
      return;
    }
    if (this.inFlight) {
      this.publish(this.state);
      return;
    }
    if (this.state.kind === "retrying") {
      this.publish(this.state); // The retry that is already planned takes the new value along.
      return;
    }
    const longest = Math.max(0, this.dirtySince + UNSAVED_MAX_MS - Date.now());
    this.plan(Math.min(PAUSE_MS, longest));
    this.publish({ kind: "typing" });
  }

  /** Saves now what is unsaved: on leaving the field, on leaving the page, after a new login. */
  flush(): void {
    if (this.state.kind === "conflict" || this.inFlight) return;
    if (!this.field.equal(this.value, this.savedValue)) void this.run();
  }

  /** Takes up a draft that an earlier page could not save; its version keeps what colleagues wrote. */
  restore(draft: Draft<T>): void {
    if (this.field.equal(draft.value, this.savedValue)) {
      this.drafts.drop(this.field.key);
      return;
    }
    this.version = draft.version;
    this.edit(draft.value);
    this.flush();
  }

  /** What the server has now. A value in work is left alone; its save will find the conflict. */
  receive(saved: Saved<T>): void {
    if (saved.version <= this.version || this.unsaved || this.state.kind === "conflict") return;
    this.version = saved.version;
    this.value = saved.value;
    this.savedValue = saved.value;
    this.publish(saved.saved_at === null ? { kind: "clean" } : { kind: "saved", at: saved.saved_at });
  }

  /** Ends a conflict by the call taker's choice. */
  resolve(resolution: Resolution): void {
    if (this.state.kind !== "conflict") return;
    const { theirs } = this.state;
    this.version = theirs.version;
    this.savedValue = theirs.value;
    if (resolution === "theirs") this.value = theirs.value;
    if (resolution === "join" && this.field.join) this.value = this.field.join(theirs.value, this.value);
    if (this.field.equal(this.value, this.savedValue)) {
      this.settle();
      this.publish({ kind: "clean" });
      return;
    }
    this.drafts.put(this.field.key, { value: this.value, version: this.version });
    void this.run();
  }

  /** Forgets timers; a save in flight still finishes. */
  dispose(): void {
    window.clearTimeout(this.timer);
  }

  private plan(delayMs: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.run(), delayMs);
  }

  private async run(): Promise<void> {
    window.clearTimeout(this.timer);
    if (this.inFlight) return;
    const sent = this.value;
    if (this.field.equal(sent, this.savedValue)) {
      // Typed and taken back: the server has this value already.
      this.settle();
      this.publish({ kind: "clean" });
      return;
    }
    this.inFlight = true;
    if (this.state.kind !== "retrying") this.publish({ kind: "saving" });
    try {
      const saved = await this.field.save(sent, this.version);
      this.inFlight = false;
      this.accepted(sent, saved.version, saved.saved_at);
    } catch (error) {
      this.inFlight = false;
      this.failed(sent, error);
    }
  }

  private accepted(sent: T, version: number, at: string | null): void {
    this.version = version;
    this.savedValue = sent;
    this.retries = 0;
    if (this.field.equal(this.value, sent)) {
      this.settle();
      this.publish(at === null ? { kind: "clean" } : { kind: "saved", at });
      return;
    }
    this.dirtySince = Date.now();
    this.drafts.put(this.field.key, { value: this.value, version });
    this.plan(PAUSE_MS);
    this.publish({ kind: "typing" });
  }

  private failed(sent: T, error: unknown): void {
    const theirs = this.field.conflictOf(error);
    if (theirs !== null) {
      // Our own save whose answer got lost comes back as a "conflict" with the same value.
      if (this.field.equal(theirs.value, sent)) this.accepted(sent, theirs.version, null);
      else this.publish({ kind: "conflict", theirs });
      return;
    }
    if (error instanceof ApiError && error.status === 401) {
      this.publish({ kind: "login_needed" });
      return;
    }
    if (error instanceof ApiError && error.status < 500 && error.status !== 408 && error.status !== 429) {
      // Too long, not allowed, no such card: trying the same again cannot help, editing may.
      this.publish({ kind: "refused", code: error.code });
      return;
    }
    if (!(error instanceof ApiError) && !(error instanceof Unreachable)) {
      this.publish({ kind: "refused", code: "internal" });
      return;
    }
    this.plan(Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.retries));
    this.retries += 1;
    this.publish({ kind: "retrying" });
  }

  private settle(): void {
    this.dirtySince = null;
    this.drafts.drop(this.field.key);
  }

  private publish(state: SaveState<T>): void {
    this.state = state;
    this.view = { value: this.value, state };
    this.listeners.forEach((listener) => listener());
  }
}
