/** The inputs of the forms: each edits one value of the draft and shows what is wrong with it. */

import { useState } from "react";
import type { Language } from "../api/types";
import { LANGUAGES, LANGUAGE_NAMES } from "../i18n";
import { Icon } from "../shared/Icon";
import { useEditing, useSet } from "./context";
import { Field } from "./Field";
import { optionsOf, useKind, type Option } from "./kind";
import { getIn, type Path } from "./paths";
import { fieldName, numberProblem, parseNumber, parseWords, type NumberSpec, type Spec } from "./specs";
import { useWords } from "./words";

interface Properties<S> {
  spec: S;
  path: Path;
  compact?: boolean;
}

type Of<K extends Spec["kind"]> = Extract<Spec, { kind: K }>;

export function useTexts(spec: { key: string }): { label: string; help: string } {
  const say = useWords();
  return { label: say(`field.${fieldName(spec)}`), help: say(`help.${fieldName(spec)}`) };
}

export function NumberField({ spec, path, compact = false }: Properties<NumberSpec>) {
  const say = useWords();
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const [typed, setTyped] = useState<string | null>(null);
  const value = getIn(document, path);
  const stored = typeof value === "number" ? value : null;
  const parsed = typed === null ? stored : parseNumber(typed);
  // After an undo the field shows the draft again and not what was typed before.
  const shown = typed !== null && (parsed === undefined || parsed === stored) ? typed : String(stored ?? "");
  const unit = spec.unit === "none" ? "" : say(`unit.${spec.unit}`);
  const bounds = say("bounds", { low: spec.min, high: spec.max });
  return (
    <Field
      path={path}
      label={texts.label}
      help={`${texts.help} ${bounds}${spec.nullable ? ` ${say("empty_usual")}` : ""}`}
      unit={unit}
      compact={compact}
      complaint={parsed === undefined ? say("problem.not_a_number") : null}
    >
      {(wiring) => (
        <input
          {...wiring}
          className="number"
          inputMode={spec.whole ? "numeric" : "decimal"}
          autoComplete="off"
          value={shown}
          onChange={(event) => {
            const number = parseNumber(event.target.value);
            setTyped(event.target.value);
            if (number !== undefined) set(path, number);
          }}
          onKeyDown={(event) => {
            if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
            event.preventDefault();
            const next = (stored ?? spec.min) + (event.key === "ArrowUp" ? 1 : -1);
            setTyped(null);
            if (numberProblem(spec, next) !== "out_of_range") set(path, next);
          }}
          onBlur={() => setTyped(null)}
        />
      )}
    </Field>
  );
}

function FlagField({ spec, path }: Properties<Spec>) {
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  return (
    <Field path={path} label={texts.label} help={texts.help}>
      {(wiring) => (
        <input
          {...wiring}
          type="checkbox"
          checked={getIn(document, path) === true}
          onChange={(event) => set(path, event.target.checked)}
        />
      )}
    </Field>
  );
}

/** Text, a date, or a time of the day. */
export function TextField({ spec, path, compact = false }: Properties<Of<"text" | "date" | "time">>) {
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const value = getIn(document, path);
  return (
    <Field path={path} label={texts.label} help={texts.help} compact={compact}>
      {(wiring) => (
        <input
          {...wiring}
          // A browser's time picker does not know 24:00, so a time is plain text.
          type={spec.kind === "date" ? "date" : "text"}
          className={spec.kind === "text" ? "text" : "number"}
          placeholder={spec.kind === "time" ? "08:00" : undefined}
          autoComplete="off"
          spellCheck={false}
          value={typeof value === "string" ? value : ""}
          onChange={(event) => set(path, event.target.value)}
        />
      )}
    </Field>
  );
}

