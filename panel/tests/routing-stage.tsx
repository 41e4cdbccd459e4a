/** A page of the editor over a fake server, with the session around it that the workplace gives. */

import { render } from "@testing-library/react";
import axe from "axe-core";
import type { ReactNode } from "react";
import { expect, vi } from "vitest";
import type { Me } from "../src/api/types";
import { SessionContext, type Session } from "../src/app/session";
import { EMPTY } from "../src/live/state";
import { ToastStore } from "../src/shared/toast-store";
import { Toasts } from "../src/shared/Toasts";
import { me, agent } from "./samples";

export interface Answer {
  status?: number;
  body?: unknown;
}

export interface Asked {
  name: string;
  body: unknown;
  headers: Headers;
}

export class FakeAPI {
  readonly routes = new Map<string, (asked: Asked) => Answer>();
  readonly asked: Asked[] = [];

  on(name: string, answer: Answer | ((asked: Asked) => Answer)): void {
    this.routes.set(name, typeof answer === "function" ? answer : () => answer);
  }

  askedFor(name: string): Asked[] {
    return this.asked.filter((one) => one.name === name);
  }

  readonly fetch = (path: string, init: RequestInit = {}): Promise<Response> => {
    const name = `${init.method ?? "GET"} ${path}`;
    const headers = new Headers(init.headers);
    const json = headers.get("Content-Type") === "application/json";
    const asked = { name, headers, body: json ? (JSON.parse(init.body as string) as unknown) : init.body };
    this.asked.push(asked);
    const route = this.routes.get(name) ?? (() => ({ status: 404, body: { code: "not_found" } }));
    const { status = 200, body } = route(asked);
    if (status === 0) return Promise.reject(new TypeError("offline"));
    return Promise.resolve(new Response(body === undefined ? "" : JSON.stringify(body), { status }));
  };

  install(): void {
    vi.stubGlobal("fetch", this.fetch);
  }
}

/** The live side of a session: seats, and the version that the server tells. */
export class FakeLive {
  state = {
    ...EMPTY,
    agents: {
      "agent-101": agent(),
      "agent-102": agent({ agent_id: "agent-102", name: "Boriss Kalniņš", extension: "102" }),
    },
  };
  readonly clock = { now: () => Date.now() };
  private readonly listeners = new Set<() => void>();
  readonly getState = () => this.state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  tellVersion(version: number): void {
    this.state = { ...this.state, routingVersion: version };
    this.listeners.forEach((listener) => listener());
  }
}

export function stage(page: ReactNode, live = new FakeLive(), change: Partial<Me["rights"]> = {}) {
  const toasts = new ToastStore();
  const rights = { ...me().rights, routing: true, ...change };
  const session = { me: me({ rights }), live, toasts } as unknown as Session;
  return render(
    <SessionContext.Provider value={session}>
      <main>
        <div className="page">{page}</div>
        <Toasts store={toasts} />
      </main>
    </SessionContext.Provider>,
  );
}

/**
 * No finding of axe; colours need a browser that draws. Of a dialog its own part is enough: the
 * page under it is checked by itself, and walking through it takes most of a second.
 */
export async function expectAccessible(root: Element = document.body): Promise<void> {
  const { violations } = await axe.run(root, {
    rules: { "color-contrast": { enabled: false }, region: { enabled: false }, "page-has-heading-one": { enabled: false } },
  });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}
