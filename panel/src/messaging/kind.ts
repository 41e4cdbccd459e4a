/** How texts are handled, as a kind of document. */

import { itemsOf, type AnyDocument, type DocumentKind, type Item } from "../documents/kind";
import { isObject } from "../documents/paths";
import { codeProblem, LISTS, newField, newItem, REST, titleOf } from "./document";
import { ACKNOWLEDGEMENT, FORMS, GENERAL } from "./specs";

/** An older document with everything that this panel edits; what is missing gets its default. */
function completed(raw: AnyDocument): AnyDocument {
  const lists = LISTS.map((list) => [list, itemsOf(raw, list).map((item) => completedItem(list, item))] as const);
  const acknowledgement = isObject(raw.automatic_acknowledgement) ? raw.automatic_acknowledgement : {};
  return {
    ...REST,
    ...raw,
    automatic_acknowledgement: { ...REST.automatic_acknowledgement, ...acknowledgement },
    ...Object.fromEntries(lists),
  };
}

function completedItem(list: string, item: Item): Item {
  const whole: Item = { ...newItem(list, ""), ...item };
  if (!Array.isArray(whole.fields)) return whole;
  const fields = (whole.fields as unknown[]).map((field) => (isObject(field) ? { ...newField(), ...field } : field));
  return { ...whole, fields };
}

export const MESSAGING: DocumentKind = {
  name: "messaging",
  currentPath: "/api/messaging/current",
  fileBytesMax: 1024 * 1024,
  forms: FORMS,
  parts: { automatic_acknowledgement: ACKNOWLEDGEMENT, "": GENERAL },
  identities: { snippets: ["code"], templates: ["code"], fields: ["name"], queues: ["number"] },
  references: { snippets: [], templates: [] },
  completed,
  newItem,
  nameProblem: (_, name, others) => codeProblem(name, others),
  titleOf: (_, item) => titleOf(item),
  // What is no list and no part of its own stands under "general".
  sectionOf: (key) => (key === "automatic_acknowledgement" || LISTS.some((list) => list === key) ? key : "general"),
};
