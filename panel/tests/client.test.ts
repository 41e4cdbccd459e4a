/** The live connection resumes where it broke off, notices silence, and knows when to stay away. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LiveClient } from "../src/live/client";
import { NOW, agent, me } from "./samples";

class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  sent: unknown[] = [];
  closed = false;
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

let sockets: FakeSocket[] = [];
let doubts: boolean[] = [];
let client: LiveClient;

const SNAPSHOT = {
  type: "snapshot",
  epoch: "e1",
  seq: 5,
  contacts: [],
  agents: [agent()],
  me: { account: me().account, agent_id: "agent-101" },
  server_time: NOW,
};

function last(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error("no connection was made");
  return socket;
}

function goLive(): void {
  last().onopen?.();
  last().say(SNAPSHOT);
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  doubts = [];
  client = new LiveClient({
    url: "ws://test",
    onSessionDoubt: (certain) => doubts.push(certain),
    createSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    random: () => 1,
  });
  client.start();
});

afterEach(() => {
  client.stop();
  vi.useRealTimers();
});

it("says hello without a place at first, and is live with the snapshot", () => {
  goLive();
  expect(last().sent).toEqual([{ type: "hello", epoch: null, seq: null }]);
  expect(client.getConnection()).toBe("live");
});

it("resumes with the epoch and the number of the last message seen", () => {
  goLive();
  last().say({ type: "agent", seq: 8, agent: agent({ state: "talking" }) });
  last().onclose?.({ code: 1013 });
  expect(client.getConnection()).toBe("reconnecting");
  vi.advanceTimersByTime(300);
  last().onopen?.();
  expect(last().sent).toEqual([{ type: "hello", epoch: "e1", seq: 8 }]);
  last().say({ type: "resumed", epoch: "e1", seq: 8 });
  expect(client.getConnection()).toBe("live");
  expect(client.getState().agents["agent-101"]?.state).toBe("talking");
});

it("gives up a connection on which nothing came for 25 seconds", () => {
  goLive();
  const silent = last();
  vi.advanceTimersByTime(24_900);
  expect(silent.closed).toBe(false);
  vi.advanceTimersByTime(200);
  expect(silent.closed).toBe(true);
  expect(client.getConnection()).toBe("reconnecting");
});

it("answers a ping and stays", () => {
  goLive();
  vi.advanceTimersByTime(20_000);
  last().say({ type: "ping", seq: 5, server_time: NOW });
  vi.advanceTimersByTime(20_000);
  expect(last().sent.at(-1)).toEqual({ type: "pong" });
  expect(sockets).toHaveLength(1);
});

it("tries again with growing pauses of at most five seconds", () => {
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 7; attempt += 1) {
    const count = sockets.length;
    last().onclose?.({ code: 1006 });
    let waited = 0;
    while (sockets.length === count) {
      vi.advanceTimersByTime(100);
      waited += 100;
    }
    pauses.push(waited);
  }
  expect(pauses).toEqual([300, 600, 1200, 2400, 4800, 5000, 5000]);
});

it("raises a doubt about the session when a connection is refused before it opens", () => {
  last().onclose?.({ code: 1006 });
  expect(doubts).toEqual([false]);
});

it("is certain that the session is over at code 4401, and waits for a login", () => {
  goLive();
  last().onclose?.({ code: 4401 });
  vi.advanceTimersByTime(60_000);
  expect(doubts).toEqual([true]);
  expect(sockets).toHaveLength(1);
  client.retryNow();
  expect(sockets).toHaveLength(2);
});

it("stays away at code 4409, for another window has taken its place", () => {
  goLive();
  last().onclose?.({ code: 4409 });
  vi.advanceTimersByTime(60_000);
  client.retryNow();
  expect(client.getConnection()).toBe("replaced");
  expect(sockets).toHaveLength(1);
});

it("survives a message that is not JSON", () => {
  goLive();
  last().onmessage?.({ data: "{" });
  expect(client.getConnection()).toBe("live");
});

it("tells of changed cards, and after a break that any may have changed", () => {
  const changed: (string | null)[] = [];
  client.onCard((incidentId) => changed.push(incidentId));
  goLive();
  last().say({ type: "card", seq: 6, incident_id: "i1", contact_ids: [], number: "2026-000001" });
  expect(changed).toEqual([null, "i1"]);
});

it("reads the server's clock from pings, taking the fastest of them", () => {
  vi.setSystemTime(new Date("2026-11-23T14:59:00.000Z"));
  goLive();
  last().say({ type: "ping", seq: 5, server_time: "2026-11-23T14:59:58.000Z" });
  expect(client.clock.now()).toBe(Date.parse(NOW));
});

it("redraws in steps while colleagues are busy, and at once for our own seat", () => {
  goLive();
  let redraws = 0;
  client.subscribe(() => {
    redraws += 1;
  });
  for (let seq = 6; seq < 26; seq += 1) {
    last().say({ type: "agent", seq, agent: { ...agent(), agent_id: "agent-102", contact_id: `c${seq}` } });
  }
  expect(redraws).toBe(1);
  vi.advanceTimersByTime(100);
  expect(redraws).toBe(2);
  expect(client.getState().agents["agent-102"]?.contact_id).toBe("c25");
  last().say({ type: "agent", seq: 26, agent: agent() });
  expect(redraws).toBe(3);
});
