/**
 * The fields of the routing plan, their units and bounds, in the order of the page.
 *
 * The bounds are those of the server (`ccserver/routing/limits.py`), which has the last word.
 */

import { DAY_S, flag, seconds, whole, type Group, type Spec } from "../documents/specs";
import { DAYS, DIRECTORY_KINDS, SELECTIONS, type Kind } from "./document";
import { KeysField, OpeningField } from "./inputs";

const TEXT_MAX = 200;
const PROMPT_MAX = 1_000;
const ROUTE_LANGUAGES = ["lv", "ru", "en"] as const;

const TITLE: Spec = { kind: "texts", key: "title", max: TEXT_MAX };

const SPAN: readonly Spec[] = [
  { kind: "time", key: "from" },
  { kind: "time", key: "to" },
];

const SKILLS: Spec = {
  kind: "rows",
  key: "skills",
  columns: [{ kind: "reference", key: "skill", to: "skills" }, whole("level", "level", 1, 10)],
  create: () => ({ skill: "", level: 1 }),
};

const QUEUE: readonly Group[] = [
  { name: "name", fields: [TITLE] },
  {
    name: "order",
    fields: [
      whole("queue_class", "none", 0, 9),
      whole("priority", "points", 0, 10),
      seconds("head_start_s", 0, 3_600),
      seconds("priority_step_s", 0, 600),
      seconds("redial_window_s", 0, DAY_S),
    ],
  },
  {
    name: "who",
    fields: [
      SKILLS,
      { kind: "references", key: "sites", to: "sites" },
      flag("site_affinity"),
      flag("prefer_last_agent"),
    ],
  },
  {
    name: "ring",
    fields: [
      { kind: "choice", key: "selection", options: SELECTIONS, words: "selection" },
      whole("ring_all_max", "people", 2, 50),
      seconds("offer_timeout_s", 3, 120, true),
      seconds("wrap_up_s", 1, 3_600, true),
    ],
  },
  {
    name: "time",
    fields: [
      {
        kind: "rows",
        key: "relax",
        columns: [
          seconds("after_s", 0, DAY_S),
          { kind: "reference", key: "skill", to: "skills", patterns: true },
          whole("level", "level", 0, 10),
        ],
        create: () => ({ after_s: 20, skill: "*", level: 0 }),
      },
      {
        kind: "rows",
        key: "overflow",
        columns: [
          seconds("after_s", 0, DAY_S),
          { kind: "reference", key: "queue", to: "queues", empty: null },
          { kind: "reference", key: "site", to: "sites", empty: null },
        ],
        create: () => ({ after_s: 30, queue: null, site: null }),
      },
      seconds("alarm_after_s", 1, DAY_S),
      seconds("escalate_after_s", 1, DAY_S),
    ],
  },
  {
    name: "waiting",
    fields: [
      { kind: "reference", key: "waiting.greeting", to: "prompts", empty: null },
      { kind: "reference", key: "waiting.announcement", to: "prompts", empty: null },
      seconds("waiting.announce_every_s", 10, 600),
      { kind: "text", key: "waiting.music", max: 64, required: true },
      { kind: "own", key: "waiting.languages", input: KeysField },
      flag("waiting.silent_keys"),
    ],
  },
];

/** The forms of the lists; the name of an item is edited apart, for other items refer to it. */
export const FORMS: Readonly<Record<Kind, readonly Group[]>> = {
  queues: QUEUE,
  skills: [{ name: "name", fields: [TITLE] }],
  sites: [{ name: "name", fields: [TITLE] }],
  schedules: [
    { name: "zone", fields: [{ kind: "text", key: "timezone", max: 64, required: true }] },
    {
      name: "week",
      fields: [
        {
          kind: "rows",
          key: "weekly",
          columns: [{ kind: "several", key: "days", options: DAYS, words: "day" }, ...SPAN],
          create: () => ({ days: ["mon", "tue", "wed", "thu", "fri"], from: "08:00", to: "17:00" }),
        },
      ],
    },
    {
      name: "exceptions",
      fields: [
        {
          kind: "rows",
          key: "exceptions",
          columns: [{ kind: "date", key: "date" }, { kind: "own", key: "open", input: OpeningField }],
          create: () => ({ date: "", open: false }),
        },
      ],
    },
  ],
  entries: [
    {
      name: "entry",
      fields: [
        { kind: "reference", key: "queue", to: "queues" },
        { kind: "reference", key: "site", to: "sites", empty: "" },
        whole("priority", "points", 0, 10, true),
        { kind: "text", key: "service", max: 96 },
        SKILLS,
      ],
    },
    {
      name: "rules",
      fields: [
        {
          kind: "rows",
          key: "rules",
          columns: [
            { kind: "reference", key: "schedule", to: "schedules" },
            { kind: "reference", key: "queue", to: "queues" },
          ],
          create: () => ({ schedule: "", queue: "" }),
        },
      ],
    },
  ],
  prompts: [{ name: "speech", fields: [{ kind: "texts", key: "texts", max: PROMPT_MAX, long: true }] }],
  directory: [
    {
      name: "name",
      fields: [
        TITLE,
        { kind: "text", key: "number", max: 21, required: true },
        { kind: "choice", key: "kind", options: DIRECTORY_KINDS, words: "directory_kind" },
      ],
    },
  ],
};

export const GENERAL: readonly Group[] = [
  {
    name: "offers",
    fields: [
      whole("missed_offers_max", "times", 1, 20),
      flag("text_during_voice"),
      flag("voice_during_text"),
    ],
  },
  {
    name: "callers",
    fields: [
      { kind: "choice", key: "default_language", options: ROUTE_LANGUAGES, words: "language" },
      seconds("silence_after_s", 2, 60),
    ],
  },
  {
    name: "callbacks",
    fields: [
      flag("callbacks.automatic"),
      whole("callbacks.attempts_max", "times", 1, 20),
      seconds("callbacks.retry_after_s", 10, DAY_S),
    ],
  },
  {
    name: "dialling",
    fields: [
      { kind: "words", key: "dialling.allow" },
      { kind: "words", key: "dialling.deny" },
    ],
  },
];

/** The bound of texts that one call taker can hold beside a call; edited in the list of people. */
export const TEXT_CONTACTS_MAX = 20;
