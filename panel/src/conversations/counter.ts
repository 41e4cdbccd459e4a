/**
 * How long a text is on its way: in which alphabet it goes, and in how many parts.
 *
 * The server splits by the same rules (3GPP TS 23.038 §6.2.1 and §6.2.1.1, 23.040 §9.2.3.24.1);
 * both sides are held to the same samples in `panel/tests/sms-counter.json`.
 */

/** The basic table of GSM 03.38, without the escape itself. */
const BASIC =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/** Those behind the escape: two septets each. */
const EXTENSION = "\f^{}\\[~]|€";

const SEPTETS: ReadonlyMap<string, number> = new Map([
  ...Array.from(BASIC).map((character): [string, number] => [character, 1]),
  ...Array.from(EXTENSION).map((character): [string, number] => [character, 2]),
]);

export type Encoding = "gsm" | "ucs2";

/** 140 octets are 160 septets or 70 code units; the header of a part takes six of them. */
const CAPACITY: Record<Encoding, { single: number; part: number }> = {
  gsm: { single: 160, part: 153 },
  ucs2: { single: 70, part: 67 },
};

/** From here on the writer is told that the text is long: parts arrive late and one by one. */
export const PARTS_WARN = 3;
/** The server takes no longer text. */
export const PARTS_MAX = 10;

export interface Count {
  encoding: Encoding;
  /** Septets, or code units of sixteen bits. */
  units: number;
  parts: number;
  /** What still fits into the last part. */
  unitsLeft: number;
}

/** The septets of each character; null if one of them is in neither table. */
function septets(characters: readonly string[]): number[] | null {
  const sizes = characters.map((character) => SEPTETS.get(character));
  return sizes.every((size) => size !== undefined) ? sizes : null;
}

/** Fills parts one after the other; no character is divided between two. */
function filled(sizes: readonly number[], capacity: number): { parts: number; left: number } {
  let parts = 1;
  let left = capacity;
  for (const size of sizes) {
    if (size > left) {
      parts += 1;
      left = capacity;
    }
    left -= size;
  }
  return { parts, left };
}

export function count(text: string): Count {
  // Code points: a surrogate pair stays together.
  const characters = Array.from(text);
  const asSeptets = septets(characters);
  const encoding: Encoding = asSeptets === null ? "ucs2" : "gsm";
  const sizes = asSeptets ?? characters.map((character) => character.length);
  const units = sizes.reduce((sum, size) => sum + size, 0);
  const { single, part } = CAPACITY[encoding];
  if (units <= single) return { encoding, units, parts: 1, unitsLeft: single - units };
  const { parts, left } = filled(sizes, part);
  return { encoding, units, parts, unitsLeft: left };
}
