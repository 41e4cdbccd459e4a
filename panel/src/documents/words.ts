/** The editor's texts, and its names and values in the reader's language. */

import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { useKind, type AnyDocument } from "./kind";
import { isObject } from "./paths";
import type { Problem } from "./problems";

export type Say = (key: string, values?: Readonly<Record<string, string | number>>) => string;

/** Says a text of the document's own, else of those that all documents share. */
export function useWords(): Say {
  const { t } = useTranslation();
  const { name } = useKind();
  return useCallback(
    (key, values) => t([`${name}.${key}`, `document.${key}`], values ?? {}),
    [t, name],
  );
}

/** A text that there need not be, e.g. for a code of a newer server. */
export function sayOr(say: Say, key: string, fallback: string, values?: Parameters<Say>[1]): string {
  const text = say(key, values);
  return text === `document.${key}` ? fallback : text;
}

/** One sentence for a problem: by its code, else as the server wrote it. */
export function problemText(say: Say, problem: Problem): string {
  return sayOr(say, `problem.${problem.code}`, problem.text, problem.params);
}

/** `Queues › emergency › Alarm after` for a path of keys and names. */
export function placeText(say: Say, path: readonly (string | number)[]): string {
  const parts = path.map((key, depth) => {
    if (typeof key === "number") return String(key + 1);
    if (depth === 0) return sayOr(say, `section.${key}`, key);
    return sayOr(say, `field.${key}`, key);
  });
  return parts.length === 0 ? say("section.all") : parts.join(" › ");
}

/** Indices of the root's lists as the names of their items. */
export function namedPath(document: AnyDocument, path: readonly (string | number)[]): (string | number)[] {
  const [kind, index, ...rest] = path;
  const list = typeof kind === "string" ? document[kind] : null;
  const item: unknown = Array.isArray(list) && typeof index === "number" ? (list as unknown[])[index] : null;
  if (kind === undefined || index === undefined || !isObject(item)) return [...path];
  const name = item.name ?? item.code ?? item.agent_id ?? item.number;
  return [kind, typeof name === "string" && name !== "" ? `“${name}”` : index, ...rest];
}

/** A value in one line, for lists of changes. */
export function valueText(say: Say, value: unknown): string {
  if (value === undefined) return say("value.nothing");
  if (value === null || value === "") return say("value.empty");
  if (typeof value === "boolean") return say(value ? "value.yes" : "value.no");
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.length > 0 && value.every(Array.isArray)) {
    // An outline: nobody reads its corners.
    return say("value.lists", { count: value.length });
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? say("value.none") : value.map((item: unknown) => valueText(say, item)).join("; ");
  }
  if (!isObject(value)) return "";
  const parts = Object.entries(value).filter(([, below]) => below !== null && below !== "" && !(Array.isArray(below) && below.length === 0));
  if (parts.length === 0) return say("value.empty");
  return parts
    .map(([key, below]) => {
      const text = valueText(say, below);
      return `${sayOr(say, `field.${key}`, key)}: ${isObject(below) || Array.isArray(below) ? `(${text})` : text}`;
    })
    .join(", ");
}
