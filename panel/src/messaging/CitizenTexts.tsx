/** What a citizen gets, in each language, with what it takes on the way: letters, alphabet, parts. */

import type { Language } from "../api/types";
import { count } from "../conversations/counter";
import { useEditing, useSet } from "../documents/context";
import { Field } from "../documents/Field";
import { useTexts } from "../documents/inputs";
import { getIn } from "../documents/paths";
import type { OwnProperties } from "../documents/specs";
import { useWords } from "../documents/words";
import { LANGUAGES, LANGUAGE_NAMES } from "../i18n";

/** The server takes no longer text (`ccserver/messaging/limits.py`). */
const CHARACTERS_MAX = 320;

export function CitizenTexts({ spec, path }: OwnProperties) {
  const say = useWords();
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const value = getIn(document, path) as Partial<Record<Language, string>> | undefined;
  return (
    <fieldset className="language-texts" data-path={path.join("/")} tabIndex={-1}>
      <legend>{texts.label}</legend>
      <p className="field-help">{texts.help}</p>
      {LANGUAGES.map((language) => {
        const place = [...path, language];
        const text = value?.[language] ?? "";
        const { parts, encoding } = count(text);
        const length = say("characters", { count: text.length, limit: CHARACTERS_MAX });
        const unit = text === "" ? length : `${length}. ${say(`sms.${encoding}`, { parts })}`;
        return (
          <Field key={language} path={place} label={LANGUAGE_NAMES[language]} unit={unit}>
            {(wiring) => (
              <textarea {...wiring} lang={language} rows={3} value={text} onChange={(event) => set(place, event.target.value)} />
            )}
          </Field>
        );
      })}
    </fieldset>
  );
}
