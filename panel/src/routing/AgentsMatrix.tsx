/** Call takers by skills, by queues, and by what else the plan says of them. */

import { memo, useState, type KeyboardEvent } from "react";
import { currentLanguage } from "../i18n";
import { Icon } from "../shared/Icon";
import { useProblems } from "../documents/context";
import { ProblemLines } from "../documents/Field";
import { parseNumber } from "../documents/specs";
import { useWords } from "../documents/words";
import { usePlan, type EditingPlan } from "./context";
import { LEVEL_MAX, titleOf, type PlannedAgent } from "./document";
import { isMember, plannedAgent, withAgent, withLevel, withMembership, withoutAgent, type Seat } from "./members";
import { TEXT_CONTACTS_MAX } from "./specs";

/** More rows of inputs make typing slow; the filter finds the others. */
const ROWS_PER_PAGE = 30;

const VIEWS = ["skills", "queues", "other"] as const;
type View = (typeof VIEWS)[number];

interface Column {
  name: string;
  title: string;
}

/** Arrow keys go from cell to cell, as in a spreadsheet. */
function walk(event: KeyboardEvent<HTMLTableElement>): void {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const cell = event.target instanceof HTMLElement ? event.target.closest("td") : null;
  if (!step || cell === null || event.target instanceof HTMLSelectElement) return;
  const row = cell.closest("tr");
  const [down = 0, right = 0] = step;
  const next = event.currentTarget.rows[(row?.rowIndex ?? 0) + down]?.cells[cell.cellIndex + right];
  const input = next?.querySelector<HTMLElement>("input, select");
  if (!input) return;
  event.preventDefault();
  input.focus();
  if (input instanceof HTMLInputElement && input.type !== "checkbox") input.select();
}

interface NumberCellProperties {
  label: string;
  value: number;
  max: number;
  onChange: (value: number) => void;
}

/** A small whole number; nothing is zero. */
function NumberCell({ label, value, max, onChange }: NumberCellProperties) {
  const say = useWords();
  const [typed, setTyped] = useState<string | null>(null);
  const parsed = typed === null ? value : (parseNumber(typed) ?? (typed.trim() === "" ? 0 : undefined));
  const wrong = parsed === undefined || !Number.isInteger(parsed) || parsed < 0 || parsed > max;
  const shown = typed !== null && (wrong || parsed === value) ? typed : value === 0 ? "" : String(value);
  return (
    <input
      className="level"
      inputMode="numeric"
      autoComplete="off"
      aria-label={label}
      aria-invalid={wrong || undefined}
      title={wrong ? say("problem.out_of_range", { low: 0, high: max }) : label}
      value={shown}
      onChange={(event) => {
        const text = event.target.value;
        const number = text.trim() === "" ? 0 : parseNumber(text);
        setTyped(text);
        if (typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= max) onChange(number);
      }}
      onBlur={() => setTyped(null)}
    />
  );
}

interface RowProperties {
  seat: Seat;
  agent: PlannedAgent;
  planned: boolean;
  view: View;
  columns: readonly Column[];
  edit: EditingPlan["edit"];
}

const Row = memo(function Row({ seat, agent, planned, view, columns, edit }: RowProperties) {
  const say = useWords();
  const id = seat.agent_id;
  return (
    <tr data-testid="agent-row" data-agent={id}>
      <th scope="row">
        {seat.name}
        {seat.name !== id && <span className="faint"> {id}</span>}
        {!seat.exists && <span className="chip">{say("agents.unknown")}</span>}
      </th>
      {view === "skills" &&
        columns.map((column) => (
          <td key={column.name}>
            <NumberCell
              label={say("agents.level_of", { name: seat.name, skill: column.title })}
              value={agent.skills.find((known) => known.skill === column.name)?.level ?? 0}
              max={LEVEL_MAX}
              onChange={(level) => edit((old) => withLevel(old, id, column.name, level), `${id}/${column.name}`)}
            />
          </td>
        ))}
      {view === "queues" && (
        <>
          <td>
            <input
              type="checkbox"
              aria-label={say("agents.all_queues_of", { name: seat.name })}
              checked={agent.queues === null}
              onChange={(event) => {
                const queues = event.target.checked ? null : columns.map((column) => column.name);
                edit((old) => withAgent(old, id, { queues }));
              }}
            />
          </td>
          {columns.map((column) => (
            <td key={column.name}>
              <input
                type="checkbox"
                aria-label={say("agents.member_of", { name: seat.name, queue: column.title })}
                checked={isMember(agent, column.name)}
                onChange={(event) => edit((old) => withMembership(old, id, column.name, event.target.checked))}
              />
            </td>
          ))}
        </>
      )}
      {view === "other" && (
        <>
          <td>
            <select
              aria-label={say("agents.site_of", { name: seat.name })}
              value={agent.site}
              onChange={(event) => edit((old) => withAgent(old, id, { site: event.target.value }))}
            >
              <option value="">{say("no_choice")}</option>
              {columns.map((column) => (
                <option key={column.name} value={column.name}>
                  {column.title}
                </option>
              ))}
              {agent.site !== "" && !columns.some((column) => column.name === agent.site) && (
                <option value={agent.site}>{say("unknown_name", { name: agent.site })}</option>
              )}
            </select>
          </td>
          <td>
            <NumberCell
              label={say("agents.text_of", { name: seat.name })}
              value={agent.text_max}
              max={TEXT_CONTACTS_MAX}
              onChange={(number) => edit((old) => withAgent(old, id, { text_max: number }), `${id}/text_max`)}
            />
          </td>
          <td>
            <input
              type="checkbox"
              aria-label={say("agents.pick_of", { name: seat.name })}
              checked={agent.may_pick}
              onChange={(event) => edit((old) => withAgent(old, id, { may_pick: event.target.checked }))}
            />
          </td>
          <td>
            {planned && (
              <button type="button" className="button button-small" onClick={() => edit((old) => withoutAgent(old, id))}>
                {say("agents.usual")}
              </button>
            )}
          </td>
        </>
      )}
    </tr>
  );
});

