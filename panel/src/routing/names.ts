/** What an item of the plan may be called. */

import type { Kind } from "./document";

/** What the server accepts as a name (`ccserver/routing/limits.py`). */
const NAME = /^[a-z][a-z0-9_-]{0,63}$/;
const SKILL = /^[a-z][a-z0-9_-]{0,31}(:[a-z0-9][a-z0-9_-]{0,31})?$/;
const NUMBER = /^\+?[0-9]{1,20}$/;
/** A service URN (RFC 5031) in small letters; at most as long as a card has room for. */
const SERVICE = /^(?=.{1,96}$)urn:service:(test\.)?[a-z0-9]([a-z0-9.-]{0,80}[a-z0-9])?$/;
const NUMBER_OR_SERVICE = new RegExp(`${NUMBER.source}|${SERVICE.source}`);

const PATTERNS: Readonly<Partial<Record<Kind, RegExp>>> = { skills: SKILL, entries: NUMBER_OR_SERVICE };

/** The code of what is wrong with a new name, or null. */
export function nameProblem(kind: Kind, name: string, others: readonly string[]): string | null {
  if (name === "") return "required";
  if (!(PATTERNS[kind] ?? NAME).test(name)) return kind === "entries" ? "name_number" : kind === "skills" ? "name_skill" : "name_shape";
  return others.includes(name) ? "name_taken" : null;
}
