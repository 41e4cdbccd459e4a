/** A versioned document on the server: read, check, save, its versions, and as a YAML file. */

import { ApiError, request } from "../api/http";
import type { Change } from "./diff";
import type { AnyDocument, DocumentKind } from "./kind";
import { isObject } from "./paths";
import { parsePath, readProblems, type Problem, type ServerProblem } from "./problems";

export interface VersionInfo {
  version: number;
  /** Null for the document that exists before anybody saved one. */
  saved_at: string | null;
  author: string | null;
  comment: string | null;
}

export interface Stored extends VersionInfo {
  document: AnyDocument;
  /** Above `version` where newer ones cannot be read any more; a save replaces this one. */
  newest: number;
}

/** A version with its differences to the one before; null where that one cannot be read. */
export interface OldVersion extends Stored {
  changes: Change[] | null;
}

export interface Current extends Stored {
  /** What the server tells beside the document. */
  beside: Readonly<Record<string, unknown>>;
}

export interface Versions {
  versions: VersionInfo[];
  next: number | null;
}

export interface ReadYAML {
  /** Null where the file is YAML, but no such document; the problems say why. */
  document: AnyDocument | null;
  problems: Problem[];
}

interface ServerChange {
  /** `queues[emergency].queue_class`: items by their names. */
  path: string;
  before: unknown;
  after: unknown;
}

function tag(version: number): Record<string, string> {
  return { "If-Match": `"${version}"` };
}

/** The requests of one kind of document. Each throws `ApiError` for what the server refuses. */
export class DocumentAPI {
  private readonly kind: DocumentKind;
  private readonly base: string;

  constructor(kind: DocumentKind) {
    this.kind = kind;
    this.base = `/api/${kind.name}`;
  }

  get exportPath(): string {
    return `${this.base}.yaml`;
  }

  async current(): Promise<Current> {
    const answer = await request("GET", this.kind.currentPath);
    return { ...this.stored(answer), beside: isObject(answer) ? answer : {} };
  }

  /** 412 when others saved meanwhile, 422 with problems (see `problemsOf`). */
  async save(document: AnyDocument, comment: string, base: number): Promise<number> {
    const body = { document, comment };
    const answer = await request("PUT", this.base, { body, headers: tag(base) });
    return (answer as { version: number }).version;
  }

  async check(document: AnyDocument, signal?: AbortSignal): Promise<Problem[]> {
    const body = { document };
    const answer = await request("POST", `${this.base}/check`, signal ? { body, signal } : { body });
    return readProblems((answer as { problems: ServerProblem[] }).problems);
  }

  async versions(before: number | null): Promise<Versions> {
    const query = before === null ? "" : `?before=${before}`;
    const answer = (await request("GET", `${this.base}/versions${query}`)) as Partial<Versions>;
    return { versions: answer.versions ?? [], next: answer.next ?? null };
  }

  async version(version: number): Promise<OldVersion> {
    const answer = await request("GET", `${this.base}/versions/${version}`);
    const { changes } = answer as { changes?: ServerChange[] | null };
    return {
      ...this.stored(answer),
      changes: changes?.map(({ path, before, after }) => ({
        path: parsePath(path).map(String),
        kind: "changed" as const,
        before,
        after,
      })) ?? null,
    };
  }

  async restore(version: number, comment: string, base: number): Promise<void> {
    await request("POST", `${this.base}/versions/${version}/restore`, { body: { comment }, headers: tag(base) });
  }

  /** Reads a YAML file without saving anything. */
  async readYAML(text: string): Promise<ReadYAML> {
    const raw = { type: "application/yaml", data: text };
    const answer = (await request("POST", `${this.base}/check`, { raw })) as {
      document?: AnyDocument | null;
      problems: ServerProblem[];
    };
    return {
      document: answer.document ? this.kind.completed(answer.document) : null,
      problems: readProblems(answer.problems),
    };
  }

  private stored(answer: unknown): Stored {
    const { version, newest, saved_at, author, comment, document } = answer as Partial<Stored>;
    return {
      version: version ?? 0,
      newest: newest ?? version ?? 0,
      saved_at: saved_at ?? null,
      author: author ?? null,
      comment: comment ?? null,
      document: this.kind.completed(document ?? {}),
    };
  }
}

/** The problems that a refusal (422) names; empty for any other failure. */
export function problemsOf(error: unknown): Problem[] {
  if (!(error instanceof ApiError) || !isObject(error.body)) return [];
  const { problems } = error.body;
  return Array.isArray(problems) ? readProblems(problems as ServerProblem[]) : [];
}
