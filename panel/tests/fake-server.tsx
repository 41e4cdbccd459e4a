/** A server for the whole panel in tests: HTTP routes, sockets, and what was asked of it. */

import { act, render, screen, waitFor } from "@testing-library/react";
import { expect, vi } from "vitest";
import { App } from "../src/app/App";
import { agent, card, directory, me } from "./samples";

interface Answer {
  status?: number;
  body?: unknown;
}

type Route = (body: unknown, headers: Headers) => Answer;

/** The server's HTTP side: routes by "METHOD path", and what was asked. */
export class FakeServer {
  routes = new Map<string, Route>();
  asked: string[] = [];
  /** With their query. */
  paths: string[] = [];
  /** What was sent with each request, in the order of `asked`. */
  bodies: unknown[] = [];
  sockets: FakeSocket[] = [];

  on(name: string, answer: Answer | Route): void {
    this.routes.set(name, typeof answer === "function" ? answer : () => answer);
  }

  readonly fetch = (path: string, init: RequestInit = {}): Promise<Response> => {
    const name = `${init.method ?? "GET"} ${path.split("?")[0] ?? ""}`;
    this.asked.push(name);
    this.paths.push(path);
    const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : null;
    this.bodies.push(body);
    const route = this.routes.get(name) ?? (() => ({ status: 404, body: { code: "not_found" } }));
    const answer = route(body, new Headers(init.headers));
    const text = answer.body === undefined ? "" : JSON.stringify(answer.body);
    return Promise.resolve(new Response(text, { status: answer.status ?? 200 }));
  };

  /** The body of the last request of this name. */
  sent(name: string): unknown {
    return this.bodies[this.asked.lastIndexOf(name)];
  }

  say(...messages: object[]): void {
    act(() => messages.forEach((message) => this.sockets.at(-1)?.receive(message)));
  }

  snapshot(change: object = {}): void {
    act(() => this.sockets.at(-1)?.onopen?.());
    this.say({
      type: "snapshot",
      epoch: "e1",
      seq: 1,
      contacts: [],
      agents: [agent()],
      me: { account: me().account, agent_id: "agent-101" },
      server_time: new Date().toISOString(),
      ...change,
    });
  }
}

export class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor(server: FakeServer) {
    server.sockets.push(this);
  }
  send(): void {
    // What the panel says is checked in client.test.ts.
  }
  close(): void {
    this.onclose = null;
  }
  receive(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

/** Puts a fake server in the place of the network, with an ordinary call taker logged in. */
export function startServer(): FakeServer {
  const server = new FakeServer();
  server.on("GET /api/me", { body: me() });
  server.on("GET /api/cards", { body: { cards: [], next: null } });
  server.on("GET /api/cards/i1", { body: card() });
  server.on("GET /api/audit", { body: { entries: [], next: null, people: [] } });
  server.on("GET /api/directory", { body: directory() });
  vi.stubGlobal("fetch", server.fetch);
  vi.stubGlobal(
    "WebSocket",
    class extends FakeSocket {
      constructor() {
        super(server);
      }
    },
  );
  return server;
}

/** The workplace with a first snapshot, changed where a test needs it. */
export async function openWorkplace(server: FakeServer, change: object = {}): Promise<void> {
  render(<App />);
  await screen.findByTestId("who");
  await waitFor(() => expect(server.sockets).toHaveLength(1));
  server.snapshot(change);
}
