/** The routing plan on the server: read, check, save, its versions, and as a YAML file. */

import { ApiError, request } from "../api/http";
import type { Change } from "./diff";
import { completed, type RoutingDocument } from "./document";
import { isObject } from "./paths";
import { parsePath, readProblems, type Problem, type ServerProblem } from "./problems";

export interface VersionInfo {
  version: number;
  /** Null for the plan that exists before anybody saved one. */
  saved_at: string | null;
  author: string | null;
  comment: string | null;
}

export interface StoredPlan extends VersionInfo {
  document: RoutingDocument;
  /** Above `version` where newer ones cannot be read any more; a save replaces this one. */
  newest: number;
}

/** A version with its differences to the one before; null where that one cannot be read. */
export interface OldPlan extends StoredPlan {
  changes: Change[] | null;
}

/** Seats of the server by id, with the names of their people. */
export type KnownAgents = ReadonlyMap<string, string>;

export interface CurrentPlan extends StoredPlan {
  known: KnownAgents;
}

export const EXPORT_PATH = "/api/routing.yaml";

function stored(answer: unknown): StoredPlan {
  const { version, newest, saved_at, author, comment, document } = answer as Partial<StoredPlan>;
  return {
    version: version ?? 0,
    newest: newest ?? version ?? 0,
    saved_at: saved_at ?? null,
    author: author ?? null,
    comment: comment ?? null,
    document: completed(document ?? {}),
  };
}

function knownAgents(answer: unknown): KnownAgents {
  const list = isObject(answer) ? answer.known_agents : null;
  const known = new Map<string, string>();
  for (const item of Array.isArray(list) ? (list as unknown[]) : []) {
    if (typeof item === "string") known.set(item, item);
    else if (isObject(item) && typeof item.agent_id === "string") {
      const { agent_id: id, name } = item;
      known.set(id, typeof name === "string" ? name : id);
    }
  }
  return known;
}

export async function fetchPlan(): Promise<CurrentPlan> {
  const answer = await request("GET", "/api/routing");
  return { ...stored(answer), known: knownAgents(answer) };
}

function tag(version: number): Record<string, string> {
  return { "If-Match": `"${version}"` };
}

/** Throws `ApiError`: 412 when others saved meanwhile, 422 with problems (see `problemsOf`). */
export async function savePlan(document: RoutingDocument, comment: string, base: number): Promise<number> {
  const body = { document, comment };
  const answer = await request("PUT", "/api/routing", { body, headers: tag(base) });
  return (answer as { version: number }).version;
}

export async function checkPlan(document: RoutingDocument, signal?: AbortSignal): Promise<Problem[]> {
  const body = { document };
  const answer = await request("POST", "/api/routing/check", signal ? { body, signal } : { body });
  return readProblems((answer as { problems: ServerProblem[] }).problems);
}

export interface Versions {
  versions: VersionInfo[];
  next: number | null;
}

export async function fetchVersions(before: number | null): Promise<Versions> {
  const query = before === null ? "" : `?before=${before}`;
  const answer = (await request("GET", `/api/routing/versions${query}`)) as Partial<Versions>;
  return { versions: answer.versions ?? [], next: answer.next ?? null };
}

interface ServerChange {
  /** `queues[emergency].queue_class`: items by their names. */
  path: string;
  before: unknown;
  after: unknown;
}

export async function fetchVersion(version: number): Promise<OldPlan> {
  const answer = await request("GET", `/api/routing/versions/${version}`);
  const { changes } = answer as { changes?: ServerChange[] | null };
  return {
    ...stored(answer),
    changes: changes?.map(({ path, before, after }) => ({
      path: parsePath(path).map(String),
      kind: "changed" as const,
      before,
      after,
    })) ?? null,
  };
}

export async function restoreVersion(version: number, comment: string, base: number): Promise<void> {
  const body = { comment };
  await request("POST", `/api/routing/versions/${version}/restore`, { body, headers: tag(base) });
}

export interface ReadYAML {
  /** Null where the file is YAML, but no plan; the problems say why. */
  document: RoutingDocument | null;
  problems: Problem[];
}

/** Reads a YAML file without saving anything. Throws `ApiError` for a file that is no plan. */
export async function readYAML(text: string): Promise<ReadYAML> {
  const raw = { type: "application/yaml", data: text };
  const answer = (await request("POST", "/api/routing/check", { raw })) as {
    document?: RoutingDocument | null;
    problems: ServerProblem[];
  };
  return {
    document: answer.document ? completed(answer.document) : null,
    problems: readProblems(answer.problems),
  };
}

/** The problems that a refusal (422) names; empty for any other failure. */
export function problemsOf(error: unknown): Problem[] {
  if (!(error instanceof ApiError) || !isObject(error.body)) return [];
  const { problems } = error.body;
  return Array.isArray(problems) ? readProblems(problems as ServerProblem[]) : [];
}
