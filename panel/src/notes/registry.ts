/** The notes of every card opened in this session: unsaved text survives switching cards. */

import { fetchCard, saveNotes } from "../api/cards";
import type { Notes } from "../api/types";
import { SessionDrafts } from "./drafts";
import { NotesSaver } from "./saver";

/** Saved notes of cards no longer on screen are forgotten beyond this number. */
const SAVERS_MAX = 50;

/** At logout a person waits this long for a save before being asked. */
const SETTLE_MAX_MS = 2_000;
const SETTLE_STEP_MS = 50;

export class NotesRegistry {
  private readonly drafts: SessionDrafts;
  private readonly savers = new Map<string, NotesSaver>();

  constructor(login: string) {
    this.drafts = new SessionDrafts(login);
  }

  /** The one saver of a card; `notes` is what the server has just said. */
  open(incidentId: string, notes: Notes): NotesSaver {
    const known = this.savers.get(incidentId);
    if (known) {
      known.receive(notes);
      return known;
    }
    const saver = new NotesSaver(incidentId, notes, saveNotes, this.drafts);
    this.savers.set(incidentId, saver);
    const draft = this.drafts.all().get(incidentId);
    if (draft) saver.restore(draft);
    this.trim(incidentId);
    return saver;
  }

  /** After a reload: saves what the page before could not, without waiting for the card to open. */
  async recover(): Promise<void> {
    for (const incidentId of this.drafts.all().keys()) {
      try {
        this.open(incidentId, (await fetchCard(incidentId)).notes);
      } catch {
        // The draft stays, and is taken up when the card is opened or at the next recovery.
      }
    }
  }

  get unsaved(): boolean {
    return [...this.savers.values()].some((saver) => saver.unsaved);
  }

  flush(): void {
    for (const saver of this.savers.values()) saver.flush();
  }

  /** Saves now and waits for it, but not for long; answers whether everything is saved. */
  async settle(): Promise<boolean> {
    this.flush();
    const end = Date.now() + SETTLE_MAX_MS;
    while (this.unsaved && Date.now() < end) {
      await new Promise((resolve) => window.setTimeout(resolve, SETTLE_STEP_MS));
    }
    return !this.unsaved;
  }

  /** At logout. */
  clear(): void {
    for (const saver of this.savers.values()) saver.dispose();
    this.savers.clear();
    this.drafts.clear();
  }

  private trim(keep: string): void {
    for (const [incidentId, saver] of this.savers) {
      if (this.savers.size <= SAVERS_MAX) return;
      if (incidentId === keep || saver.unsaved) continue;
      saver.dispose();
      this.savers.delete(incidentId);
    }
  }
}
