/** The messaging document as the server stores it, as far as its editor must know. */

import { LANGUAGES, currentLanguage } from "../i18n";
import type { Item } from "../documents/kind";
import { isObject } from "../documents/paths";

/** Lists whose items are edited one by one. */
export const LISTS = ["snippets", "templates"] as const;
export type List = (typeof LISTS)[number];

export const LAYOUTS = ["ordered", "keyed"] as const;
export const FIELD_KINDS = [
  "text",
  "type",
  "position",
  "latitude",
  "longitude",
  "radius_m",
  "address",
  "name",
  "phone",
  "number",
  "language",
] as const;

function emptyTexts(): Record<string, string> {
  return { lv: "", ru: "", en: "" };
}

export function newField(): object {
  return { name: "", titles: emptyTexts(), kind: "text", key: "", required: false };
}

export function newQueue(): object {
  return { number: "", queue: "" };
}

/** What stands in no list. */
export const REST = {
  automatic_acknowledgement: { active: false, texts: emptyTexts() },
  languages: ["lv", "ru", "en"],
  queues: [],
  unanswered_after_s: 30,
  keep_open_h: 4,
} as const;

/** A new item of a list, by the code that its author gave. */
export function newItem(list: string, code: string): Item {
  const usual = { code, titles: emptyTexts() };
  if (list === "snippets") return { ...usual, texts: emptyTexts() };
  return { ...usual, active: true, prefix: "", layout: "ordered", separator: ";", assignment: "=", fields: [] };
}

/** An item's title in the reader's language, else in any, else its code. */
export function titleOf(item: Item): string {
  const titles = isObject(item.titles) ? item.titles : {};
  const wanted = [currentLanguage(), ...LANGUAGES].map((language) => titles[language]);
  const title = wanted.find((text) => typeof text === "string" && text.trim() !== "");
  const code = typeof item.code === "string" ? item.code : "";
  return typeof title === "string" ? title : code;
}

/** What the server accepts as a code (`ccserver/messaging/limits.py`). */
const CODE = /^[a-z0-9_.-]{1,64}$/;

/** The code of what is wrong with a new code, or null. */
export function codeProblem(code: string, others: readonly string[]): string | null {
  if (code === "") return "required";
  if (!CODE.test(code)) return "name_shape";
  return others.includes(code) ? "name_taken" : null;
}
