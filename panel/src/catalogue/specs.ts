/**
 * The fields of the catalogue, their units and bounds, in the order of the page.
 *
 * The bounds are those of the server (`ccserver/catalogue/limits.py`), which has the last word.
 */

import { flag, seconds, whole, type Group, type Spec } from "../documents/specs";
import { DELIVERIES, newAnswer, QUESTION_KINDS, SERVICE_KINDS, type List } from "./document";
import { PolygonsField } from "./PolygonsField";

const TEXT_MAX = 200;
const HELP_MAX = 1_000;
const CODE_MAX = 64;

const TITLES: Spec = { kind: "texts", key: "titles", max: TEXT_MAX };
const HELP: Spec = { kind: "texts", key: "help", max: HELP_MAX, long: true };
const PRIORITY: Spec = whole("priority", "none", 0, 10, true);
const CODED: readonly Group[] = [{ name: "title", fields: [TITLES] }];

const ANSWER: readonly Spec[] = [
  { kind: "text", key: "code", max: CODE_MAX, required: true },
  TITLES,
  { kind: "reference", key: "type", to: "types", empty: null },
  PRIORITY,
  { kind: "ordered", key: "services_add", to: "services" },
  { kind: "ordered", key: "hazards_add", to: "hazards" },
  { kind: "ordered", key: "next", to: "questions" },
];

/** The forms of the lists; the code of an item is edited apart, for other items refer to it. */
export const FORMS: Readonly<Record<List, readonly Group[]>> = {
  types: [
    {
      name: "title",
      fields: [TITLES, { kind: "reference", key: "parent", to: "types", empty: null }, flag("active")],
    },
    {
      name: "follows",
      fields: [
        PRIORITY,
        { kind: "ordered", key: "services", to: "services" },
        { kind: "ordered", key: "questions", to: "questions" },
      ],
    },
    { name: "tell", fields: [HELP, { kind: "text", key: "eido", max: TEXT_MAX }] },
  ],
  questions: [
    {
      name: "question",
      fields: [
        TITLES,
        { kind: "choice", key: "kind", options: QUESTION_KINDS, words: "question_kind" },
        flag("required"),
      ],
    },
    { name: "answers", fields: [{ kind: "parts", key: "answers", fields: ANSWER, create: newAnswer }] },
    { name: "hint", fields: [HELP] },
  ],
  services: [
    {
      name: "title",
      fields: [
        TITLES,
        { kind: "choice", key: "kind", options: SERVICE_KINDS, words: "service_kind" },
        { kind: "text", key: "phone", max: 21 },
        flag("active"),
      ],
    },
    {
      name: "where",
      fields: [
        { kind: "ordered", key: "areas", to: "areas" },
        { kind: "ordered", key: "types", to: "types" },
      ],
    },
    {
      name: "delivery",
      fields: [
        { kind: "choice", key: "delivery", options: DELIVERIES, words: "delivery" },
        seconds("seen_timeout_s", 5, 3_600),
      ],
    },
  ],
  areas: [
    { name: "title", fields: [TITLES] },
    { name: "outline", fields: [{ kind: "own", key: "polygons", input: PolygonsField }] },
  ],
  hazards: CODED,
  dispositions: CODED,
  refusal_reasons: CODED,
  delay_reasons: CODED,
};
