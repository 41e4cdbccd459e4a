/** Prepared texts under the reply box; the cursor stays in the box, which walks through them. */

import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { LANGUAGE_NAMES } from "../i18n";
import type { SnippetChoice } from "./snippets";

export function optionId(listId: string, index: number): string {
  return `${listId}-${index}`;
}

/** As little as is needed; jsdom lacks it, and without it only the scrolling is missing. */
function scrollIntoView(element: Element | null): void {
  (element as { scrollIntoView?: (o: object) => void } | null)?.scrollIntoView?.({ block: "nearest" });
}

interface OptionProperties {
  id: string;
  choice: SnippetChoice;
  selected: boolean;
  onChoose: () => void;
}

function Option({ id, choice, selected, onChoose }: OptionProperties) {
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (selected) scrollIntoView(row.current);
  }, [selected]);
  return (
    // The keyboard works in the box; a press must come before its blur.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <li
      ref={row}
      id={id}
      role="option"
      aria-selected={selected}
      className="snippet"
      data-testid="snippet"
      data-snippet={choice.id}
      onMouseDown={(event) => event.preventDefault()}
      onClick={onChoose}
    >
      <span className="snippet-title">
        {choice.title} <span className="faint">{LANGUAGE_NAMES[choice.language]}</span>
      </span>
      <span className="snippet-text" lang={choice.language}>
        {choice.text}
      </span>
    </li>
  );
}

interface Properties {
  listId: string;
  choices: readonly SnippetChoice[];
  selected: number;
  onChoose: (choice: SnippetChoice) => void;
}

export function SnippetList({ listId, choices, selected, onChoose }: Properties) {
  const { t } = useTranslation();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    // It opens under the box, which may well be the last line on the screen.
    scrollIntoView(list.current);
  }, []);
  return (
    <ul ref={list} id={listId} role="listbox" aria-label={t("texts.snippets")} className="snippets" data-testid="snippets">
      {choices.map((choice, index) => (
        <Option
          key={choice.id}
          id={optionId(listId, index)}
          choice={choice}
          selected={index === selected}
          onChoose={() => onChoose(choice)}
        />
      ))}
    </ul>
  );
}
