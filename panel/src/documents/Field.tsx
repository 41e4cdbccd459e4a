/** A label, an input, its unit, its help and its problems, tied together for screen readers. */

import { useId, type ReactNode } from "react";
import { Icon } from "../shared/Icon";
import { useProblems } from "./context";
import { pathKey, type Path } from "./paths";
import type { Problem } from "./problems";
import { problemText, useWords } from "./words";

export interface Wiring {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean | undefined;
  "data-path": string;
}

interface Properties {
  path: Path;
  label: string;
  help?: string | undefined;
  unit?: string | undefined;
  /** In a row of a table the column head says it all: the label is for screen readers only. */
  compact?: boolean;
  /** Problems of the parts inside belong here too. */
  below?: boolean;
  /** A sentence of the input itself, e.g. for text that is no number. */
  complaint?: string | null;
  /** Several inputs under one label. */
  group?: boolean;
  children: (wiring: Wiring) => ReactNode;
}

export function ProblemLines({ problems, id }: { problems: readonly Problem[]; id?: string }) {
  const say = useWords();
  if (problems.length === 0) return null;
  return (
    <ul className="field-problems" id={id}>
      {problems.map((problem) => (
        <li key={`${pathKey(problem.path)} ${problem.code}`} className={`problem-${problem.severity}`}>
          <Icon name={problem.severity === "error" ? "warning" : "info"} size={16} />{" "}
          <span>
            <span className="visually-hidden">{say(`severity.${problem.severity}`)}: </span>
            {problemText(say, problem)}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Field({ path, label, help, unit, compact, below, complaint, group, children }: Properties) {
  const id = useId();
  const problems = useProblems(path, below);
  const wrong = Boolean(complaint) || problems.some((problem) => problem.severity === "error");
  const described = [help && !compact && `${id}-help`, complaint && `${id}-complaint`, problems.length > 0 && `${id}-problems`];
  const wiring: Wiring = {
    id,
    "aria-describedby": described.filter(Boolean).join(" ") || undefined,
    "aria-invalid": wrong || undefined,
    "data-path": pathKey(path),
  };
  const title = compact ? "visually-hidden" : "field-label";
  return (
    <div className={compact ? "field field-compact" : "field"} title={compact ? help : undefined}>
      {group ? (
        <span className={title} id={`${id}-label`}>
          {label}
        </span>
      ) : (
        <label className={title} htmlFor={id}>
          {label}
        </label>
      )}
      {group ? (
        <div
          role="group"
          className="field-group"
          aria-labelledby={`${id}-label`}
          aria-describedby={wiring["aria-describedby"]}
          data-path={wiring["data-path"]}
          tabIndex={-1}
        >
          {children(wiring)}
        </div>
      ) : (
        <span className="field-input">
          {children(wiring)}
          {unit !== undefined && unit !== "" && <span className="field-unit">{unit}</span>}
        </span>
      )}
      {help && !compact && (
        <p className="field-help" id={`${id}-help`}>
          {help}
        </p>
      )}
      {complaint && (
        <p className="field-problems problem-error" id={`${id}-complaint`}>
          <Icon name="warning" size={16} /> {complaint}
        </p>
      )}
      <ProblemLines problems={problems} id={`${id}-problems`} />
    </div>
  );
}
