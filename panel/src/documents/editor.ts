/**
 * The editor's state: the saved document, the draft with its undo steps, its problems, and saving.
 *
 * A store outside of React, so that a draft is kept and checked by its own timers. Nothing that
 * was typed is lost: drafts outlive a reload, and a conflict keeps them until a person decides.
 */

import { ApiError } from "../api/http";
import { DocumentAPI, problemsOf, type Current, type Stored, type VersionInfo } from "./api";
import { diff, type Change } from "./diff";
import { Drafts } from "./drafts";
import { begin, record, redo, undo, type History } from "./history";
import type { AnyDocument, DocumentKind } from "./kind";
import { same } from "./paths";
import { localProblems, merged, type Problem } from "./problems";
import { rebase, type Rebased } from "./rebase";

/** Long enough for a word, short enough to be seen as an answer to it. */
const CHECK_AFTER_MS = 600;
const KEEP_AFTER_MS = 250;

/** Others saved while we edited. */
export interface Clash {
  /** What they saved, newest first; empty where the server could not tell. */
  between: VersionInfo[];
  theirs: Current;
}

export interface EditorState {
  stage: "loading" | "failed" | "ready";
  error: unknown;
  base: Stored | null;
  beside: Current["beside"];
  history: History<AnyDocument> | null;
  /** Of the present document: ours at once, the server's a moment later. */
  problems: readonly Problem[];
  /** The server's check could not be asked, so its problems may be out of date. */
  unchecked: boolean;
  /** The draft did not fit into the browser's storage: a reload would lose it. */
  unkept: boolean;
  saving: boolean;
  /** Why the last save failed; the draft is untouched. */
  failure: unknown;
  clash: Clash | null;
  /** Others saved a newer version than the draft's, and it waits to be put on top of theirs. */
  outdated: boolean;
}

const START: EditorState = {
  stage: "loading",
  error: null,
  base: null,
  beside: {},
  history: null,
  problems: [],
  unchecked: false,
  unkept: false,
  saving: false,
  failure: null,
  clash: null,
  outdated: false,
};

export class DocumentEditor {
  private state = START;
  private readonly drafts: Drafts;
  private readonly listeners = new Set<() => void>();
  private serverProblems: readonly Problem[] = [];
  private checkTimer: number | undefined;
  private keepTimer: number | undefined;
  private checking: AbortController | null = null;

  readonly api: DocumentAPI;
  private readonly kind: DocumentKind;

  constructor(kind: DocumentKind, login: string) {
    this.kind = kind;
    this.api = new DocumentAPI(kind);
    this.drafts = new Drafts(kind.name, login);
  }

  readonly getState = (): EditorState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Reads the saved document and takes up the draft that was left. */
  async load(): Promise<void> {
    this.publish({ stage: "loading", error: null });
    try {
      const current = await this.api.current();
      const draft = this.drafts.read();
      const ours = draft !== null && !same(draft.base, draft.document) ? draft : null;
      if (ours !== null && ours.version !== current.newest) {
        this.start({ ...current, version: ours.version, newest: ours.version, document: ours.base }, current.beside);
        this.edit(() => ours.document);
        await this.clash(current);
      } else {
        this.start(current, current.beside);
        if (ours !== null) this.edit(() => ours.document);
      }
      this.checkSoon();
    } catch (error) {
      this.publish({ stage: "failed", error });
    }
  }

  /** Changes the draft; edits of one `tag` in quick succession are undone together. */
  readonly edit = (change: (document: AnyDocument) => AnyDocument, tag: string | null = null): void => {
    const { history } = this.state;
    if (history === null) return;
    this.move(record(history, change(history.present), tag, Date.now()));
  };

  readonly undo = (): void => {
    if (this.state.history !== null) this.move(undo(this.state.history));
  };

  readonly redo = (): void => {
    if (this.state.history !== null) this.move(redo(this.state.history));
  };

  /** Back to what is saved; undo brings the draft back. */
  readonly discard = (): void => {
    const { base } = this.state;
    if (base !== null) this.edit(() => base.document);
  };

  /** Answers whether it was saved. */
  async save(comment: string): Promise<boolean> {
    const { base, history } = this.state;
    if (base === null || history === null || this.state.saving) return false;
    const document = history.present;
    this.publish({ saving: true, failure: null });
    try {
      const version = await this.api.save(document, comment, base.newest);
      const saved = { version, newest: version, saved_at: new Date().toISOString(), author: null, comment, document };
      this.publish({ saving: false, base: saved });
      // What was typed while the answer was on its way goes on as a draft of the new version.
      this.keep();
      this.checkSoon();
      return true;
    } catch (error) {
      await this.refused(error);
      return false;
    }
  }

  /** The server has this version now: shown at once, unless there is a draft to be kept. */
  async noticed(version: number): Promise<void> {
    const { base, history, saving } = this.state;
    if (base === null || history === null || saving || version <= base.newest) return;
    if (!same(base.document, history.present)) {
      this.publish({ outdated: true });
      return;
    }
    try {
      const current = await this.api.current();
      // Somebody may have typed while the answer was on its way.
      if (this.state.history?.present === history.present) this.start(current, current.beside);
      else this.publish({ outdated: true });
    } catch {
      // The save will tell of the conflict.
    }
  }

