/** One list of the document: its items on the left, the chosen one with its form on the right. */

import { useState, type ReactNode } from "react";
import { Icon } from "../shared/Icon";
import { useEditing, useProblems } from "./context";
import { Field, ProblemLines } from "./Field";
import { Form } from "./Form";
import { identityKey, itemsOf, namesOf, useKind } from "./kind";
import { appendIn, removeIn } from "./paths";
import { standsAt } from "./problems";
import { renamed, usesOf } from "./references";
import { sayOr, useWords } from "./words";

/** The name is changed on leaving the field, with all references: half a name refers to nothing. */
function NameField({ list, index }: { list: string; index: number }) {
  const say = useWords();
  const kind = useKind();
  const { editor, document } = useEditing();
  const [typed, setTyped] = useState<string | null>(null);
  const names = namesOf(kind, document, list);
  const name = names[index] ?? "";
  const others = names.filter((_, place) => place !== index);
  const wrong = typed === null || typed === name ? null : kind.nameProblem(list, typed.trim(), others);
  const key = identityKey(kind, list);
  const finish = (): void => {
    if (typed !== null && wrong === null) editor.edit((old) => renamed(kind, old, list, index, typed.trim()));
    setTyped(null);
  };
  return (
    <Field
      path={[list, index, key]}
      label={sayOr(say, `name_label.${list}`, say("field.name"))}
      help={say(`name_help.${list}`)}
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

function AddItem({ list, onAdded }: { list: string; onAdded: (index: number) => void }) {
  const say = useWords();
  const kind = useKind();
  const { editor, document } = useEditing();
  const [name, setName] = useState("");
  const [tried, setTried] = useState(false);
  const wrong = kind.nameProblem(list, name.trim(), namesOf(kind, document, list));
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
        editor.edit((old) => appendIn(old, [list], kind.newItem(list, name.trim(), old)));
        onAdded(itemsOf(document, list).length);
        setName("");
        setTried(false);
      }}
    >
      <label className="visually-hidden" htmlFor={`add-${list}`}>
        {say(`new.${list}`)}
      </label>
      <input
        id={`add-${list}`}
        className="text"
        placeholder={say(`new.${list}`)}
        autoComplete="off"
        spellCheck={false}
        aria-invalid={shown !== null || undefined}
        aria-describedby={shown === null ? undefined : `add-${list}-problem`}
        data-testid="item-add-name"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <button type="submit" className="button button-small" data-testid="item-add">
        <Icon name="add" size={16} /> {say("add_item")}
      </button>
      {shown !== null && (
        <p className="field-problems problem-error" id={`add-${list}-problem`}>
          {say(`problem.${shown}`)}
        </p>
      )}
    </form>
  );
}

interface Properties {
  list: string;
  selected: number;
  onSelect: (index: number) => void;
  /** Shown above the form of the chosen item. */
  story?: (index: number) => ReactNode;
  /** Shown below the list. */
  more?: ReactNode;
}

export function ItemList({ list, selected, onSelect, story, more }: Properties) {
  const say = useWords();
  const kind = useKind();
  const { editor, document, problems } = useEditing();
  const own = useProblems([list]);
  const items = itemsOf(document, list);
  const names = namesOf(kind, document, list);
  const placed = kind.placed?.(list, items) ?? items.map((_, place) => ({ index: place, depth: 0 }));
  const index = Math.min(selected, names.length - 1);
  const name = names[index];
  const item = items[index];
  const uses = name === undefined ? 0 : usesOf(kind, document, list, name);
  return (
    <div className="items">
      <div className="items-list">
        <p className="field-help">{say(`about.${list}`)}</p>
        <div data-path={list} tabIndex={-1}>
          <ProblemLines problems={own} />
        </div>
        {names.length === 0 && <p className="empty" data-testid="items-empty">{say(`empty.${list}`)}</p>}
        <ul>
          {placed.map(({ index: place, depth }) => {
            const wrong = problems.filter((problem) => standsAt(problem, [list, place], true));
            const title = kind.titleOf(list, items[place] ?? {});
            return (
              <li key={place} className={depth > 0 ? `depth depth-${Math.min(depth, 3)}` : undefined}>
                <button
                  type="button"
                  className="item"
                  aria-current={place === index ? "true" : undefined}
                  data-testid="item"
                  onClick={() => onSelect(place)}
                >
                  <strong>{title}</strong>
                  {title !== names[place] && <span className="faint">{names[place]}</span>}
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
        <AddItem list={list} onAdded={onSelect} />
        {more}
      </div>
      {name !== undefined && item !== undefined && (
        <div className="items-form" key={`${list} ${index}`}>
          <header className="items-head">
            <h3>{kind.titleOf(list, item)}</h3>
            <button
              type="button"
              className="button button-small"
              data-testid="item-remove"
              onClick={() => editor.edit((old) => removeIn(old, [list, index]))}
            >
              {say("remove_item")}
            </button>
          </header>
          <p className="field-help">{uses === 0 ? say("unused") : say("uses", { count: uses })}</p>
          <ProblemsOfItem list={list} index={index} />
          {story?.(index)}
          <NameField list={list} index={index} />
          <Form groups={kind.forms[list] ?? []} path={[list, index]} />
        </div>
      )}
    </div>
  );
}

/** What is wrong with the item as a whole; its fields show their own problems. */
function ProblemsOfItem({ list, index }: { list: string; index: number }) {
  const problems = useProblems([list, index]);
  return (
    <div data-path={`${list}/${index}`} tabIndex={-1}>
      <ProblemLines problems={problems} />
    </div>
  );
}
