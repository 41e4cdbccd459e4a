/**
 * The fields of the messaging document, their units and bounds, in the order of the page.
 *
 * The bounds are those of the server (`ccserver/messaging/limits.py`), which has the last word.
 */

import { flag, seconds, type Group, type Spec } from "../documents/specs";
import { FIELD_KINDS, LAYOUTS, newField, newQueue, type List } from "./document";
import { CitizenTexts } from "./CitizenTexts";

const TITLE_MAX = 200;
const SIGNS_MAX = 32;
const CODE_MAX = 64;

const TITLES: Spec = { kind: "texts", key: "titles", max: TITLE_MAX };
const TEXTS: Spec = { kind: "own", key: "texts", input: CitizenTexts };

const FIELD: readonly Spec[] = [
  { kind: "text", key: "name", max: CODE_MAX, required: true },
  TITLES,
  { kind: "choice", key: "kind", options: FIELD_KINDS, words: "field_kind" },
  { kind: "text", key: "key", max: SIGNS_MAX },
  flag("required"),
];

/** The forms of the lists; the code of an item is edited apart. */
export const FORMS: Readonly<Record<List, readonly Group[]>> = {
  snippets: [
    { name: "title", fields: [TITLES] },
    { name: "texts", fields: [TEXTS] },
  ],
  templates: [
    { name: "title", fields: [TITLES, flag("active")] },
    {
      name: "layout",
      fields: [
        { kind: "text", key: "prefix", max: SIGNS_MAX },
        { kind: "choice", key: "layout", options: LAYOUTS, words: "layout_kind" },
        { kind: "text", key: "separator", max: SIGNS_MAX },
        { kind: "text", key: "assignment", max: SIGNS_MAX },
      ],
    },
    { name: "fields", fields: [{ kind: "parts", key: "fields", fields: FIELD, create: newField }] },
  ],
};

export const ACKNOWLEDGEMENT: readonly Group[] = [{ name: "acknowledgement", fields: [flag("active"), TEXTS] }];

export const GENERAL: readonly Group[] = [
  {
    name: "waiting",
    fields: [
      seconds("unanswered_after_s", 5, 3_600),
      { kind: "number", key: "keep_open_h", unit: "hours", min: 0.5, max: 24 },
    ],
  },
  {
    name: "where",
    fields: [
      { kind: "words", key: "languages" },
      {
        kind: "rows",
        key: "queues",
        columns: [
          { kind: "text", key: "number", max: 21, required: true },
          { kind: "text", key: "queue", max: 64, required: true },
        ],
        create: newQueue,
      },
    ],
  },
];
