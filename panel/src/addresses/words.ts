/** Addresses and distances as people read them. */

import type { Language } from "../api/types";

const LOCALES: Record<Language, string> = { en: "en-GB", lv: "lv-LV", ru: "ru-RU" };

/** House and street, or a farm in its quotes; then the places around, with the postcode. */
export function splitAddress(text: string): [first: string, rest: string] {
  const quoted = /^".*?"(?=(?: - [^,]*)?, )/.exec(text)?.[0] ?? "";
  const comma = text.indexOf(", ", quoted.length);
  return comma < 0 ? [text, ""] : [text.slice(0, comma), text.slice(comma + 2)];
}

/** `40 m`, `350 m`, `2.1 km`, `48 km`, with the unit of the language. */
export function distance(language: Language, metres: number): string {
  const far = metres >= 995;
  const value = far ? metres / 1000 : metres < 100 ? Math.round(metres) : Math.round(metres / 10) * 10;
  return new Intl.NumberFormat(LOCALES[language], {
    style: "unit",
    unit: far ? "kilometer" : "meter",
    maximumFractionDigits: far && value < 10 ? 1 : 0,
  }).format(value);
}
