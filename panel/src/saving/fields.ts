/** How the fields of a card and its notes are saved and compared. */

import { conflictOf, notesConflictOf, saveField, saveNotes } from "../api/cards";
import type { FieldName, FieldValue, FieldValues, Notes, SavedField } from "../api/types";
import type { Field, Saved } from "./saver";

const JOINT = "\n—\n";

/** The name of the notes among the fields; they have an address of their own at the server. */
export const NOTES = "notes";

export function keyOf(incidentId: string, name: string): string {
  return `${incidentId}/${name}`;
}

/** The incident and the field of a key; null for what no version of this panel wrote. */
export function partsOf(key: string): [string, string] | null {
  const [incidentId, name, ...rest] = key.split("/");
  return incidentId && name && rest.length === 0 ? [incidentId, name] : null;
}

export function notesField(incidentId: string): Field<string> {
  return {
    key: keyOf(incidentId, NOTES),
    save: (text, version) => saveNotes(incidentId, text, version),
    conflictOf: notesConflictOf,
    equal: (a, b) => a === b,
    join: (theirs, mine) => `${theirs}${JOINT}${mine}`,
  };
}

export function savedNotes(notes: Notes): Saved<string> {
  return { value: notes.text, version: notes.version, saved_at: notes.saved_at, author: notes.author };
}

/** Equal as JSON, whatever the order of members: the server may write them in another one. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  if (left.length !== right.length) return false;
  return left.every(([name, value]) => name in b && sameValue(value, (b as Record<string, unknown>)[name]));
}

export function cardField<N extends FieldName>(incidentId: string, name: N): Field<FieldValues[N] | null> {
  return {
    key: keyOf(incidentId, name),
    save: (value, version) => saveField(incidentId, name, value, version),
    conflictOf: (error) => conflictOf<FieldValues[N] | null>(error),
    equal: sameValue,
  };
}

/** A field that nobody has saved yet is null, at version 0. */
export function savedField<V extends FieldValue>(field: SavedField | undefined): Saved<V | null> {
  if (field === undefined) return { value: null, version: 0, saved_at: null, author: null };
  return { ...field, value: field.value as V | null };
}
