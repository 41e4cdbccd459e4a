/** Items that others refer to by name: how often, and under a new name. */

import { identityKey, itemsOf, type AnyDocument, type DocumentKind } from "./kind";
import { isObject } from "./paths";

function replaced(value: unknown, fields: readonly string[], field: string, from: string, to: string): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => replaced(item, fields, field, from, to));
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, below]) => [key, replaced(below, fields, key, from, to)]),
    );
  }
  return value === from && fields.includes(field) ? to : value;
}

/** The item `index` of a list under a new name, and everything that referred to it. */
export function renamed(kind: DocumentKind, document: AnyDocument, list: string, index: number, to: string): AnyDocument {
  const key = identityKey(kind, list);
  const from = itemsOf(document, list)[index]?.[key];
  if (typeof from !== "string" || from === to) return document;
  // The lists themselves bear the names of fields: only what is inside them is looked at.
  const fields = kind.references[list] ?? [];
  const after = Object.fromEntries(
    Object.entries(document).map(([name, value]) => [name, replaced(value, fields, "", from, to)]),
  );
  const items = itemsOf(after, list).map((item, place) => (place === index ? { ...item, [key]: to } : item));
  return { ...after, [list]: items };
}

/** How many places refer to an item. */
export function usesOf(kind: DocumentKind, document: AnyDocument, list: string, name: string): number {
  const fields = kind.references[list] ?? [];
  const count = (value: unknown, field: string): number => {
    if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + count(item, field), 0);
    if (isObject(value)) return Object.entries(value).reduce((sum, [key, below]) => sum + count(below, key), 0);
    return value === name && fields.includes(field) ? 1 : 0;
  };
  return Object.values(document).reduce<number>((sum, value) => sum + count(value, ""), 0);
}