function useColumns(view: View): Column[] {
  const { plan: document } = usePlan();
  const language = currentLanguage();
  const list = view === "skills" ? document.skills : view === "queues" ? document.queues : document.sites;
  const used = view === "skills" ? document.agents.flatMap((agent) => agent.skills.map((known) => known.skill)) : [];
  const names = [...new Set([...list.map((item) => item.name), ...used])];
  return names.map((name) => ({ name, title: titleOf(list, name, language) }));
}

function Heads({ view, columns }: { view: View; columns: readonly Column[] }) {
  const say = useWords();
  const texts =
    view === "skills"
      ? columns.map((column) => column.title)
      : view === "queues"
        ? [say("agents.all_queues"), ...columns.map((column) => column.title)]
        : [say("field.site"), say("field.text_max"), say("field.may_pick"), say("actions")];
  return (
    <thead>
      <tr>
        <th scope="col">{say("agents.person")}</th>
        {texts.map((text, index) => (
          <th key={index} scope="col">
            {text}
          </th>
        ))}
      </tr>
    </thead>
  );
}

export function AgentsMatrix() {
  const say = useWords();
  const { edit, plan: document, seats } = usePlan();
  const [view, setView] = useState<View>("skills");
  const [filter, setFilter] = useState("");
  const [page, setPage] = useState(0);
  const problems = useProblems(["agents"], true);
  const columns = useColumns(view);
  const wanted = filter.trim().toLocaleLowerCase();
  const found = seats.filter((seat) => `${seat.name} ${seat.agent_id}`.toLocaleLowerCase().includes(wanted));
  const pages = Math.max(1, Math.ceil(found.length / ROWS_PER_PAGE));
  const shown = Math.min(page, pages - 1);
  const rows = found.slice(shown * ROWS_PER_PAGE, (shown + 1) * ROWS_PER_PAGE);
  return (
    <div className="matrix">
      <p className="field-help">{say("about.agents")}</p>
      <div className="matrix-tools">
        <div className="choices" role="group" aria-label={say("agents.view")}>
          {VIEWS.map((name) => (
            <button key={name} type="button" aria-pressed={name === view} data-testid={`agents-${name}`} onClick={() => setView(name)}>
              {say(`agents.view_${name}`)}
            </button>
          ))}
        </div>
        <label className="matrix-filter">
          <Icon name="search" size={18} />
          <span className="visually-hidden">{say("agents.filter")}</span>
          <input
            type="search"
            placeholder={say("agents.filter")}
            data-testid="agents-filter"
            value={filter}
            onChange={(event) => {
              setFilter(event.target.value);
              setPage(0);
            }}
          />
        </label>
        <span className="faint" role="status">{say("agents.found", { shown: found.length, all: seats.length })}</span>
      </div>
      <p className="field-help">{say(`agents.help_${view}`)}</p>
      <div data-path="agents" tabIndex={-1}>
        <ProblemLines problems={problems} />
      </div>
      {seats.length === 0 ? (
        <p className="empty">{say("empty.agents")}</p>
      ) : columns.length === 0 && view === "skills" ? (
        <p className="empty">{say("empty.skills")}</p>
      ) : (
        // A wide table scrolls by itself; it must be reachable for the keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div className="matrix-scroll" tabIndex={0} role="region" aria-label={say("section.agents")}>
          {/* The keys only move the focus between the cells' own inputs. */}
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
          <table onKeyDown={walk} data-testid="agents-table">
            <Heads view={view} columns={columns} />
            <tbody>
              {rows.map((seat) => (
                <Row
                  key={seat.agent_id}
                  seat={seat}
                  agent={plannedAgent(document, seat.agent_id)}
                  planned={document.agents.some((agent) => agent.agent_id === seat.agent_id)}
                  view={view}
                  columns={columns}
                  edit={edit}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.length === 0 && seats.length > 0 && <p className="empty">{say("agents.nobody")}</p>}
      {pages > 1 && (
        <div className="pages">
          <button type="button" className="button button-small" disabled={shown === 0} onClick={() => setPage(shown - 1)}>
            {say("page_before")}
          </button>
          <span>{say("page", { page: shown + 1, pages })}</span>
          <button type="button" className="button button-small" disabled={shown === pages - 1} onClick={() => setPage(shown + 1)}>
            {say("page_after")}
          </button>
        </div>
      )}
    </div>
  );
}
