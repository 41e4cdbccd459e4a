/** The supervisor's view: figures, monitoring, forced presences, notices; a call stays in sight. */

import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { faults } from "./axe";
import { openWorkplace, startServer, type FakeServer } from "./fake-server";
import { agent, contact, me, party } from "./samples";

let server: FakeServer;

const soon = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
const own = agent({ state: "not_ready", presence: { kind: "not_ready", reason: null } });
const bruno = agent({ agent_id: "agent-102", name: "Bruno Zariņš", extension: "102", state: "talking", contact_id: "c2" });
const dace = agent({ agent_id: "agent-103", name: "Dace Kļava", extension: "103", queues: ["office"] });
const theirs = contact({ contact_id: "c2", state: "talking", agent_id: "agent-102", caller_number: "+37129000000" });
const waiting = contact({ contact_id: "c3", arrived_at: soon(-20) });

/** The row of a seat or of a conversation. */
function row(testid: string, id: string): HTMLElement {
  const found = screen.getAllByTestId(testid).find((item) => Object.values(item.dataset).includes(id));
  if (found === undefined) throw new Error(`no ${testid} of ${id}`);
  return found;
}

async function openLive(change: object = {}): Promise<HTMLElement> {
  await openWorkplace(server, { contacts: [theirs, waiting], agents: [own, bruno, dace], ...change });
  await userEvent.click(screen.getByTestId("page-live"));
  return screen.getByTestId("live-view");
}

