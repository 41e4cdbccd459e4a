/** The routing plan as the server stores it: one document with everything, versioned as a whole. */

import type { Language } from "../api/types";

export type Texts = Record<Language, string>;

export interface Requirement {
  skill: string;
  level: number;
}

/** From `after_s` on the skill is needed at `level` only; 0: not at all. */
export interface RelaxStep extends Requirement {
  after_s: number;
}

/** From `after_s` on also the members of that queue, or that site. */
export interface OverflowStep {
  after_s: number;
  queue: string | null;
  site: string | null;
}

export interface Waiting {
  greeting: string | null;
  announcement: string | null;
  announce_every_s: number;
  music: string;
  /** The key that a caller presses, to the language. */
  languages: Record<string, Language>;
  silent_keys: boolean;
}

export const SELECTIONS = ["longest_idle", "fewest_contacts", "round_robin", "ring_all"] as const;
export type Selection = (typeof SELECTIONS)[number];

export interface Queue {
  name: string;
  title: Texts;
  queue_class: number;
  head_start_s: number;
  priority: number;
  priority_step_s: number;
  skills: Requirement[];
  relax: RelaxStep[];
  overflow: OverflowStep[];
  sites: string[];
  site_affinity: boolean;
  prefer_last_agent: boolean;
  selection: Selection;
  ring_all_max: number;
  offer_timeout_s: number | null;
  wrap_up_s: number | null;
  alarm_after_s: number;
  escalate_after_s: number;
  redial_window_s: number;
  waiting: Waiting;
}

/** A call taker in the plan. `queues` null: member of all of them. */
export interface PlannedAgent {
  agent_id: string;
  queues: string[] | null;
  skills: Requirement[];
  site: string;
  text_max: number;
  may_pick: boolean;
}

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export interface Span {
  from: string;
  to: string;
}

export interface Schedule {
  name: string;
  timezone: string;
  weekly: (Span & { days: string[] })[];
  /** `open` false: closed on that day; true: open all day; else when it is open instead. */
  exceptions: { date: string; open: boolean | Span[] }[];
}

export interface Entry {
  /** Also a service URN, which serves its children. */
  number: string;
  site: string;
  queue: string;
  priority: number | null;
  /** What a call to this number asks for, where it does not say so itself. */
  service: string;
  /** On top of those of the queue. */
  skills: Requirement[];
  rules: { schedule: string; queue: string }[];
}

export interface Prompt {
  name: string;
  texts: Texts;
}

export const DIRECTORY_KINDS = ["service", "interpreter", "other"] as const;

export interface DirectoryEntry {
  name: string;
  title: Texts;
  number: string;
  kind: (typeof DIRECTORY_KINDS)[number];
}

export interface Named {
  name: string;
  title: Texts;
}

export interface General {
  missed_offers_max: number;
  text_during_voice: boolean;
  voice_during_text: boolean;
  default_language: Language;
  silence_after_s: number;
  callbacks: { automatic: boolean; attempts_max: number; retry_after_s: number };
  /** Beginnings of numbers that call takers may type, and may not. */
  dialling: { allow: string[]; deny: string[] };
}

export interface RoutingDocument {
  general: General;
  sites: Named[];
  skills: Named[];
  queues: Queue[];
  agents: PlannedAgent[];
  schedules: Schedule[];
  entries: Entry[];
  prompts: Prompt[];
  directory: DirectoryEntry[];
}

/** The lists of the document whose items people edit one by one. */
export const KINDS = ["queues", "skills", "schedules", "entries", "prompts", "directory", "sites"] as const;
export type Kind = (typeof KINDS)[number];

export const LEVEL_MAX = 10;

const NO_TEXTS: Texts = { lv: "", ru: "", en: "" };

export function emptyTexts(): Texts {
  return { ...NO_TEXTS };
}

export function newQueue(name: string): Queue {
  return {
    name,
    title: emptyTexts(),
    queue_class: 5,
    head_start_s: 0,
    priority: 5,
    priority_step_s: 60,
    skills: [],
    relax: [],
    overflow: [],
    sites: [],
    site_affinity: true,
    prefer_last_agent: true,
    selection: "longest_idle",
    ring_all_max: 8,
    offer_timeout_s: null,
    wrap_up_s: null,
    alarm_after_s: 30,
    escalate_after_s: 60,
    redial_window_s: 600,
    waiting: {
      greeting: null,
      announcement: null,
      announce_every_s: 30,
      music: "emergency",
      languages: {},
      silent_keys: true,
    },
  };
}

/** How the plan treats a seat that it does not name: member of every queue, without skills. */
export function newAgent(agentId: string): PlannedAgent {
  return { agent_id: agentId, queues: null, skills: [], site: "", text_max: 2, may_pick: false };
}

function newEntry(number: string, queue: string): Entry {
  return { number, site: "", queue, priority: null, service: "", skills: [], rules: [] };
}

/** A new item of a list, by the name that its author gave. */
export function newItem(kind: Kind, name: string, document: RoutingDocument): object {
  switch (kind) {
    case "queues":
      return newQueue(name);
    case "entries":
      return newEntry(name, document.queues[0]?.name ?? "");
    case "schedules":
      return { name, timezone: "Europe/Riga", weekly: [], exceptions: [] };
    case "prompts":
      return { name, texts: emptyTexts() };
    case "directory":
      return { name, title: emptyTexts(), number: "", kind: "service" };
    case "skills":
    case "sites":
      return { name, title: emptyTexts() };
  }
}

/** An item's title in a language, or its name where nobody wrote one. */
export function titleIn(item: { name: string; title?: Partial<Texts> }, language: Language): string {
  const title = item.title?.[language];
  return title === undefined || title.trim() === "" ? item.name : title;
}

/** The title of the item `name` of a list; the name itself where there is no such item. */
export function titleOf(
  items: readonly { name: string; title?: Partial<Texts> }[],
  name: string,
  language: Language,
): string {
  const item = items.find((known) => known.name === name);
  return item ? titleIn(item, language) : name;
}

/** An older document with everything that this panel edits; what is missing gets its default. */
export function completed(raw: Partial<RoutingDocument>): RoutingDocument {
  return {
    ...raw,
    general: {
      missed_offers_max: 3,
      text_during_voice: false,
      voice_during_text: true,
      default_language: "lv",
      silence_after_s: 8,
      ...raw.general,
      callbacks: { automatic: false, attempts_max: 3, retry_after_s: 300, ...raw.general?.callbacks },
      dialling: { allow: [], deny: ["90", "+979"], ...raw.general?.dialling },
    },
    sites: raw.sites ?? [],
    skills: raw.skills ?? [],
    queues: (raw.queues ?? []).map((queue) => {
      const usual = newQueue(queue.name);
      return { ...usual, ...queue, waiting: { ...usual.waiting, ...(queue.waiting as Waiting | undefined) } };
    }),
    agents: (raw.agents ?? []).map((agent) => ({ ...newAgent(agent.agent_id), ...agent })),
    schedules: raw.schedules ?? [],
    entries: (raw.entries ?? []).map((entry) => ({ ...newEntry(entry.number, entry.queue), ...entry })),
    prompts: raw.prompts ?? [],
    directory: raw.directory ?? [],
  };
}
