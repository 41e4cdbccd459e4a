/** One list of the plan: its items on the left, the chosen one with its form on the right. */

import { useState, type ReactNode } from "react";
import { currentLanguage } from "../i18n";
import { Icon } from "../shared/Icon";
import { useEditing, useProblems } from "./context";
import { identityKey, namesOf, newItem, titleOf, type Kind } from "./document";
import { Field, ProblemLines } from "./Field";
import { Form } from "./Form";
import { renamed, usesOf } from "./members";
import { nameProblem } from "./names";
import { appendIn, removeIn } from "./paths";
import { standsAt } from "./problems";
import { FORMS } from "./specs";
import { useWords } from "./words";

/** The name is changed on leaving the field, with all references: half a name refers to nothing. */
function NameField({ kind, index }: { kind: Kind; index: number }) {
  const say = useWords();
  const { editor, document } = useEditing();
  const [typed, setTyped] = useState<string | null>(null);
  const names = namesOf(document, kind);
  const name = names[index] ?? "";
  const others = names.filter((_, place) => place !== index);
  const wrong = typed === null || typed === name ? null : nameProblem(kind, typed.trim(), others);
  const key = identityKey(kind);
  const finish = (): void => {
    if (typed !== null && wrong === null) editor.edit((old) => renamed(old, kind, index, typed.trim()));
    setTyped(null);
  };
  return (
    <Field
      path={[kind, index, key]}
      label={say(kind === "entries" ? "field.dialled" : "field.name")}
      help={say(`name_help.${kind}`)}
      complaint={wrong === null ? null : say(`problem.${wrong}`)}
    >
      {(wiring) => (
        <input
          {...wiring}
          className="text"
          autoComplete="off"
          spellCheck={false}
          data-testid="item-name"
          value={typed ?? name}
          onChange={(event) => setTyped(event.target.value)}
          onBlur={finish}
          onKeyDown={(event) => {
            if (event.key === "Enter") finish();
            if (event.key === "Escape") setTyped(null);
          }}
        />
      )}
    </Field>
  );
}

function AddItem({ kind, onAdded }: { kind: Kind; onAdded: (index: number) => void }) {
  const say = useWords();
  const { editor, document } = useEditing();
  const [name, setName] = useState("");
  const [tried, setTried] = useState(false);
  const wrong = nameProblem(kind, name.trim(), namesOf(document, kind));
  const shown = wrong !== null && (tried || name !== "") ? wrong : null;
  return (
    <form
      className="add-item"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong !== null) {
          setTried(true);
          return;
        }
        editor.edit((old) => appendIn(old, [kind], newItem(kind, name.trim(), old)));
        onAdded(document[kind].length);
        setName("");
        setTried(false);
      }}
    >
      <label className="visually-hidden" htmlFor={`add-${kind}`}>
        {say(`new.${kind}`)}
      </label>
      <input
        id={`add-${kind}`}
        className="text"
        placeholder={say(`new.${kind}`)}
        autoComplete="off"
        spellCheck={false}
        aria-invalid={shown !== null || undefined}
        aria-describedby={shown === null ? undefined : `add-${kind}-problem`}
        data-testid="item-add-name"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <button type="submit" className="button button-small" data-testid="item-add">
        <Icon name="add" size={16} /> {say("add_item")}
      </button>
      {shown !== null && (
        <p className="field-problems problem-error" id={`add-${kind}-problem`}>
          {say(`problem.${shown}`)}
        </p>
      )}
    </form>
  );
}

interface Properties {
  kind: Kind;
  selected: number;
  onSelect: (index: number) => void;
  /** Shown above the form of the chosen item. */
  story?: (index: number) => ReactNode;
}

export function ItemList({ kind, selected, onSelect, story }: Properties) {
  const say = useWords();
  const { editor, document, problems } = useEditing();
  const language = currentLanguage();
  const own = useProblems([kind]);
  const names = namesOf(document, kind);
  const index = Math.min(selected, names.length - 1);
  const name = names[index];
  const titled = kind === "schedules" || kind === "entries" || kind === "prompts" ? [] : document[kind];
  const uses = name === undefined ? 0 : usesOf(document, kind, name);
  return (
    <div className="items">
      <div className="items-list">
        <p className="field-help">{say(`about.${kind}`)}</p>
        <div data-path={kind} tabIndex={-1}>
          <ProblemLines problems={own} />
        </div>
        {names.length === 0 && <p className="empty" data-testid="items-empty">{say(`empty.${kind}`)}</p>}
        <ul>
          {names.map((item, place) => {
            const wrong = problems.filter((problem) => standsAt(problem, [kind, place], true));
            const title = titleOf(titled, item, language);
            return (
              <li key={place}>
                <button
                  type="button"
                  className="item"
                  aria-current={place === index ? "true" : undefined}
                  data-testid="item"
                  onClick={() => onSelect(place)}
                >
                  <strong>{title}</strong>
                  {title !== item && <span className="faint">{item}</span>}
                  {wrong.length > 0 && (
                    <span className={wrong.some((one) => one.severity === "error") ? "problem-error" : "problem-warning"}>
                      <Icon name="warning" size={16} />
                      <span className="visually-hidden">{say("has_problems", { count: wrong.length })}</span>
                    </span>
                  )}
                </button>
              </li>
            );
          })}
        </ul>
        <AddItem kind={kind} onAdded={onSelect} />
      </div>
      {name !== undefined && (
        <div className="items-form" key={`${kind} ${index}`}>
          <header className="items-head">
            <h3>{titleOf(titled, name, language)}</h3>
            <button
              type="button"
              className="button button-small"
              data-testid="item-remove"
              onClick={() => editor.edit((old) => removeIn(old, [kind, index]))}
            >
              {say("remove_item")}
            </button>
          </header>
          <p className="field-help">{uses === 0 ? say("unused") : say("uses", { count: uses })}</p>
          <ProblemsOfItem kind={kind} index={index} />
          {story?.(index)}
          <NameField kind={kind} index={index} />
          <Form groups={FORMS[kind]} path={[kind, index]} />
        </div>
      )}
    </div>
  );
}

/** What is wrong with the item as a whole; its fields show their own problems. */
function ProblemsOfItem({ kind, index }: { kind: Kind; index: number }) {
  const problems = useProblems([kind, index]);
  return (
    <div data-path={`${kind}/${index}`} tabIndex={-1}>
      <ProblemLines problems={problems} />
    </div>
  );
}
