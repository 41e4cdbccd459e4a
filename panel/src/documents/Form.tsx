/** A form by its table of fields; rows of steps and rules are small tables of their own. */

import { Icon } from "../shared/Icon";
import { useEditing, useProblems } from "./context";
import { ProblemLines } from "./Field";
import { SpecField } from "./inputs";
import { appendIn, getIn, moveIn, removeIn, type Path } from "./paths";
import { fieldName, type Group, type Spec } from "./specs";
import { useWords } from "./words";

function RowsField({ spec, path }: { spec: Extract<Spec, { kind: "rows" }>; path: Path }) {
  const say = useWords();
  const { editor, document } = useEditing();
  const own = useProblems(path);
  const rows = (getIn(document, path) ?? []) as unknown[];
  const name = fieldName(spec);
  return (
    <fieldset className="rows-field" data-path={path.join("/")} tabIndex={-1}>
      <legend>{say(`field.${name}`)}</legend>
      <p className="field-help">{say(`help.${name}`)}</p>
      <ProblemLines problems={own} />
      {rows.length === 0 && <p className="faint">{say(`none.${name}`)}</p>}
      {rows.length > 0 && (
        <table className="rows-table">
          <thead>
            <tr>
              {spec.columns.map((column) => (
                <th key={column.key} scope="col">
                  {say(`field.${fieldName(column)}`)}
                  {column.kind === "number" && column.unit !== "none" && `, ${say(`unit.${column.unit}`)}`}
                </th>
              ))}
              <th scope="col">
                <span className="visually-hidden">{say("actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((_, index) => (
              <Row key={index} spec={spec} path={[...path, index]} count={rows.length} />
            ))}
          </tbody>
        </table>
      )}
      <button
        type="button"
        className="button button-small"
        onClick={() => editor.edit((old) => appendIn(old, path, spec.create()))}
      >
        <Icon name="add" size={16} /> {say(`add.${name}`)}
      </button>
    </fieldset>
  );
}

interface RowProperties {
  spec: Extract<Spec, { kind: "rows" }>;
  path: Path;
  count: number;
}

function Row({ spec, path, count }: RowProperties) {
  const say = useWords();
  const { editor } = useEditing();
  const problems = useProblems(path);
  const place = Number(path.at(-1)) + 1;
  return (
    <>
      <tr data-path={path.join("/")} tabIndex={-1}>
        {spec.columns.map((column) => (
          <td key={column.key}>
            <SpecField spec={column} path={[...path, column.key]} compact />
          </td>
        ))}
        <td className="row-actions">
          {count > 1 && (
            <button
              type="button"
              className="button button-small"
              disabled={place === 1}
              aria-label={say("move_up", { place })}
              title={say("move_up", { place })}
              onClick={() => editor.edit((old) => moveIn(old, path, -1))}
            >
              ↑
            </button>
          )}
          <button
            type="button"
            className="button button-small"
            aria-label={say("remove_row", { place })}
            title={say("remove_row", { place })}
            onClick={() => editor.edit((old) => removeIn(old, path))}
          >
            <Icon name="close" size={16} />
          </button>
        </td>
      </tr>
      {problems.length > 0 && (
        <tr>
          <td colSpan={spec.columns.length + 1}>
            <ProblemLines problems={problems} />
          </td>
        </tr>
      )}
    </>
  );
}

/** Parts of an item, each a small form of its own that can be folded away. */
function PartsField({ spec, path }: { spec: Extract<Spec, { kind: "parts" }>; path: Path }) {
  const say = useWords();
  const { editor, document } = useEditing();
  const own = useProblems(path);
  const parts = (getIn(document, path) ?? []) as unknown[];
  const name = fieldName(spec);
  return (
    <fieldset className="rows-field" data-path={path.join("/")} tabIndex={-1}>
      <legend>{say(`field.${name}`)}</legend>
      <p className="field-help">{say(`help.${name}`)}</p>
      <ProblemLines problems={own} />
      {parts.length === 0 && <p className="faint">{say(`none.${name}`)}</p>}
      {parts.map((_, index) => (
        <Part key={index} spec={spec} path={[...path, index]} />
      ))}
      <button
        type="button"
        className="button button-small"
        data-testid={`add-${name}`}
        onClick={() => editor.edit((old) => appendIn(old, path, spec.create()))}
      >
        <Icon name="add" size={16} /> {say(`add.${name}`)}
      </button>
    </fieldset>
  );
}

function Part({ spec, path }: { spec: Extract<Spec, { kind: "parts" }>; path: Path }) {
  const say = useWords();
  const { editor } = useEditing();
  const problems = useProblems(path);
  const place = Number(path.at(-1)) + 1;
  return (
    <section className="part" data-path={path.join("/")} tabIndex={-1} data-testid="part" aria-label={say("part", { place })}>
      <header className="part-head">
        <strong>{say("part", { place })}</strong>
        <button
          type="button"
          className="button button-small"
          disabled={place === 1}
          aria-label={say("move_up", { place })}
          title={say("move_up", { place })}
          onClick={() => editor.edit((old) => moveIn(old, path, -1))}
        >
          ↑
        </button>
        <button
          type="button"
          className="button button-small"
          aria-label={say("remove_row", { place })}
          title={say("remove_row", { place })}
          onClick={() => editor.edit((old) => removeIn(old, path))}
        >
          <Icon name="close" size={16} />
        </button>
      </header>
      <ProblemLines problems={problems} />
      {spec.fields.map((field) => (
        <SpecField key={field.key} spec={field} path={[...path, ...field.key.split(".")]} />
      ))}
    </section>
  );
}

/** One field of a form, whatever it is. */
function AnyField({ spec, path }: { spec: Spec; path: Path }) {
  if (spec.kind === "rows") return <RowsField spec={spec} path={path} />;
  if (spec.kind === "parts") return <PartsField spec={spec} path={path} />;
  return <SpecField spec={spec} path={path} />;
}

export function Form({ groups, path }: { groups: readonly Group[]; path: Path }) {
  const say = useWords();
  return (
    <div className="form">
      {groups.map((group) => (
        <section key={group.name} className="form-group">
          <h4>{say(`group.${group.name}`)}</h4>
          {group.fields.map((spec) => (
            <AnyField key={spec.key} spec={spec} path={[...path, ...spec.key.split(".")]} />
          ))}
        </section>
      ))}
    </div>
  );
}
