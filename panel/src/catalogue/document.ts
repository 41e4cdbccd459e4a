/** The catalogue as the server stores it, as far as its editor must know. */

import { LANGUAGES, currentLanguage } from "../i18n";
import type { Item, Placed } from "../documents/kind";
import { isObject } from "../documents/paths";

export const LISTS = [
  "types",
  "questions",
  "services",
  "areas",
  "hazards",
  "dispositions",
  "refusal_reasons",
  "delay_reasons",
] as const;
export type List = (typeof LISTS)[number];

export const QUESTION_KINDS = ["choice", "multi", "yes_no", "number", "text"] as const;
export const SERVICE_KINDS = ["fire", "ambulance", "police", "municipal_police", "gas", "other"] as const;
export const DELIVERIES = ["desk", "api"] as const;

/** Longitude and latitude, as GeoJSON has them. */
export type Position = readonly [number, number];
export type Polygon = readonly (readonly Position[])[];

function emptyTexts(): Record<string, string> {
  return { lv: "", ru: "", en: "" };
}

export function newAnswer(): object {
  return {
    code: "",
    titles: emptyTexts(),
    type: null,
    priority: null,
    services_add: [],
    hazards_add: [],
    next: [],
  };
}

export function newArea(code: string, polygons: readonly Polygon[] = []): Item {
  return { code, titles: emptyTexts(), polygons };
}

/** A new item of a list, by the code that its author gave. */
export function newItem(list: string, code: string): Item {
  const usual = { code, titles: emptyTexts() };
  switch (list) {
    case "types":
      return {
        ...usual,
        parent: null,
        priority: null,
        services: [],
        questions: [],
        help: emptyTexts(),
        eido: "",
        active: true,
      };
    case "questions":
      return { ...usual, help: emptyTexts(), kind: "yes_no", answers: [], required: false };
    case "services":
      return {
        ...usual,
        kind: "other",
        phone: "",
        areas: [],
        types: [],
        seen_timeout_s: 30,
        delivery: "desk",
        active: true,
      };
    case "areas":
      return newArea(code);
    default:
      return usual;
  }
}

/** An item's title in the reader's language, else in any, else its code. */
export function titleOf(item: Item): string {
  const titles = isObject(item.titles) ? item.titles : {};
  const wanted = [currentLanguage(), ...LANGUAGES].map((language) => titles[language]);
  const title = wanted.find((text) => typeof text === "string" && text.trim() !== "");
  const code = typeof item.code === "string" ? item.code : "";
  return typeof title === "string" ? title : code;
}

/** A type directly below its parent, deeper by one; what stands in a circle is shown at the end. */
export function treeOf(items: readonly Item[]): Placed[] {
  const codes = new Set(items.map((item) => item.code));
  const below = new Map<unknown, number[]>();
  items.forEach((item, index) => {
    const parent = item.parent !== item.code && codes.has(item.parent) ? item.parent : null;
    below.set(parent, [...(below.get(parent) ?? []), index]);
  });
  const placed: Placed[] = [];
  const seen = new Set<number>();
  const add = (parent: unknown, depth: number): void => {
    for (const index of below.get(parent) ?? []) {
      if (seen.has(index)) continue;
      seen.add(index);
      placed.push({ index, depth });
      add(items[index]?.code, depth + 1);
    }
  };
  add(null, 0);
  items.forEach((_, index) => {
    if (!seen.has(index)) placed.push({ index, depth: 0 });
  });
  return placed;
}

/** What the server accepts as a code (`ccserver/catalogue/limits.py`). */
const CODE = /^[a-z0-9_.-]{1,64}$/;

/** The code of what is wrong with a new code, or null. */
export function codeProblem(code: string, others: readonly string[]): string | null {
  if (code === "") return "required";
  if (!CODE.test(code)) return "name_shape";
  return others.includes(code) ? "name_taken" : null;
}
