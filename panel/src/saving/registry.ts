/** Every field of every card opened in this session: what is unsaved survives switching cards. */

import { fetchCard } from "../api/cards";
import { FIELD_NAMES, type Card, type FieldName, type FieldValues } from "../api/types";
import { SessionDrafts } from "./drafts";
import { cardField, keyOf, notesField, NOTES, partsOf, savedField, savedNotes } from "./fields";
import { Saver, type Draft, type Field, type Saved } from "./saver";

/** Saved fields of cards no longer on screen are forgotten beyond this number: some ten cards. */
const SAVERS_MAX = 400;

/** At logout a person waits this long for a save before being asked. */
const SETTLE_MAX_MS = 2_000;
const SETTLE_STEP_MS = 50;

/** What the registry does with savers of whatever kind of value. */
type AnySaver = Pick<Saver<never>, "unsaved" | "flush" | "dispose">;

export class SaverRegistry {
  private readonly drafts: SessionDrafts;
  private readonly savers = new Map<string, AnySaver>();

  constructor(login: string) {
    this.drafts = new SessionDrafts(login);
  }

  /** The one saver of a card's notes. */
  notes({ incident_id: incidentId, notes }: Pick<Card, "incident_id" | "notes">): Saver<string> {
    return this.open(notesField(incidentId), savedNotes(notes), incidentId);
  }

  /** What the server has just said of a card; values in work are left alone. */
  receive(card: Pick<Card, "incident_id" | "notes" | "fields">): void {
    this.notes(card);
    for (const name of new Set([...FIELD_NAMES, ...Object.keys(card.fields)])) {
      this.open(cardField(card.incident_id, name as FieldName), savedField(card.fields[name]), card.incident_id);
    }
  }

  /** The one saver of a field of a card that was received; a new person or vehicle gets a fresh one. */
  field<N extends FieldName>(incidentId: string, name: N): Saver<FieldValues[N] | null> {
    const known = this.savers.get(keyOf(incidentId, name)) as Saver<FieldValues[N] | null> | undefined;
    return known ?? this.open(cardField(incidentId, name), savedField<FieldValues[N]>(undefined), incidentId);
  }

  /** After a reload: saves what the page before could not, without waiting for the card to open. */
  async recover(): Promise<void> {
    const incidents = new Map<string, string[]>();
    for (const key of this.drafts.all().keys()) {
      const parts = partsOf(key);
      if (parts === null) this.drafts.drop(key);
      else incidents.set(parts[0], [...(incidents.get(parts[0]) ?? []), parts[1]]);
    }
    for (const [incidentId, names] of incidents) {
      try {
        this.receive(await fetchCard(incidentId));
        // Of a person or vehicle that the server has never seen.
        names.filter((name) => name !== NOTES).forEach((name) => this.field(incidentId, name as FieldName));
      } catch {
        // The drafts stay, and are taken up when the card is opened or at the next recovery.
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

  private open<T>(field: Field<T>, saved: Saved<T>, incidentId: string): Saver<T> {
    const known = this.savers.get(field.key) as Saver<T> | undefined;
    if (known) {
      known.receive(saved);
      return known;
    }
    const saver = new Saver(field, saved, this.drafts);
    this.savers.set(field.key, saver);
    const draft = this.drafts.all().get(field.key) as Draft<T> | undefined;
    if (draft) saver.restore(draft);
    this.trim(keyOf(incidentId, ""));
    return saver;
  }

  /** Keeps the card that is open: its parts hold on to their savers. */
  private trim(keep: string): void {
    for (const [key, saver] of this.savers) {
      if (this.savers.size <= SAVERS_MAX) return;
      if (key.startsWith(keep) || saver.unsaved) continue;
      saver.dispose();
      this.savers.delete(key);
    }
  }
}
