/** Inputs that only the routing plan has. */

import type { Language } from "../api/types";
import { useEditing, useSet } from "../documents/context";
import { Field } from "../documents/Field";
import { TextField, useTexts } from "../documents/inputs";
import { getIn } from "../documents/paths";
import type { OwnProperties, Spec } from "../documents/specs";
import { useWords } from "../documents/words";
import { LANGUAGES, LANGUAGE_NAMES } from "../i18n";
import type { Span } from "./document";

type TimeSpec = Extract<Spec, { kind: "time" }>;

const TELEPHONE_KEYS = ["1", "2", "3", "4", "6", "7", "8", "9", "0", "*", "#", "5"];

/** Which key chooses which language; one key for each. */
export function KeysField({ spec, path }: OwnProperties) {
  const say = useWords();
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const keys = (getIn(document, path) ?? {}) as Record<string, Language>;
  const choose = (language: Language, key: string): void => {
    const others = Object.entries(keys).filter(([other, known]) => known !== language && other !== key);
    set(path, Object.fromEntries(key === "" ? others : [...others, [key, language]]));
  };
  return (
    <Field path={path} label={texts.label} help={texts.help} group below>
      {() =>
        LANGUAGES.map((language) => (
          <label key={language} className="tick">
            {LANGUAGE_NAMES[language]}
            <select
              value={Object.entries(keys).find(([, known]) => known === language)?.[0] ?? ""}
              onChange={(event) => choose(language, event.target.value)}
            >
              <option value="">{say("no_key")}</option>
              {TELEPHONE_KEYS.map((key) => (
                <option key={key} value={key}>
                  {key}
                </option>
              ))}
            </select>
          </label>
        ))
      }
    </Field>
  );
}

const FROM: TimeSpec = { kind: "time", key: "from" };
const TO: TimeSpec = { kind: "time", key: "to" };

/** A day that differs from the week: closed, open all day, or open in spans. */
export function OpeningField({ spec, path, compact = false }: OwnProperties) {
  const say = useWords();
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const value = getIn(document, path) as boolean | Span[] | undefined;
  const spans = Array.isArray(value) ? value : null;
  const mode = spans ? "spans" : value === true ? "all_day" : "closed";
  return (
    <Field path={path} label={texts.label} help={texts.help} compact={compact} group>
      {() => (
        <>
          <select
            aria-label={texts.label}
            value={mode}
            onChange={(event) => {
              const next = { closed: false, all_day: true, spans: [{ from: "08:00", to: "12:00" }] };
              set(path, next[event.target.value as keyof typeof next]);
            }}
          >
            {["closed", "all_day", "spans"].map((name) => (
              <option key={name} value={name}>
                {say(`opening.${name}`)}
              </option>
            ))}
          </select>
          {spans?.map((_, index) => (
            <span key={index} className="span">
              <TextField spec={FROM} path={[...path, index, "from"]} compact />–
              <TextField spec={TO} path={[...path, index, "to"]} compact />
              <button type="button" className="button button-small" onClick={() => set(path, spans.filter((__, place) => place !== index))}>
                {say("remove")}
              </button>
            </span>
          ))}
          {spans && (
            <button type="button" className="button button-small" onClick={() => set(path, [...spans, { from: "13:00", to: "17:00" }])}>
              {say("add_span")}
            </button>
          )}
        </>
      )}
    </Field>
  );
}
