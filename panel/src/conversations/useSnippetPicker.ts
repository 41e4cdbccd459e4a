/** The list of prepared texts that a slash in the reply box opens. */

import { useState, type KeyboardEvent } from "react";
import { useMessaging } from "../app/session";
import type { Language } from "../api/types";
import { inserted, slashBefore, snippetChoices, type SnippetChoice } from "./snippets";

interface Box {
  text: string;
  cursor: number;
}

export interface SnippetPicker {
  /** Empty while the list is closed. */
  choices: readonly SnippetChoice[];
  selected: number;
  choose: (choice: SnippetChoice) => void;
  /** Writes the slash for whoever presses the button. */
  open: () => void;
  /** Whether the key was the list's. */
  onKey: (event: KeyboardEvent) => boolean;
  /** Whether there is any snippet at all. */
  some: boolean;
}

export function useSnippetPicker(box: Box, language: Language | null, put: (box: Box) => void): SnippetPicker {
  const { snippets } = useMessaging();
  /** Where the list was closed with Escape: it stays closed there. */
  const [closedAt, setClosedAt] = useState<number | null>(null);
  /** The slash that the button wrote; Escape takes it back. */
  const [written, setWritten] = useState<number | null>(null);
  const [walked, setWalked] = useState({ query: "", index: 0 });

  const slash = slashBefore(box.text, box.cursor);
  const open = slash !== null && slash.at !== closedAt;
  const choices = open ? snippetChoices(snippets, language, slash.query) : [];
  const index = slash !== null && walked.query === slash.query ? walked.index : 0;
  const selected = Math.min(index, Math.max(0, choices.length - 1));

  const choose = (choice: SnippetChoice): void => {
    if (slash === null) return;
    setWritten(null);
    put(inserted(box.text, slash.at, box.cursor, choice.text));
  };
  const walk = (step: number): void => {
    setWalked({ query: slash?.query ?? "", index: (selected + step + choices.length) % choices.length });
  };
  const close = (): void => {
    if (slash === null) return;
    if (written === slash.at && slash.query === "") {
      put({ text: box.text.slice(0, slash.at) + box.text.slice(box.cursor), cursor: slash.at });
    } else setClosedAt(slash.at);
    setWritten(null);
  };
  const onKey = (event: KeyboardEvent): boolean => {
    if (choices.length === 0 || event.ctrlKey || event.altKey || event.metaKey) return false;
    const current = choices[selected];
    const acts: Partial<Record<string, () => void>> = {
      ArrowDown: () => walk(1),
      ArrowUp: () => walk(-1),
      Escape: close,
      ...(current ? { Enter: () => choose(current), Tab: () => choose(current) } : {}),
    };
    const act = acts[event.key];
    if (!act) return false;
    event.preventDefault();
    act();
    return true;
  };
  return {
    choices,
    selected,
    choose,
    onKey,
    some: snippets.length > 0,
    open: () => {
      const next = inserted(box.text, box.cursor, box.cursor, "/");
      setClosedAt(null);
      setWritten(next.cursor - 1);
      put(next);
    },
  };
}
