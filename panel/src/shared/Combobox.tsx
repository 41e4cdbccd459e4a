/**
 * A text box with a list to choose from, by the combobox pattern of WAI-ARIA (list autocomplete).
 * Typing filters, the arrows go through the list, Enter takes, Escape closes and puts back.
 */

import { useId, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { foldText } from "./fold";

export interface Option {
  code: string;
  title: string;
  /** What it is a part of; shown small, and searched too. */
  path?: string;
}

/** More than fit on a screen help nobody; the rest comes with the next letter. */
const SHOWN_MAX = 12;

/** Options in which every word is found, those that begin with the first word before the others. */
export function matching(options: readonly Option[], typed: string): Option[] {
  const words = foldText(typed).split(/\s+/).filter(Boolean);
  const [first] = words;
  if (first === undefined) return options.slice(0, SHOWN_MAX);
  const found = options.filter((option) => {
    const text = foldText(`${option.title} ${option.path ?? ""} ${option.code}`);
    return words.every((word) => text.includes(word));
  });
  const begins = (option: Option): number => (foldText(option.title).startsWith(first) ? 0 : 1);
  return found.sort((a, b) => begins(a) - begins(b)).slice(0, SHOWN_MAX);
}

interface Properties {
  id: string;
  options: readonly Option[];
  value: string | null;
  placeholder: string;
  testid: string;
  onChoose: (code: string | null) => void;
}

export function Combobox({ id, options, value, placeholder, testid, onChoose }: Properties) {
  const { t } = useTranslation();
  const listId = useId();
  const [typed, setTyped] = useState<string | null>(null);
  const [active, setActive] = useState(0);
  const chosen = options.find((option) => option.code === value);
  const shown = typed === null ? [] : matching(options, typed);
  const open = typed !== null;
  const close = (): void => {
    setTyped(null);
    setActive(0);
  };
  const take = (option: Option | undefined): void => {
    if (option) onChoose(option.code);
    close();
  };
  const move = (step: number): void => {
    setTyped(typed ?? "");
    if (shown.length > 0) setActive((active + step + shown.length) % shown.length);
  };
  const press = (event: KeyboardEvent<HTMLInputElement>): void => {
    const acts: Partial<Record<string, () => void>> = {
      ArrowDown: () => (open ? move(1) : setTyped("")),
      ArrowUp: () => move(-1),
      ...(open ? { Enter: () => take(shown[active]), Escape: close } : {}),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  return (
    <div className="combobox">
      <input
        id={id}
        type="text"
        role="combobox"
        autoComplete="off"
        aria-expanded={open}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={open && shown[active] ? `${listId}-${active}` : undefined}
        placeholder={placeholder}
        data-testid={testid}
        value={typed ?? chosen?.title ?? value ?? ""}
        onChange={(event) => {
          setTyped(event.target.value);
          setActive(0);
        }}
        onKeyDown={press}
        onBlur={close}
      />
      {value !== null && (
        <button type="button" className="icon-button combobox-clear" aria-label={t("common.clear")} onClick={() => onChoose(null)}>
          ×
        </button>
      )}
      {open && (
        <ul id={listId} role="listbox" className="combobox-list" data-testid={`${testid}-list`}>
          {shown.length === 0 && <li className="combobox-none">{t("common.nothing_found")}</li>}
          {shown.map((option, index) => (
            // The keyboard works on the text box; a press must come before its blur.
            // eslint-disable-next-line jsx-a11y/click-events-have-key-events
            <li
              key={option.code}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === active}
              data-code={option.code}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(option)}
            >
              {option.title} {option.path && <span className="faint">{option.path}</span>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
