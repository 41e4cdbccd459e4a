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

export function Form({ groups, path }: { groups: readonly Group[]; path: Path }) {
  const say = useWords();
  return (
    <div className="form">
      {groups.map((group) => (
        <section key={group.name} className="form-group">
          <h4>{say(`group.${group.name}`)}</h4>
          {group.fields.map((spec) => {
            const place = [...path, ...spec.key.split(".")];
            return spec.kind === "rows" ? (
              <RowsField key={spec.key} spec={spec} path={place} />
            ) : (
              <SpecField key={spec.key} spec={spec} path={place} />
            );
          })}
        </section>
      ))}
    </div>
  );
}
