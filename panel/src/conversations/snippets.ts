/** Prepared texts: which of them fit what was typed, and what becomes of the box. Pure. */

import type { Snippet } from "../api/conversations";
import type { Language } from "../api/types";
import { LANGUAGES } from "../i18n";
import { foldText } from "../shared/fold";
import { titleOf } from "../talk/directory";

/** One snippet in one language. */
export interface SnippetChoice {
  id: string;
  language: Language;
  title: string;
  text: string;
}

/** The languages in their order: the citizen's first. */
function languagesFor(language: Language | null): Language[] {
  return [...new Set([...(language === null ? [] : [language]), ...LANGUAGES])];
}

/** All that fit `query`, in the language of the conversation before the others. */
export function snippetChoices(snippets: readonly Snippet[], language: Language | null, query: string): SnippetChoice[] {
  const words = foldText(query).split(/\s+/).filter(Boolean);
  return languagesFor(language).flatMap((one) =>
    snippets.flatMap(({ code, titles, texts }) => {
      const text = texts[one] ?? "";
      const title = titles[one] ?? titleOf(titles, code);
      const all = foldText(`${title} ${text} ${code} ${Object.values(titles).join(" ")}`);
      if (text === "" || !words.every((word) => all.includes(word))) return [];
      return [{ id: `${code}/${one}`, language: one, title, text }];
    }),
  );
}

/** A slash that begins the box or a word, and what was typed behind it up to the cursor. */
export interface SlashQuery {
  /** Where the slash stands. */
  at: number;
  query: string;
}

/** Longer ones look for nothing any more: somebody writes a date or an address. */
const QUERY_MAX = 20;

export function slashBefore(text: string, cursor: number): SlashQuery | null {
  const found = /(?:^|\s)\/([^/\n]*)$/.exec(text.slice(0, cursor));
  const query = found?.[1];
  if (query === undefined || query.length > QUERY_MAX) return null;
  return { at: cursor - query.length - 1, query };
}

/** The box with `insert` in the place of what stands between two positions, and the cursor behind it. */
export function inserted(text: string, from: number, to: number, insert: string): { text: string; cursor: number } {
  const before = text.slice(0, from);
  const after = text.slice(to);
  const space = before === "" || /\s$/.test(before) ? "" : " ";
  return { text: before + space + insert + after, cursor: before.length + space.length + insert.length };
}