/** Several short texts in one line. */
function WordsField({ spec, path }: Properties<Of<"words">>) {
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const [typed, setTyped] = useState<string | null>(null);
  const stored = (getIn(document, path) ?? []) as string[];
  // After an undo the field shows the draft again and not what was typed before.
  const shown = typed !== null && parseWords(typed).join(" ") === stored.join(" ") ? typed : stored.join(" ");
  return (
    <Field path={path} label={texts.label} help={texts.help} below>
      {(wiring) => (
        <input
          {...wiring}
          className="text"
          autoComplete="off"
          spellCheck={false}
          value={shown}
          onChange={(event) => {
            setTyped(event.target.value);
            set(path, parseWords(event.target.value));
          }}
          onBlur={() => setTyped(null)}
        />
      )}
    </Field>
  );
}

function TextsField({ spec, path }: Properties<Of<"texts">>) {
  const say = useWords();
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const value = getIn(document, path) as Partial<Record<Language, string>> | undefined;
  return (
    <fieldset className="language-texts">
      <legend>{texts.label}</legend>
      <p className="field-help">{texts.help}</p>
      {LANGUAGES.map((language) => {
        const place = [...path, language];
        const text = value?.[language] ?? "";
        return (
          <Field key={language} path={place} label={LANGUAGE_NAMES[language]} unit={spec.long ? say("characters", { count: text.length, limit: spec.max }) : undefined}>
            {(wiring) =>
              spec.long ? (
                <textarea {...wiring} lang={language} rows={3} value={text} onChange={(event) => set(place, event.target.value)} />
              ) : (
                <input {...wiring} className="text" lang={language} value={text} onChange={(event) => set(place, event.target.value)} />
              )
            }
          </Field>
        );
      })}
    </fieldset>
  );
}

