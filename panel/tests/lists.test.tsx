/** The waiting list and the call-back list: what they tell, and what can be done from them. */

import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { faults } from "./axe";
import { openWorkplace, startServer, type FakeServer } from "./fake-server";
import type { TimelineItem } from "../src/api/types";
import { Ringer } from "../src/phone/ringer";
import { agent, callback, card, contact, item, me } from "./samples";

let server: FakeServer;

const soon = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

beforeEach(() => {
  server = startServer();
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("waiting list", () => {
  const special = contact({
    queue_class: 9,
    language: "lv",
    shortage: "nobody_qualified",
    escalated: true,
    sort_at: soon(-30),
  });

  it("tells queue, class, language, why somebody waits, and that it was escalated", async () => {
    await openWorkplace(server, { contacts: [special] });
    const row = screen.getByTestId("waiting-row");
    await waitFor(() => expect(within(row).getByTestId("waiting-queue")).toHaveTextContent("Emergency"));
    expect(row).toHaveTextContent("Class 9");
    expect(within(row).getByTestId("mark-language")).toHaveTextContent("Latvian");
    expect(within(row).getByTestId("mark-escalated")).toBeVisible();
    expect(within(row).getByTestId("waiting-shortage")).toHaveTextContent("Nobody present has the skill");
    expect(await faults(screen.getByTestId("waiting-list"))).toEqual([]);
  });

  it.each([
    ["all_busy", "All call takers are busy"],
    ["nobody_logged_in", "Nobody is logged in"],
    ["no_device", "No phone can be reached"],
  ] as const)("says %s in words", async (shortage, words) => {
    await openWorkplace(server, { contacts: [contact({ shortage })] });
    expect(screen.getByTestId("waiting-shortage")).toHaveTextContent(words);
  });

  it("gives a contact to who may pick and is free", async () => {
    server.on("POST /api/contacts/c1/pick", {});
    server.on("GET /api/me", { body: me({ rights: { ...me().rights, pick: true } }) });
    await openWorkplace(server, { contacts: [special] });
    await userEvent.click(screen.getByTestId("waiting-take"));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/pick"));
    server.say({ type: "agent", seq: 2, agent: agent({ state: "talking" }) });
    expect(screen.getByTestId("waiting-take")).toBeDisabled();
  });

  it("has no such button without the right, or once it rings somewhere", async () => {
    await openWorkplace(server, { contacts: [special] });
    expect(screen.queryByTestId("waiting-take")).toBeNull();
  });
});

describe("call-back list", () => {
  const first = callback({ created_at: soon(-60), attempts: [{ at: soon(-30), agent_id: null, outcome: "no_answer", reason: "busy" }] });

  it("is empty in words", async () => {
    await openWorkplace(server);
    expect(screen.getByTestId("callback-list")).toHaveTextContent("Nobody has to be called back.");
  });

  it("lists who has to be called, with age and attempts, and follows the server", async () => {
    await openWorkplace(server, { callbacks: [first] });
    const row = screen.getByTestId("callback-row");
    expect(row).toHaveTextContent("+371 2612 3456");
    expect(within(row).getByTestId("callback-age")).toHaveTextContent(/1:\d\d/);
    expect(within(row).getByTestId("callback-attempts")).toHaveTextContent("Attempts: 1 (phone busy)");
    expect(await faults(screen.getByTestId("callback-list"))).toEqual([]);
    server.say({ type: "callback", seq: 2, task: callback({ task_id: "t2", priority: 9, exhausted: true }) });
    // What is not our own seat's is redrawn in steps.
    await waitFor(() => expect(screen.getByTestId("callback-count")).toHaveTextContent("2"));
    expect(screen.getAllByTestId("callback-row")[0]).toHaveTextContent("No more attempts");
    server.say({ type: "callback_gone", seq: 3, task_id: "t1" }, { type: "callback_gone", seq: 4, task_id: "t2" });
    await waitFor(() => expect(screen.queryByTestId("callback-row")).toBeNull());
  });

  it("calls by one click, but not while we are in a call or a colleague calls", async () => {
    server.on("POST /api/callbacks/t1/call", { body: { contact_id: "c7" } });
    await openWorkplace(server, { callbacks: [first] });
    await userEvent.click(screen.getByTestId("callback-call"));
    await waitFor(() => expect(server.asked).toContain("POST /api/callbacks/t1/call"));
    const attempts = [{ at: soon(0), agent_id: "agent-101", outcome: null }];
    server.say({ type: "callback", seq: 2, task: { ...first, state: "calling", attempts } });
    expect(await screen.findByTestId("callback-calling")).toHaveTextContent("Anna Bērziņa is calling");
    expect(screen.getByTestId("callback-call")).toBeDisabled();
    server.say({ type: "callback", seq: 3, task: first }, { type: "agent", seq: 4, agent: agent({ state: "talking" }) });
    expect(screen.getByTestId("callback-call")).toBeDisabled();
  });

  it("opens the card of the abandoned call", async () => {
    await openWorkplace(server, { callbacks: [first] });
    await userEvent.click(screen.getByTestId("callback-card"));
    expect(await screen.findByTestId("card")).toHaveAttribute("data-incident", "i1");
  });

  it("is told on the card step by step, also what a person wrote", async () => {
    const told = (tag: string, data: Record<string, string>, author: string | null = null): TimelineItem =>
      item(tag, { at: soon(-30), agent_id: tag === "callback_taken" ? "agent-101" : null, author, data });
    const timeline = [
      told("callback_opened", {}),
      told("callback_opened", { card: "2026-000007" }),
      told("callback_lined_up", {}),
      told("callback_taken", {}),
      told("callback_ended", { attempt: "no_answer", reason: "busy" }),
      told("callback_exhausted", {}),
      told("callback_closed", { outcome: "called_again" }),
      told("callback_closed", { outcome: "called_again", card: "2026-000007" }),
      told("callback_closed", { outcome: "not_needed", note: "A child was playing." }, "anna"),
    ];
    server.on("GET /api/cards/i1", { body: card({ timeline }) });
    await openWorkplace(server, { callbacks: [first] });
    await userEvent.click(screen.getByTestId("callback-card"));
    const lines = await screen.findAllByTestId("timeline-entry");
    expect(lines.map((line) => line.querySelector("span")?.textContent)).toEqual([
      "Call-back task opened",
      "Added to the call-back of card 2026-000007",
      "The call-back was put in line by itself",
      "Anna Bērziņa calls the citizen back",
      "Attempt to call back: no answer (phone busy)",
      "No more attempts by itself: a person decides",
      "Call-back task closed: The citizen called again",
      "This settled the call-back of card 2026-000007: The citizen called again",
      "Call-back task closed by anna: Not needed – A child was playing.",
    ]);
  });

  it("is closed with what came of it and a note", async () => {
    server.on("POST /api/callbacks/t1/close", {});
    await openWorkplace(server, { callbacks: [first] });
    await userEvent.click(screen.getByTestId("callback-close"));
    const dialog = screen.getByTestId("callback-dialog");
    expect(screen.getByTestId("callback-submit")).toBeDisabled();
    expect(await faults(dialog)).toEqual([]);
    await userEvent.click(screen.getByTestId("callback-outcome-not_needed"));
    await userEvent.type(screen.getByTestId("callback-note"), " a child's toy ");
    await userEvent.click(screen.getByTestId("callback-submit"));
    await waitFor(() => expect(screen.queryByTestId("callback-dialog")).toBeNull());
    expect(server.sent("POST /api/callbacks/t1/close")).toEqual({ outcome: "not_needed", note: "a child's toy" });
  });

  it("does not call what is no number", async () => {
    await openWorkplace(server, { callbacks: [callback({ number: "anonymous", dialable: false })] });
    expect(screen.getByTestId("callback-call")).toBeDisabled();
    expect(screen.getByTestId("callback-close")).toBeEnabled();
  });

  it("closes its window when the citizen has called again meanwhile", async () => {
    await openWorkplace(server, { callbacks: [first] });
    await userEvent.click(screen.getByTestId("callback-close"));
    server.say({ type: "callback_gone", seq: 2, task_id: "t1" });
    await waitFor(() => expect(screen.queryByTestId("callback-dialog")).toBeNull());
  });
});

describe("a car that was handed over", () => {
  const car = callback({ task_id: "car", kind: "handed_over", priority: 6, created_at: soon(-90) });
  const older = callback({ task_id: "older", kind: "handed_over", created_at: soon(-600), number: null });
  const banner = (): HTMLElement | null => document.querySelector('[data-code="ecall_handed_over"]');

  it("stands in a banner with how many there are, and sounds, until somebody takes it", async () => {
    const once = vi.spyOn(Ringer.prototype, "once");
    await openWorkplace(server, { callbacks: [car, older], alarms: ["ecall_handed_over"] });
    expect(banner()).toHaveTextContent(/nobody has taken it.*Waiting: 2, the oldest since \d/);
    expect(screen.getAllByTestId("alarm-banner")).toHaveLength(1);
    expect(screen.getAllByTestId("callback-row")[0]).toHaveTextContent(/Car handed over/);
    expect(once).toHaveBeenCalled();
    server.say(
      { type: "callback", seq: 2, task: { ...car, state: "calling" } },
      { type: "callback_gone", seq: 3, task_id: "older" },
      { type: "alarm", seq: 4, code: "ecall_handed_over", data: { active: false } },
    );
    await waitFor(() => expect(banner()).toBeNull());
  });

  it("is no matter of a citizen who gave up, and sounds in no conversation", async () => {
    const once = vi.spyOn(Ringer.prototype, "once");
    const talk = contact({ contact_id: "c1", state: "talking", agent_id: "agent-101" });
    await openWorkplace(server, { callbacks: [callback()] });
    expect(banner()).toBeNull();
    server.say({ type: "contact", seq: 2, contact: talk }, { type: "agent", seq: 3, agent: agent({ state: "talking", contact_id: "c1" }) });
    await waitFor(() => expect(screen.getByTestId("call")).toBeInTheDocument());
    server.say({ type: "callback", seq: 4, task: car });
    await waitFor(() => expect(banner()).not.toBeNull());
    expect(once).not.toHaveBeenCalled();
  });
});
