/**
 * Autosave of one card's notes: nothing that was typed is lost, nobody's text is overwritten.
 *
 * Saves are compare-and-set on the version that the text grew from. A refused save shows both
 * texts; a save that did not get through is tried again until it does. One save is in flight at a
 * time. The class knows no React and no HTTP, so the rules can be tested by themselves.
 */

import { ApiError, Unreachable } from "../api/http";
import { conflictOf, type NotesCurrent, type NotesSaved } from "../api/cards";
import type { Notes } from "../api/types";

export type NotesState =
  | { kind: "clean" }
  | { kind: "typing" }
  | { kind: "saving" }
  | { kind: "saved"; at: string }
  | { kind: "retrying" }
  | { kind: "login_needed" }
  | { kind: "refused"; code: string }
  | { kind: "conflict"; theirs: NotesCurrent };

export type Resolution = "mine" | "theirs" | "join";

export interface NotesView {
  text: string;
  state: NotesState;
}

/** Where unsaved text survives a reload of the page; see `drafts.ts`. */
export interface DraftStore {
  put(incidentId: string, draft: { text: string; version: number }): void;
  drop(incidentId: string): void;
}

type Save = (incidentId: string, text: string, baseVersion: number) => Promise<NotesSaved>;

/** A pause in typing after which the text is saved. */
const PAUSE_MS = 600;
/** Someone who never pauses is saved this often all the same. */
const UNSAVED_MAX_MS = 3_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 10_000;
const JOINT = "\n—\n";

export class NotesSaver {
  readonly incidentId: string;
  private readonly save: Save;
  private readonly drafts: DraftStore;
  private readonly listeners = new Set<() => void>();
  private text: string;
  private savedText: string;
  private version: number;
  private state: NotesState;
  private inFlight = false;
  private retries = 0;
  private timer: number | undefined;
  private dirtySince: number | null = null;
  private view: NotesView;

  constructor(incidentId: string, notes: Notes, save: Save, drafts: DraftStore) {
    this.incidentId = incidentId;
    this.save = save;
    this.drafts = drafts;
    this.text = notes.text;
    this.savedText = notes.text;
    this.version = notes.version;
    this.state = notes.saved_at === null ? { kind: "clean" } : { kind: "saved", at: notes.saved_at };
    this.view = { text: this.text, state: this.state };
  }

  readonly getView = (): NotesView => this.view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** True while the server does not have what the call taker typed. */
  get unsaved(): boolean {
    return this.text !== this.savedText || this.inFlight;
  }

  /** The call taker typed; the whole new text. */
  edit(text: string): void {
    this.text = text;
    this.drafts.put(this.incidentId, { text, version: this.version });
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
      this.publish(this.state); // The retry that is already planned takes the new text along.
      return;
    }
    const longest = Math.max(0, this.dirtySince + UNSAVED_MAX_MS - Date.now());
    this.plan(Math.min(PAUSE_MS, longest));
    this.publish({ kind: "typing" });
  }

  /** Saves now what is unsaved: on leaving the field, on leaving the page, after a new login. */
  flush(): void {
    if (this.state.kind === "conflict" || this.inFlight) return;
    if (this.text !== this.savedText) void this.run();
  }

  /** Takes up a draft that an earlier page could not save; its version keeps colleagues' text. */
  restore(draft: { text: string; version: number }): void {
    if (draft.text === this.savedText) {
      this.drafts.drop(this.incidentId);
      return;
    }
    this.version = draft.version;
    this.edit(draft.text);
    this.flush();
  }

  /** What the server has now. A text in work is left alone; its save will find the conflict. */
  receive(notes: Notes): void {
    if (notes.version <= this.version || this.unsaved || this.state.kind === "conflict") return;
    this.version = notes.version;
    this.text = notes.text;
    this.savedText = notes.text;
    this.publish(notes.saved_at === null ? { kind: "clean" } : { kind: "saved", at: notes.saved_at });
  }

  /** Ends a conflict by the call taker's choice. */
  resolve(resolution: Resolution): void {
    if (this.state.kind !== "conflict") return;
    const { theirs } = this.state;
    this.version = theirs.version;
    this.savedText = theirs.text;
    if (resolution === "theirs") this.text = theirs.text;
    if (resolution === "join") this.text = `${theirs.text}${JOINT}${this.text}`;
    if (this.text === this.savedText) {
      this.settle();
      this.publish({ kind: "clean" });
      return;
    }
    this.drafts.put(this.incidentId, { text: this.text, version: this.version });
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
    const sent = this.text;
    if (sent === this.savedText) {
      // Typed and taken back: the server has this text already.
      this.settle();
      this.publish({ kind: "clean" });
      return;
    }
    this.inFlight = true;
    if (this.state.kind !== "retrying") this.publish({ kind: "saving" });
    try {
      const saved = await this.save(this.incidentId, sent, this.version);
      this.inFlight = false;
      this.accepted(sent, saved.version, saved.saved_at);
    } catch (error) {
      this.inFlight = false;
      this.failed(sent, error);
    }
  }

  private accepted(sent: string, version: number, at: string | null): void {
    this.version = version;
    this.savedText = sent;
    this.retries = 0;
    if (this.text === sent) {
      this.settle();
      this.publish(at === null ? { kind: "clean" } : { kind: "saved", at });
      return;
    }
    this.dirtySince = Date.now();
    this.drafts.put(this.incidentId, { text: this.text, version });
    this.plan(PAUSE_MS);
    this.publish({ kind: "typing" });
  }

  private failed(sent: string, error: unknown): void {
    const theirs = conflictOf(error);
    if (theirs !== null) {
      // Our own save whose answer got lost comes back as a "conflict" with the same text.
      if (theirs.text === sent) this.accepted(sent, theirs.version, null);
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
    this.drafts.drop(this.incidentId);
  }

  private publish(state: NotesState): void {
    this.state = state;
    this.view = { text: this.text, state };
    this.listeners.forEach((listener) => listener());
  }
}