function ChoiceField({ spec, path }: Properties<Of<"choice">>) {
  const say = useWords();
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  return (
    <Field path={path} label={texts.label} help={texts.help}>
      {(wiring) => (
        <select {...wiring} value={String(getIn(document, path))} onChange={(event) => set(path, event.target.value)}>
          {spec.options.map((option) => (
            <option key={option} value={option}>
              {say(`${spec.words}.${option}`)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function SeveralField({ spec, path, compact = false }: Properties<Of<"several">>) {
  const say = useWords();
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const chosen = (getIn(document, path) ?? []) as string[];
  return (
    <Field path={path} label={texts.label} help={texts.help} compact={compact} group below>
      {() =>
        spec.options.map((option) => (
          <label key={option} className="tick">
            <input
              type="checkbox"
              checked={chosen.includes(option)}
              onChange={(event) =>
                set(path, spec.options.filter((other) => (other === option ? event.target.checked : chosen.includes(other))))
              }
            />
            {say(`${spec.words}.${option}`)}
          </label>
        ))
      }
    </Field>
  );
}

function useOptions(list: string): Option[] {
  const kind = useKind();
  const { document } = useEditing();
  return optionsOf(kind, document, list);
}

function usePatterns(): readonly Option[] {
  const kind = useKind();
  const say = useWords();
  const { document } = useEditing();
  return kind.patterns?.(document, say) ?? [];
}

export function ReferenceField({ spec, path, compact = false }: Properties<Of<"reference">>) {
  const say = useWords();
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const items = useOptions(spec.to);
  const patterns = usePatterns();
  const value = getIn(document, path);
  const name = typeof value === "string" ? value : "";
  const options = spec.patterns ? [...patterns, ...items] : items;
  const unknown = name !== "" && !options.some((option) => option.name === name);
  return (
    <Field path={path} label={texts.label} help={texts.help} compact={compact}>
      {(wiring) => (
        <select
          {...wiring}
          value={name}
          onChange={(event) => set(path, event.target.value === "" ? (spec.empty ?? "") : event.target.value)}
        >
          <option value="">{say(spec.empty === undefined ? "choose" : "no_choice")}</option>
          {unknown && <option value={name}>{say("unknown_name", { name })}</option>}
          {options.map((option) => (
            <option key={option.name} value={option.name}>
              {option.text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function ReferencesField({ spec, path }: Properties<Of<"references">>) {
  const say = useWords();
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const items = useOptions(spec.to);
  const chosen = (getIn(document, path) ?? []) as string[];
  const unknown = chosen.filter((name) => !items.some((item) => item.name === name));
  const options = [...items, ...unknown.map((name) => ({ name, text: say("unknown_name", { name }) }))];
  return (
    <Field path={path} label={texts.label} help={texts.help} group below>
      {() =>
        options.length === 0
          ? say(`empty.${spec.to}`)
          : options.map((item) => (
              <label key={item.name} className="tick">
                <input
                  type="checkbox"
                  checked={chosen.includes(item.name)}
                  onChange={(event) =>
                    set(path, event.target.checked ? [...chosen, item.name] : chosen.filter((name) => name !== item.name))
                  }
                />
                {item.text}
              </label>
            ))
      }
    </Field>
  );
}

/** Items of a list, in the order in which they are named here. */
function OrderedField({ spec, path }: Properties<Of<"ordered">>) {
  const say = useWords();
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const options = useOptions(spec.to);
  const chosen = (getIn(document, path) ?? []) as string[];
  const textOf = (name: string): string => options.find((one) => one.name === name)?.text ?? say("unknown_name", { name });
  const moved = (index: number): string[] => {
    const next = [...chosen];
    next.splice(index - 1, 0, ...next.splice(index, 1));
    return next;
  };
  return (
    <Field path={path} label={texts.label} help={texts.help} group below>
      {() => (
        <>
          {chosen.length > 0 && (
            <ol className="ordered">
              {chosen.map((name, index) => (
                <li key={`${name} ${index}`}>
                  <span>{textOf(name)}</span>
                  <button
                    type="button"
                    className="button button-small"
                    disabled={index === 0}
                    aria-label={say("move_up_name", { name: textOf(name) })}
                    title={say("move_up_name", { name: textOf(name) })}
                    onClick={() => set(path, moved(index))}
                  >
                    ↑
                  </button>
                  <button
                    type="button"
                    className="button button-small"
                    aria-label={say("remove_name", { name: textOf(name) })}
                    title={say("remove_name", { name: textOf(name) })}
                    onClick={() => set(path, chosen.filter((_, place) => place !== index))}
                  >
                    <Icon name="close" size={16} />
                  </button>
                </li>
              ))}
            </ol>
          )}
          <select
            aria-label={say("add_to", { name: texts.label })}
            value=""
            onChange={(event) => {
              if (event.target.value !== "") set(path, [...chosen, event.target.value]);
            }}
          >
            <option value="">{say("add_choice")}</option>
            {options
              .filter((option) => !chosen.includes(option.name))
              .map((option) => (
                <option key={option.name} value={option.name}>
                  {option.text}
                </option>
              ))}
          </select>
        </>
      )}
    </Field>
  );
}

export function SpecField({ spec, path, compact = false }: Properties<Spec>) {
  switch (spec.kind) {
    case "number":
      return <NumberField spec={spec} path={path} compact={compact} />;
    case "flag":
      return <FlagField spec={spec} path={path} />;
    case "text":
    case "date":
    case "time":
      return <TextField spec={spec} path={path} compact={compact} />;
    case "words":
      return <WordsField spec={spec} path={path} />;
    case "texts":
      return <TextsField spec={spec} path={path} />;
    case "choice":
      return <ChoiceField spec={spec} path={path} />;
    case "several":
      return <SeveralField spec={spec} path={path} compact={compact} />;
    case "reference":
      return <ReferenceField spec={spec} path={path} compact={compact} />;
    case "references":
      return <ReferencesField spec={spec} path={path} />;
    case "ordered":
      return <OrderedField spec={spec} path={path} />;
    case "own": {
      const Own = spec.input;
      return <Own spec={spec} path={path} compact={compact} />;
    }
    case "rows":
    case "parts":
      return null;
  }
}
