/** The plan's names in the reader's language. */

import { useMemo } from "react";
import type { Language } from "../api/types";
import { useWords, type Say } from "../documents/words";
import { currentLanguage } from "../i18n";
import { titleOf, type RoutingDocument } from "./document";
import type { Titles } from "./sentence";

/** A skill, all skills of a category, or all. */
export function skillTitle(document: RoutingDocument, name: string, say: Say): string {
  if (name === "*") return say("pattern.all");
  if (name.endsWith(":*")) return say("pattern.category", { category: name.slice(0, -2) });
  return titleOf(document.skills, name, currentLanguage());
}

/** The reader's names of skills, queues and sites. */
export function useTitles(document: RoutingDocument): Titles {
  const say = useWords();
  const language: Language = currentLanguage();
  return useMemo(() => {
    const list = new Intl.ListFormat(language, { style: "long", type: "conjunction" });
    return {
      skill: (name) => skillTitle(document, name, say),
      queue: (name) => titleOf(document.queues, name, language),
      site: (name) => titleOf(document.sites, name, language),
      list: (names) => list.format(names),
    };
  }, [document, language, say]);
}
