/** The catalogue as a kind of document. */

import { itemsOf, type AnyDocument, type DocumentKind, type Item } from "../documents/kind";
import { isObject } from "../documents/paths";
import { codeProblem, LISTS, newAnswer, newItem, titleOf, treeOf } from "./document";
import { FORMS } from "./specs";

/** An older document with everything that this panel edits; what is missing gets its default. */
function completed(raw: AnyDocument): AnyDocument {
  const lists = LISTS.map((list) => [list, itemsOf(raw, list).map((item) => completedItem(list, item))] as const);
  return { ...raw, ...Object.fromEntries(lists) };
}

function completedItem(list: string, item: Item): Item {
  const whole: Item = { ...newItem(list, ""), ...item };
  if (list !== "questions" || !Array.isArray(whole.answers)) return whole;
  const answers = (whole.answers as unknown[]).map((answer) => (isObject(answer) ? { ...newAnswer(), ...answer } : answer));
  return { ...whole, answers };
}

export const CATALOGUE: DocumentKind = {
  name: "catalogue",
  currentPath: "/api/catalogue/current",
  fileBytesMax: 4 * 1024 * 1024,
  forms: FORMS,
  parts: {},
  identities: Object.fromEntries([...LISTS, "answers"].map((list) => [list, ["code"]])),
  references: {
    types: ["parent", "type", "types"],
    questions: ["questions", "next"],
    services: ["services", "services_add"],
    areas: ["areas"],
    hazards: ["hazards_add"],
    dispositions: [],
    refusal_reasons: [],
    delay_reasons: [],
  },
  completed,
  newItem,
  nameProblem: (_, name, others) => codeProblem(name, others),
  titleOf: (_, item) => titleOf(item),
  placed: (list, items) => (list === "types" ? treeOf(items) : items.map((_, index) => ({ index, depth: 0 }))),
};
