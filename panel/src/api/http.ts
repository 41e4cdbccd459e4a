/** One door for all HTTP: deadlines, the header that proves our origin, and typed failures. */

import { reasonHeader } from "./reasons";

/** An answer that is not a success. `code` is the server's, to be translated for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly body: unknown;

  constructor(status: number, code: string, message: string, body: unknown) {
    super(message);
    this.status = status;
    this.code = code;
    this.body = body;
  }
}

/** No answer at all: the network or the server is away, or the deadline passed. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** A call taker must know within a few seconds whether a key press worked. */
const REQUEST_TIMEOUT_MS = 6_000;

/** Browsers refuse keepalive bodies over 64 KiB; a character takes up to three bytes of UTF-8. */
const KEEPALIVE_CHARACTERS_MAX = 20_000;

interface RequestOptions {
  body?: unknown;
  /** Sent as it is instead of `body`, e.g. a YAML file or an attachment. */
  raw?: { type: string; data: string | Blob };
  /** For what may take longer than a key press. */
  timeoutMs?: number;
  headers?: Record<string, string>;
  /** Ends the request early, e.g. when a newer search replaced it. */
  signal?: AbortSignal;
  /** The request must outlive the page, as a save does when the tab is closed. */
  outlivePage?: boolean;
  /** A 401 here means wrong credentials and not the end of the session. */
  anonymous?: boolean;
}

let sessionLost: () => void = () => undefined;

/** Calls `listener` whenever the server says that the session is over. */
export function onSessionLost(listener: () => void): () => void {
  sessionLost = listener;
  return () => {
    sessionLost = () => undefined;
  };
}

/** Tells the application that the session is over; also used by the live connection. */
export function reportSessionLost(): void {
  sessionLost();
}

/** Of a problem document (RFC 9457). */
function readCode(body: unknown, status: number): { code: string; message: string } {
  if (typeof body === "object" && body !== null && "code" in body) {
    const { code } = body;
    const message = "detail" in body && typeof body.detail === "string" ? body.detail : "";
    if (typeof code === "string") return { code, message };
  }
  return { code: `http_${status}`, message: "" };
}

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Sends one request. Throws `ApiError`, `Unreachable`, or an `AbortError` of `signal`. */
export async function request(
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  options: RequestOptions = {},
): Promise<unknown> {
  const deadline = AbortSignal.timeout(options.timeoutMs ?? REQUEST_TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  const headers: Record<string, string> = { Accept: "application/json, application/problem+json", ...reasonHeader(path), ...options.headers };
  if (method !== "GET") headers["X-CCServer"] = "1";
  const init: RequestInit = { method, headers, signal, credentials: "same-origin" };
  if (options.body !== undefined) {
    const body = JSON.stringify(options.body);
    headers["Content-Type"] = "application/json";
    init.body = body;
    if (options.outlivePage && body.length < KEEPALIVE_CHARACTERS_MAX) init.keepalive = true;
  }
  if (options.raw !== undefined) {
    headers["Content-Type"] = options.raw.type;
    init.body = options.raw.data;
  }
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(path, init);
    body = await readBody(response);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Unreachable(`${method} ${path}`, { cause: error });
  }
  if (response.ok) return body;
  if (response.status === 401 && !options.anonymous) sessionLost();
  const { code, message } = readCode(body, response.status);
  throw new ApiError(response.status, code, message, body);
}
