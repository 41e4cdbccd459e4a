/** The editor's texts, and its names and values in the reader's language. */

import { useCallback, useMemo } from "react";
import i18next from "i18next";
import { useTranslation } from "react-i18next";
import type { Language } from "../api/types";
import { currentLanguage } from "../i18n";
import { titleOf, type RoutingDocument } from "./document";
import { isObject } from "./paths";
import type { Problem } from "./problems";
import type { Titles } from "./sentence";

export type Say = (key: string, values?: Readonly<Record<string, string | number>>) => string;

/** Says a text of the editor by its key below `routing`. */
export function useWords(): Say {
  const { t } = useTranslation();
  return useCallback((key, values) => t(`routing.${key}`, values ?? {}), [t]);
}

function sayOr(say: Say, key: string, fallback: string): string {
  return i18next.exists(`routing.${key}`) ? say(key) : fallback;
}

/** One sentence for a problem: by its code, else as the server wrote it. */
export function problemText(say: Say, problem: Problem): string {
  const key = `problem.${problem.code}`;
  return i18next.exists(`routing.${key}`) ? say(key, problem.params) : problem.text;
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
export function namedPath(document: RoutingDocument, path: readonly (string | number)[]): (string | number)[] {
  const [kind, index, ...rest] = path;
  const list = isObject(document) && typeof kind === "string" ? (document as Readonly<Record<string, unknown>>)[kind] : null;
  const item: unknown = Array.isArray(list) && typeof index === "number" ? (list as unknown[])[index] : null;
  if (kind === undefined || index === undefined || !isObject(item)) return [...path];
  const name = item.name ?? item.agent_id ?? item.number;
  return [kind, typeof name === "string" && name !== "" ? `“${name}”` : index, ...rest];
}

/** A value of the plan in one line, for lists of changes. */
export function valueText(say: Say, value: unknown): string {
  if (value === undefined) return say("value.nothing");
  if (value === null || value === "") return say("value.empty");
  if (typeof value === "boolean") return say(value ? "value.yes" : "value.no");
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return value;
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

/** The reader's names of skills, queues and sites. */
export function useTitles(document: RoutingDocument): Titles {
  const say = useWords();
  const language: Language = currentLanguage();
  return useMemo(() => {
    const list = new Intl.ListFormat(language, { style: "long", type: "conjunction" });
    return {
      skill: (name) => {
        if (name === "*") return say("pattern.all");
        if (name.endsWith(":*")) return say("pattern.category", { category: name.slice(0, -2) });
        return titleOf(document.skills, name, language);
      },
      queue: (name) => titleOf(document.queues, name, language),
      site: (name) => titleOf(document.sites, name, language),
      list: (names) => list.format(names),
    };
  }, [document, language, say]);
}