beforeEach(() => {
  server = startServer();
  const rights = { ...me().rights, monitor: true, supervise: true, routing: true, pick: true, desk: true };
  server.on("GET /api/me", { body: me({ rights }) });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("live view", () => {
  it("shows queues, seats and conversations, and is sound for screen readers", async () => {
    const view = await openLive();
    const emergency = (await within(view).findAllByTestId("live-queue"))[0];
    await waitFor(() => expect(emergency).toHaveTextContent(/^Emergency10:2\d10 nobody$/));
    expect(within(view).getAllByTestId("live-seat")).toHaveLength(3);
    expect(within(view).getByTestId("live-conversation")).toHaveTextContent("Bruno Zariņš");
    expect(await faults(view)).toEqual([]);
  });

  it("shows a citizen whom only a service has, with its name", async () => {
    const gone = contact({ contact_id: "c4", state: "handed_over", handed_over: true, parties: [party()] });
    await openLive({ contacts: [gone] });
    const conversation = screen.getByTestId("live-conversation");
    expect(conversation).toHaveTextContent("With a service");
    expect(conversation).toHaveTextContent("NMPD");
  });

  it("is not there without the right", async () => {
    server.on("GET /api/me", { body: me() });
    await openWorkplace(server);
    expect(screen.queryByTestId("page-live")).toBeNull();
    expect(screen.queryByTestId("page-routing")).toBeNull();
  });

  it("is there for a supervisor without a seat, who can only look and decide", async () => {
    const account = { ...me().account, role: "supervisor", agent_id: null };
    const rights = { ...me().rights, supervise: true };
    server.on("GET /api/me", { body: { ...me({ rights }), account, agent: null } });
    const view = await openLive({ me: { account, agent_id: null } });
    expect(view).toHaveTextContent("you need a seat of your own");
    expect(screen.getByTestId("monitor-listen")).toBeDisabled();
    expect(screen.getAllByTestId("force-off")).toHaveLength(3);
  });

  it("shows somebody who takes no part in calls the own page, and neither callers nor cards", async () => {
    const none = { contacts: false, callbacks: false, directory: false, "cards.search": false, "cards.edit": false };
    const account = { ...me().account, role: "telecom_admin" as const, agent_id: null };
    server.on("GET /api/me", { body: { ...me({ rights: { ...me().rights, ...none, routing: true } }), account, agent: null } });
    await openWorkplace(server, { me: { account, agent_id: null }, contacts: [], agents: [] });
    expect(screen.getByTestId("page-routing")).toHaveAttribute("aria-pressed", "true");
    for (const part of ["waiting-list", "agent-list", "recent-cards"]) expect(screen.queryByTestId(part)).toBeNull();
    expect(server.asked).not.toContain("GET /api/cards");
  });

  it("has a button for each page that the account has a right to", async () => {
    await openWorkplace(server);
    expect(screen.getByTestId("page-routing")).toBeVisible();
    expect(screen.queryByTestId("page-people")).toBeNull();
  });
});

describe("monitoring", () => {
  it.each(["listen", "whisper", "barge"])("asks to %s", async (mode) => {
    server.on("POST /api/contacts/c2/monitor", {});
    await openLive();
    await userEvent.click(screen.getByTestId(`monitor-${mode}`));
    await waitFor(() => expect(server.sent("POST /api/contacts/c2/monitor")).toEqual({ mode }));
  });

  it("stays on screen while it lasts, also on the workplace, and is stopped there", async () => {
    server.on("POST /api/contacts/c2/monitor", {});
    await openLive();
    const listening = { ...own, monitoring: { contact_id: "c2", mode: "listen" } };
    server.say({ type: "agent", seq: 2, agent: listening });
    await userEvent.keyboard("{Escape}");
    expect(screen.queryByTestId("live-view")).toBeNull();
    const bar = screen.getByTestId("monitor-bar");
    expect(bar).toHaveTextContent("You are listening: Bruno Zariņš · +371 2900 0000");
    expect(within(bar).getByTestId("monitor-listen")).toHaveAttribute("aria-pressed", "true");
    expect(await faults(bar)).toEqual([]);
    await userEvent.click(within(bar).getByTestId("monitor-off"));
    await waitFor(() => expect(server.sent("POST /api/contacts/c2/monitor")).toEqual({ mode: "off" }));
    server.say({ type: "agent", seq: 3, agent: own });
    expect(screen.queryByTestId("monitor-bar")).toBeNull();
  });

  it("takes a conversation over", async () => {
    server.on("POST /api/contacts/c2/take-over", {});
    await openLive();
    await userEvent.click(screen.getByTestId("monitor-take-over"));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c2/take-over"));
    // From then on it is our own call, whatever is still said of how we came to it.
    server.say({ type: "agent", seq: 2, agent: { ...own, monitoring: { contact_id: "c2", mode: "barge" } } });
    expect(screen.getByTestId("monitor-bar")).toBeVisible();
    server.say({ type: "contact", seq: 3, contact: contact({ contact_id: "c2", state: "talking", agent_id: "agent-101" }) });
    expect(screen.queryByTestId("monitor-bar")).toBeNull();
  });

  it("needs a seat, a phone, and no call of our own", async () => {
    await openLive({ agents: [{ ...own, reachable: false }, bruno] });
    expect(screen.getByTestId("monitor-listen")).toBeDisabled();
    expect(screen.getByTestId("live-view")).toHaveTextContent("Your phone is not reachable");
    server.say({ type: "agent", seq: 2, agent: own });
    expect(screen.getByTestId("monitor-listen")).toBeEnabled();
    server.say({ type: "contact", seq: 3, contact: contact({ state: "talking", agent_id: "agent-101" }) });
    await userEvent.click(screen.getByTestId("page-live"));
    const other = row("live-conversation", "c2");
    expect(within(other).getByTestId("monitor-listen")).toBeDisabled();
  });
});

describe("changes by people", () => {
  const entry = (number: number, change: object = {}): object => ({
    number,
    at: soon(-60),
    tag: "presence_forced",
    author: "chief",
    author_name: "Dace Liepa",
    login: "bruno",
    name: "Bruno Zariņš",
    agent_id: "agent-102",
    comment: "",
    data: { kind: "off", reason: null },
    ...change,
  });
  const people = [{ login: "bruno", name: "Bruno Zariņš" }];

  it("says so where nothing was changed", async () => {
    await openLive();
    await waitFor(() => expect(screen.getByTestId("audit")).toHaveTextContent("Nothing was changed."));
  });

  it("tells each in a sentence, of everybody or of one person, and older ones on demand", async () => {
    const entries = [
      entry(9, { comment: "Went home." }),
      entry(8, { data: { kind: "not_ready", reason: "training" } }),
      entry(7, { tag: "person_changed", author: "root", author_name: null, data: { fields: "name, role" } }),
      entry(6, { tag: "routing_saved", login: null, name: null, data: { version: 4 } }),
      entry(5, { tag: "something_new" }),
    ];
    server.on("GET /api/audit", { body: { entries, next: 5, people } });
    const view = await openLive();
    await waitFor(() => expect(screen.getAllByTestId("audit-entry")).toHaveLength(5));
    expect(screen.getAllByTestId("audit-entry").map((line) => line.querySelector("span")?.textContent)).toEqual([
      "Dace Liepa set Bruno Zariņš: Off duty – Went home.",
      "Dace Liepa set Bruno Zariņš: Not ready: Training",
      "root changed Bruno Zariņš: name, role",
      "Dace Liepa saved version 4 of the routing",
      "something_new",
    ]);
    expect(await faults(view)).toEqual([]);
    server.on("GET /api/audit", { body: { entries: [entry(1, { tag: "password_set" })], next: null, people } });
    await userEvent.click(screen.getByTestId("audit-older"));
    await waitFor(() => expect(screen.getAllByTestId("audit-entry")).toHaveLength(6));
    expect(screen.queryByTestId("audit-older")).toBeNull();
    await userEvent.selectOptions(screen.getByTestId("audit-person"), "bruno");
    await waitFor(() => expect(screen.getAllByTestId("audit-entry")).toHaveLength(1));
    expect(server.paths.at(-1)).toBe("/api/audit?person=bruno");
  });

  it("says so where it cannot be read", async () => {
    server.on("GET /api/audit", { status: 503, body: { code: "database_unavailable" } });
    await openLive();
    expect(await screen.findByRole("alert")).toHaveTextContent("cannot be read");
  });

  it("shows an own act at once, with why", async () => {
    server.on("PUT /api/agents/agent-103/presence", {});
    await openLive();
    await waitFor(() => expect(server.asked).toContain("GET /api/audit"));
    server.on("GET /api/audit", { body: { entries: [entry(1)], next: null, people } });
    await userEvent.click(within(row("live-seat", "agent-103")).getByTestId("force-off"));
    await userEvent.type(screen.getByTestId("force-comment"), "Went home.");
    await userEvent.click(screen.getByTestId("force-confirm"));
    expect(await screen.findByTestId("audit-entry")).toHaveTextContent("Dace Liepa set Bruno Zariņš");
    expect(server.sent("PUT /api/agents/agent-103/presence")).toMatchObject({ comment: "Went home." });
  });
});

describe("forced presence", () => {
  it("says that the talking call is finished first, and is done after a confirmation", async () => {
    server.on("PUT /api/agents/agent-102/presence", {});
    await openLive();
    await userEvent.click(screen.getByRole("button", { name: "Log Bruno Zariņš out" }));
    expect(screen.getByTestId("force-talking")).toHaveTextContent("finished first");
    expect(server.asked).not.toContain("PUT /api/agents/agent-102/presence");
    await userEvent.click(screen.getByTestId("force-confirm"));
    await waitFor(() => expect(screen.queryByTestId("force-dialog")).toBeNull());
    expect(server.sent("PUT /api/agents/agent-102/presence")).toEqual({ kind: "off", reason: null, comment: "" });
  });

  it("can be thought over", async () => {
    const away = { ...dace, state: "not_ready", presence: { kind: "not_ready", reason: "break" } };
    await openLive({ agents: [own, bruno, away] });
    await userEvent.click(screen.getByRole("button", { name: "Set Dace Kļava ready" }));
    expect(screen.queryByTestId("force-talking")).toBeNull();
    await userEvent.click(screen.getByTestId("force-cancel"));
    expect(screen.queryByTestId("force-dialog")).toBeNull();
    expect(server.asked.filter((name) => name.startsWith("PUT /api/agents"))).toEqual([]);
  });

  it("is not for our own seat, nor for what is so already", async () => {
    await openLive();
    expect(within(row("live-seat", "agent-101")).queryByTestId("force-off")).toBeNull();
    expect(within(row("live-seat", "agent-103")).getByTestId("force-ready")).toBeDisabled();
  });
});

describe("notices", () => {
  const waits = { type: "alarm", seq: 5, code: "contact_waits", data: { contact_id: "c3", queue: "emergency" } };

  it("name whom and where, and are put away when read", async () => {
    await openWorkplace(server, { contacts: [waiting] });
    server.say(waits);
    const notice = await screen.findByTestId("notice");
    await waitFor(() => expect(notice).toHaveTextContent("waits too long: +371 2612 3456 · Emergency"));
    expect(await faults(notice)).toEqual([]);
    await userEvent.click(screen.getByTestId("notice-acknowledge"));
    expect(screen.queryByTestId("notice")).toBeNull();
  });

  it("show the newest few and count the rest", async () => {
    await openWorkplace(server);
    server.say(
      ...["a", "b", "c", "d", "e"].map((queue, n) => ({ type: "alarm", seq: 5 + n, code: "nobody_logged_in", data: { queue } })),
    );
    await waitFor(() => expect(screen.getAllByTestId("notice")).toHaveLength(3));
    const shown = screen.getAllByTestId("notice");
    await waitFor(() => expect(shown[2]).toHaveTextContent("and 2 more"));
    expect(shown[0]).toHaveTextContent("is logged in: e");
  });

  it("are the supervisor's only", async () => {
    server.on("GET /api/me", { body: me() });
    await openWorkplace(server, { contacts: [waiting] });
    server.say(waits);
    expect(screen.queryByTestId("notice")).toBeNull();
    expect(screen.queryByTestId("alarm-banner")).toBeNull();
  });
});

describe("a call under a page", () => {
  const mine = contact({ state: "talking", agent_id: "agent-101" });

  it("stays in sight with the way back, and its strip stays as it was", async () => {
    await openWorkplace(server, { contacts: [mine], agents: [agent({ state: "talking" })] });
    const strip = screen.getByTestId("call");
    expect(screen.queryByTestId("call-bar")).toBeNull();
    await userEvent.click(screen.getByTestId("page-live"));
    expect(strip).not.toBeVisible();
    const bar = screen.getByTestId("call-bar");
    expect(bar).toHaveTextContent("In a call");
    expect(bar).toHaveTextContent("+371 2612 3456");
    expect(within(bar).getByTestId("bar-hangup")).toBeEnabled();
    expect(await faults(bar)).toEqual([]);
    await userEvent.click(screen.getByTestId("bar-back"));
    expect(screen.getByTestId("call")).toBe(strip);
    expect(strip).toBeVisible();
  });

  it("can be answered there, and brings the workplace back", async () => {
    server.on("POST /api/contacts/c1/answer", {});
    await openLive();
    const offer = { offer_id: "o1", deadline: soon(15) };
    server.say({ type: "contact", seq: 4, contact: contact({ state: "offered", agent_id: "agent-101", offer }) });
    const bar = screen.getByTestId("call-bar");
    expect(bar).toHaveTextContent("Emergency call for you");
    await userEvent.click(within(bar).getByTestId("bar-answer"));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/answer"));
    server.say({ type: "contact", seq: 5, contact: mine });
    expect(screen.queryByTestId("live-view")).toBeNull();
    expect(screen.getByTestId("call")).toBeVisible();
  });

  it("keeps a half-made change of a page that was left for it", async () => {
    await openWorkplace(server, { contacts: [mine], agents: [agent({ state: "talking" })] });
    await userEvent.click(screen.getByTestId("page-routing"));
    const page = await waitFor(() => {
      const shown = document.querySelector(".page:not([hidden]) section, .page:not([hidden]) main, .page:not([hidden]) [data-testid]");
      if (shown === null) throw new Error("the page is not loaded yet");
      return shown;
    });
    await userEvent.keyboard("{Escape}");
    expect(page.isConnected).toBe(true);
    expect(page).not.toBeVisible();
    expect(screen.getByTestId("call")).toBeVisible();
    await userEvent.click(screen.getByTestId("page-routing"));
    expect(page).toBeVisible();
    expect(screen.getByTestId("call-bar")).toBeVisible();
  });

  it("leaves an open window its Escape", async () => {
    await openLive();
    await userEvent.click(screen.getByRole("button", { name: "Log Bruno Zariņš out" }));
    await userEvent.keyboard("{Escape}");
    expect(screen.getByTestId("live-view")).toBeVisible();
  });
});
