/** What is wrong with a document, and where: found here while typing, and by the server's check. */

import { itemsOf, type AnyDocument, type DocumentKind } from "./kind";
import { getIn, pathKey, type Path } from "./paths";
import { numberProblem, type Group, type Spec } from "./specs";

export interface Problem {
  path: Path;
  code: string;
  /** The server's own sentence, for codes that this panel does not know. */
  text: string;
  severity: "error" | "warning";
  params: Readonly<Record<string, string | number>>;
}

/** As the server writes one. */
export interface ServerProblem {
  path: string;
  code: string;
  text: string;
  severity?: "error" | "warning";
  params?: Record<string, string | number>;
}

/** `queues[0].relax[1].after_s` as keys and indices. */
export function parsePath(text: string): Path {
  return [...text.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)].map((match) => {
    const key = match[1] ?? match[2] ?? "";
    return match[1] !== undefined && /^\d+$/.test(key) ? Number(key) : key;
  });
}

export function readProblems(problems: readonly ServerProblem[]): Problem[] {
  return problems.map((problem) => ({
    path: parsePath(problem.path),
    code: problem.code,
    text: problem.text,
    severity: problem.severity ?? "error",
    params: problem.params ?? {},
  }));
}

type Params = Problem["params"];

function error(path: Path, code: string, params: Params = {}): Problem {
  return { path, code, text: code, severity: "error", params };
}

function fieldProblems(spec: Spec, path: Path, value: unknown): Problem[] {
  switch (spec.kind) {
    case "number": {
      const code = numberProblem(spec, value);
      return code === null ? [] : [error(path, code, { low: spec.min, high: spec.max })];
    }
    case "text":
      if (spec.required && value === "") return [error(path, "required")];
      return typeof value === "string" && value.length > spec.max ? [error(path, "too_long", { limit: spec.max })] : [];
    case "texts":
      return Object.entries((value ?? {}) as Record<string, string>)
        .filter(([, text]) => text.length > spec.max)
        .map(([language]) => error([...path, language], "too_long", { limit: spec.max }));
    case "reference":
      return spec.empty === undefined && value === "" ? [error(path, "required")] : [];
    case "date":
      return typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value) ? [] : [error(path, "required")];
    case "time":
      return typeof value === "string" && /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/.test(value)
        ? []
        : [error(path, "bad_time", { value: typeof value === "string" ? value : "" })];
    case "rows":
    case "parts":
      return (Array.isArray(value) ? (value as unknown[]) : []).flatMap((row, index) =>
        (spec.kind === "rows" ? spec.columns : spec.fields).flatMap((column) => {
          const below = column.key.split(".");
          return fieldProblems(column, [...path, index, ...below], getIn(row, below));
        }),
      );
    default:
      return [];
  }
}

function groupProblems(groups: readonly Group[], path: Path, item: unknown): Problem[] {
  return groups
    .flatMap((group) => group.fields)
    .flatMap((spec) => {
      const below = spec.key.split(".");
      return fieldProblems(spec, [...path, ...below], getIn(item, below));
    });
}

/** What can be said without the server: bounds, and what is missing. */
export function localProblems(kind: DocumentKind, document: AnyDocument): Problem[] {
  const lists = Object.entries(kind.forms).flatMap(([list, form]) =>
    itemsOf(document, list).flatMap((item, index) => groupProblems(form, [list, index], item)),
  );
  const parts = Object.entries(kind.parts).flatMap(([part, form]) =>
    part === "" ? groupProblems(form, [], document) : groupProblems(form, [part], document[part]),
  );
  return [...lists, ...parts];
}

/** Our own findings first; the server's where they say more. Errors before warnings. */
export function merged(local: readonly Problem[], server: readonly Problem[]): Problem[] {
  const places = new Set(local.map((problem) => pathKey(problem.path)));
  // An emptied field has the wrong shape for the server, which then can say nothing else.
  const known = (problem: Problem): boolean =>
    places.has(pathKey(problem.path)) || (problem.code === "shape" && local.some(({ code }) => code === "required"));
  const all = [...local, ...server.filter((problem) => !known(problem))];
  return [
    ...all.filter((problem) => problem.severity === "error"),
    ...all.filter((problem) => problem.severity === "warning"),
  ];
}

/** Whether the problem stands at `path` or, with `below`, somewhere under it. */
export function standsAt(problem: Problem, path: Path, below = false): boolean {
  if (problem.path.length < path.length) return false;
  if (!below && problem.path.length !== path.length) return false;
  return path.every((key, index) => String(key) === String(problem.path[index]));
}
