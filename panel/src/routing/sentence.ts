/**
 * A queue in one sentence: "A caller first gets …; after 20 s also …; after 60 s everybody."
 *
 * The parts are keys of translated texts with their values, so that the sentence itself is made
 * in the language of the reader.
 */

import type { Queue, Requirement } from "./document";
import { isMoot, stepsOf, type Step } from "./steps";

export interface Part {
  key: string;
  values: Record<string, string | number>;
}

/** How names are shown to the reader. */
export interface Titles {
  skill: (name: string) => string;
  queue: (name: string) => string;
  site: (name: string) => string;
  /** Joins names to an enumeration, "a, b and c". */
  list: (names: readonly string[]) => string;
}

function asked(skills: readonly Requirement[], titles: Titles): string {
  return titles.list(
    skills.map(({ skill, level }) => (level > 1 ? `${titles.skill(skill)} ≥ ${level}` : titles.skill(skill))),
  );
}

function firstParts(queue: Queue, titles: Titles): Part[] {
  const parts: Part[] = [];
  const values = { queue: titles.queue(queue.name), skills: asked(queue.skills, titles) };
  if (queue.selection === "ring_all") {
    parts.push({ key: queue.skills.length > 0 ? "first_ring_all_skills" : "first_ring_all", values: { ...values, count: queue.ring_all_max } });
  } else {
    parts.push({ key: queue.skills.length > 0 ? "first_skills" : "first", values });
  }
  if (queue.sites.length > 0) parts.push({ key: "sites", values: { sites: titles.list(queue.sites.map(titles.site)) } });
  if (queue.selection !== "ring_all") parts.push({ key: queue.selection, values: {} });
  return parts;
}

function skillPart(step: Step & { kind: "relax" }, titles: Titles): Part {
  const values = { after: step.at, skill: titles.skill(step.skill), level: step.level };
  if (step.skill === "*") return { key: step.level > 0 ? "relax_all_level" : "relax_all", values };
  return { key: step.level > 0 ? "relax_level" : "relax", values };
}

/** The part of the sentence for one step; null for the beginning, which is said otherwise. */
export function stepPart(step: Step, titles: Titles): Part | null {
  switch (step.kind) {
    case "start":
      return null;
    case "relax":
      return skillPart(step, titles);
    case "overflow": {
      const queue = step.queue === null ? "" : titles.queue(step.queue);
      const site = step.site === null ? "" : titles.site(step.site);
      if (queue !== "" && site !== "") return { key: "overflow_both", values: { after: step.at, queue, site } };
      if (queue !== "") return { key: "overflow_queue", values: { after: step.at, queue } };
      if (site !== "") return { key: "overflow_site", values: { after: step.at, site } };
      return null;
    }
    case "alarm":
      return { key: "alarm", values: { after: step.at } };
    case "escalate":
      return { key: "escalate", values: { after: step.at } };
  }
}

/** The whole sentence in parts. Steps that change nothing are left out. */
export function sentenceOf(queue: Queue, titles: Titles): Part[] {
  const later = stepsOf(queue)
    .filter((step) => !isMoot(step, queue))
    .map((step) => stepPart(step, titles))
    .filter((part) => part !== null);
  return [...firstParts(queue, titles), ...later];
}

/** Joins translated parts: the first ones by commas, the steps by semicolons. */
export function joined(parts: readonly Part[], say: (key: string, values: Part["values"]) => string): string {
  let text = "";
  for (const part of parts) {
    const words = say(part.key, part.values);
    if (text !== "") text += "after" in part.values ? "; " : ", ";
    text += words;
  }
  return `${text}.`;
}