  /** Shows what others saved beside our draft. */
  async compare(): Promise<void> {
    try {
      await this.clash(await this.api.current());
    } catch (error) {
      this.publish({ failure: error });
    }
  }

  /** Makes an old version the newest one. Throws what the server answered. */
  async restore(version: number, comment: string): Promise<void> {
    const { base } = this.state;
    if (base === null) return;
    await this.api.restore(version, comment, base.newest);
    await this.load();
  }

  /** Our changes on top of what others saved; their values for the conflicts in `takeTheirs`. */
  rebased(takeTheirs: ReadonlySet<string>): Rebased<AnyDocument> | null {
    const { base, history, clash } = this.state;
    if (base === null || history === null || clash === null) return null;
    return rebase(this.kind.identities, base.document, history.present, clash.theirs.document, takeTheirs);
  }

  /** Settles the conflict with our changes kept. */
  keepMine(takeTheirs: ReadonlySet<string>): void {
    const result = this.rebased(takeTheirs);
    if (result !== null) this.settle(result.document, []);
  }

  /** Settles the conflict without our changes; undo brings them back, on top of theirs. */
  takeTheirs(): void {
    const { clash } = this.state;
    const result = this.rebased(new Set());
    if (clash !== null && result !== null) this.settle(clash.theirs.document, [result.document]);
  }

  /** Decides later: the draft stays as it is, on the old version. */
  readonly postpone = (): void => {
    if (this.state.clash !== null) this.publish({ clash: null, outdated: true });
  };

  /** Writes down at once what waits for its timer, e.g. when the page goes away. */
  readonly flush = (): void => {
    if (this.keepTimer !== undefined) this.keep();
  };

  stop(): void {
    this.flush();
    window.clearTimeout(this.checkTimer);
    this.checking?.abort();
  }

  private settle(document: AnyDocument, past: readonly AnyDocument[]): void {
    const { clash } = this.state;
    if (clash === null) return;
    this.publish({ base: clash.theirs, beside: clash.theirs.beside, clash: null, outdated: false, failure: null });
    this.move({ ...begin(document), past });
  }

  private start(base: Stored, beside: Current["beside"]): void {
    this.serverProblems = [];
    this.publish({ ...START, stage: "ready", base, beside, history: begin(base.document) });
    this.findLocal();
  }

  private async refused(error: unknown): Promise<void> {
    const problems = problemsOf(error);
    if (problems.length > 0) this.serverProblems = problems;
    this.publish({ saving: false, failure: error });
    this.findLocal();
    if (!(error instanceof ApiError) || error.status !== 412) return;
    try {
      await this.clash(await this.api.current());
    } catch (later) {
      this.publish({ failure: later });
    }
  }

  private async clash(theirs: Current): Promise<void> {
    const since = this.state.base?.version ?? 0;
    let between: VersionInfo[] = [];
    try {
      const { versions } = await this.api.versions(null);
      between = versions.filter((info) => info.version > since);
    } catch {
      // Who saved is good to know; the choice does not depend on it.
    }
    this.publish({ clash: { theirs, between: between.length > 0 ? between : [theirs] } });
  }

  private move(history: History<AnyDocument>): void {
    if (history === this.state.history) return;
    this.publish({ history, failure: null });
    this.findLocal();
    window.clearTimeout(this.keepTimer);
    this.keepTimer = window.setTimeout(() => this.keep(), KEEP_AFTER_MS);
    this.checkSoon();
  }

  private keep(): void {
    window.clearTimeout(this.keepTimer);
    this.keepTimer = undefined;
    const { base, history } = this.state;
    if (base === null || history === null) return;
    if (same(base.document, history.present)) {
      this.drafts.clear();
      this.publish({ unkept: false });
      return;
    }
    const kept = this.drafts.put({ version: base.newest, base: base.document, document: history.present });
    this.publish({ unkept: !kept });
  }

  private findLocal(): void {
    const { history } = this.state;
    if (history === null) return;
    this.publish({ problems: merged(localProblems(this.kind, history.present), this.serverProblems) });
  }

  private checkSoon(): void {
    window.clearTimeout(this.checkTimer);
    this.checkTimer = window.setTimeout(() => void this.check(), CHECK_AFTER_MS);
  }

  private async check(): Promise<void> {
    const document = this.state.history?.present;
    if (document === undefined) return;
    this.checking?.abort();
    const controller = new AbortController();
    this.checking = controller;
    try {
      const problems = await this.api.check(document, controller.signal);
      if (this.state.history?.present !== document) return;
      this.serverProblems = problems;
      this.publish({ unchecked: false });
    } catch (error) {
      if (controller.signal.aborted) return;
      const found = problemsOf(error);
      if (found.length > 0) this.serverProblems = found;
      this.publish({ unchecked: found.length === 0 });
    }
    this.findLocal();
  }

  private publish(change: Partial<EditorState>): void {
    this.state = { ...this.state, ...change };
    this.listeners.forEach((listener) => listener());
  }
}

/** What would change if the draft were saved now. */
export function changesOf(kind: DocumentKind, state: EditorState): Change[] {
  if (state.base === null || state.history === null) return [];
  return diff(kind.identities, state.base.document, state.history.present);
}
