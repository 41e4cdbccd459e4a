/** The three languages say the same things: same keys, same placeholders, nothing missing. */

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import en from "../src/i18n/en.json";
import lv from "../src/i18n/lv.json";
import ru from "../src/i18n/ru.json";

interface Tree {
  [key: string]: string | Tree;
}

function flatten(tree: Tree, prefix = ""): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") flat.set(prefix + key, value);
    else for (const [name, text] of flatten(value, `${prefix}${key}.`)) flat.set(name, text);
  }
  return flat;
}

function placeholders(text: string): string[] {
  return [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? "").sort();
}

const ENGLISH = flatten(en);
const OTHERS = { lv: flatten(lv), ru: flatten(ru) };

/** The closed set of the server's timeline tags. */
const TIMELINE_TAGS = `contact_arrived queued offered offer_accepted offer_rejected offer_timed_out
  offer_rescinded offer_failed connected held resumed returned parachute_entered parachute_answered
  abandoned ended wrap_up_ended recording_sealed recording_failed recording_played notes_saved
  adopted`.split(/\s+/);

describe.each(Object.entries(OTHERS))("%s", (_, texts) => {
  it("has exactly the keys of English", () => {
    expect([...texts.keys()].sort()).toEqual([...ENGLISH.keys()].sort());
  });

  it("has the placeholders of English in each text", () => {
    for (const [key, text] of texts) {
      expect(placeholders(text), key).toEqual(placeholders(ENGLISH.get(key) ?? ""));
    }
  });

  it("has no empty text", () => {
    expect([...texts].filter(([, text]) => text.trim() === "")).toEqual([]);
  });
});

it("has a sentence for each tag of the timeline", () => {
  expect(TIMELINE_TAGS.filter((tag) => !ENGLISH.has(`timeline.${tag}`))).toEqual([]);
});

it("has every key that the source names", () => {
  const root = join(import.meta.dirname, "../src");
  const files = readdirSync(root, { recursive: true, encoding: "utf-8" });
  const used = files
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap((file) => [...readFileSync(join(root, file), "utf-8").matchAll(/\bt\(\s*"([\w.]+)"/g)])
    .map((match) => match[1] ?? "");
  expect(used.length).toBeGreaterThan(50);
  expect(used.filter((key) => !ENGLISH.has(key))).toEqual([]);
});
