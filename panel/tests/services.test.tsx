/** Services on the card and at their desk: sending, chains, alarms, units, and nothing lost offline. */

import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chainOf, nextSteps, ordered, withInvolvement, withLine } from "../src/services/involvements";
import type { DeskLine, Involvement, StepState, Told, Unit } from "../src/services/types";
import { faults } from "./axe";
import { openWorkplace, startServer, type FakeServer } from "./fake-server";
import { card, item, me, NOW } from "./samples";
import { conversation, text } from "./text-samples";

const ALLOWED: Involvement["allowed"] = [
  "received", "seen", "accepted", "refused", "dispatched", "en_route", "on_scene", "cleared", "withdrawn",
];

function step(state: StepState, change: Partial<Told<StepState>> = {}): Told<StepState> {
  return {
    state, at: NOW, happened_at: null, key: state, author: "anna", source: "centre", reason: null, note: "", ...change,
  };
}

function involvement(change: Partial<Involvement> = {}): Involvement {
  return {
    involvement_id: "v1",
    incident_id: "i1",
    service: "vugd",
    state: "sent",
    sent_at: NOW,
    sent_by: "anna",
    note: "",
    seen_at: null,
    due_at: NOW,
    overdue: false,
    alarms: 0,
    revision: 0,
    allowed: ALLOWED,
    steps: [step("sent")],
    units: [],
    ...change,
  };
}

function line(change: Partial<Involvement> = {}): DeskLine {
  return {
    involvement: involvement(change),
    incident: {
      incident_id: "i1",
      number: "2026-000001",
      opened_at: NOW,
      type: null,
      priority: null,
      address: "Brīvības iela 1",
      lat: null,
      lon: null,
      caller_number: "+37126123456",
    },
  };
}

function unit(change: Partial<Unit> = {}): Unit {
  return { unit_id: "u1", service: "vugd", call_sign: "R-11", kind: "", capacity: null, active: true, involved_in: [], ...change };
}

const CATALOGUE = {
  version: 1,
  catalogue: {
    types: [],
    services: [
      { code: "vugd", titles: { en: "Fire and Rescue" } },
      { code: "nmpd", titles: { en: "Ambulance" } },
      { code: "old", titles: {}, active: false },
    ],
    refusal_reasons: [{ code: "no_units", titles: { en: "No free units" } }],
    delay_reasons: [{ code: "traffic", titles: { en: "Traffic" } }],
  },
};

let server: FakeServer;

beforeEach(() => {
  sessionStorage.clear();
  server = startServer();
  server.on("GET /api/catalogue", { body: CATALOGUE });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("what follows from involvements", () => {
  it("keeps the newer of two that overtook one another", () => {
    const old = involvement({ revision: 1 });
    const list = withInvolvement([involvement({ revision: 2, state: "seen" })], old, "i1");
    expect(list.map((one) => one.state)).toEqual(["seen"]);
    expect(withInvolvement(list, involvement({ revision: 3, incident_id: "i2" }), "i1")).toEqual([]);
    expect(withInvolvement([], involvement({ incident_id: "i2" }), "i1")).toEqual([]);
  });

  it("puts unread lines first, then the newest, and drops what is done", () => {
    const seen = line({ involvement_id: "a", seen_at: NOW, state: "seen", sent_at: "2026-11-23T15:00:09.000Z" });
    const older = line({ involvement_id: "b", sent_at: "2026-11-23T15:00:01.000Z" });
    const newest = line({ involvement_id: "c", sent_at: "2026-11-23T15:00:05.000Z" });
    const ids = (lines: readonly DeskLine[]): string[] => lines.map((one) => one.involvement.involvement_id);
    expect(ids(ordered([seen, older, newest]))).toEqual(["c", "b", "a"]);
    const done = line({ involvement_id: "c", revision: 1, state: "refused" });
    expect(ids(withLine([older, newest], done))).toEqual(["b"]);
  });

  it("shows the whole chain with gaps, and exceptions only where told", () => {
    const links = chainOf(involvement({ steps: [step("sent"), step("on_scene", { out_of_order: true }), step("withdrawn")] }));
    expect(links.filter((link) => link.step !== null).map((link) => link.state)).toEqual(["sent", "on_scene", "withdrawn"]);
    expect(links).toHaveLength(9);
  });

  it("offers only what the server allows, the usual first", () => {
    expect(nextSteps(involvement({ state: "accepted" }))).toEqual(["dispatched", "en_route", "refused"]);
    expect(nextSteps(involvement({ state: "cleared", allowed: ["closed"] }))).toEqual(["closed"]);
  });
});

describe("services on the card", () => {
  async function openCard(services: Involvement[] = []): Promise<HTMLElement> {
    server.on("GET /api/cards/i1/services", { body: { involvements: services } });
    server.on("GET /api/cards", { body: { cards: [card()], next: null } });
    await openWorkplace(server);
    await userEvent.click(await screen.findByTestId("recent-card"));
    return screen.findByTestId("services");
  }

  it("sends to all that are ticked with one key, and shows how far each is", async () => {
    server.on("POST /api/cards/i1/services", {
      body: { involvements: [involvement(), involvement({ involvement_id: "v2", service: "nmpd" })] },
    });
    const panel = await openCard();
    await waitFor(() => expect(within(panel).getAllByTestId("service-choice")).toHaveLength(2));
    expect(panel).toHaveTextContent("Fire and Rescue");
    for (const choice of within(panel).getAllByTestId("service-choice")) await userEvent.click(choice);
    await userEvent.type(within(panel).getByTestId("service-note"), "Smoke");
    await userEvent.keyboard("{Control>}{Enter}{/Control}");
    await waitFor(() => expect(within(panel).getAllByTestId("service")).toHaveLength(2));
    expect(server.sent("POST /api/cards/i1/services")).toMatchObject({ services: ["vugd", "nmpd"], note: "Smoke" });
    expect(within(panel).queryAllByTestId("service-choice")).toEqual([]);
    server.say({ type: "involvement", seq: 2, ...line({ revision: 1, state: "accepted", seen_at: NOW }) });
    const states = within(panel).getAllByTestId("service").map((one) => one.dataset.state);
    expect(states.sort()).toEqual(["accepted", "sent"]);
    expect(await faults(panel)).toEqual([]);
  });

  it("ticks what the catalogue proposes for the type", async () => {
    const typed = { ...card(), fields: { type: { value: "fire", version: 1 } } };
    server.on("GET /api/cards/i1", { body: typed });
    server.on("POST /api/catalogue/guide", { body: { version: 1, questions: [], type: "fire", priority: null, hazards: [], services: [{ service: "nmpd", why: "type" }] } });
    const panel = await openCard();
    await waitFor(() => expect(within(panel).getByText("proposed")).toBeVisible());
    const ticked = within(panel).getAllByTestId("service-choice").filter((box) => (box as HTMLInputElement).checked);
    expect(ticked.map((box) => box.dataset.service)).toEqual(["nmpd"]);
  });

  it("says what was not sent, and sends the same again with its key", async () => {
    server.on("POST /api/cards/i1/services", { status: 503, body: { code: "database_unavailable" } });
    const panel = await openCard();
    await userEvent.click(await within(panel).findByLabelText("Fire and Rescue"));
    await userEvent.click(within(panel).getByTestId("service-send"));
    expect(await within(panel).findByTestId("service-unsent")).toHaveTextContent("Not sent: Fire and Rescue");
    const first = server.sent("POST /api/cards/i1/services");
    server.on("POST /api/cards/i1/services", { body: { involvements: [involvement()] } });
    await userEvent.click(within(panel).getByTestId("service-again"));
    await waitFor(() => expect(within(panel).queryByTestId("service-unsent")).toBeNull());
    expect(server.sent("POST /api/cards/i1/services")).toEqual(first);
    expect(within(panel).getByTestId("service")).toHaveAttribute("data-state", "sent");
  });

  it("shouts when a service refuses or does not look, and offers others", async () => {
    const refused = involvement({ state: "refused", steps: [step("sent"), step("refused", { reason: "no_units" })] });
    const panel = await openCard([refused, involvement({ involvement_id: "v2", service: "nmpd", overdue: true, alarms: 1 })]);
    expect(await within(panel).findByTestId("service-refused")).toHaveTextContent("Refused: No free units");
    expect(within(panel).getByTestId("service-overdue")).toHaveTextContent("Nobody there has seen it yet");
    const again = within(panel).getByTestId("service-choice");
    expect(again).toHaveAttribute("data-service", "vugd");
    expect(again).not.toBeChecked();
  });

  it("withdraws after a second look", async () => {
    server.on("POST /api/involvements/v1/steps", { body: { involvement: involvement({ revision: 1, state: "withdrawn" }) } });
    const panel = await openCard([involvement()]);
    await userEvent.click(await within(panel).findByTestId("service-withdraw"));
    expect(server.asked).not.toContain("POST /api/involvements/v1/steps");
    await userEvent.click(within(panel).getByTestId("service-withdraw-confirm"));
    await waitFor(() => expect(within(panel).getByTestId("service")).toHaveAttribute("data-state", "withdrawn"));
    expect(server.sent("POST /api/involvements/v1/steps")).toMatchObject({ state: "withdrawn" });
  });

  it("tells whoever sent for a service of its alarm, and nobody else at a seat", async () => {
    await openCard();
    const data = { active: true, involvement_id: "v1", card_number: "2026-000001", service: "vugd" };
    server.say({ type: "alarm", seq: 2, code: "service_overdue", data: { ...data, sent_by: "boris" } });
    expect(screen.queryByTestId("notice")).toBeNull();
    server.say({ type: "alarm", seq: 3, code: "service_refused", data: { ...data, sent_by: "anna" } });
    expect(await screen.findByTestId("notice")).toHaveTextContent("A service has refused: Fire and Rescue · 2026-000001");
    server.say({ type: "alarm", seq: 4, code: "service_refused", data: { ...data, sent_by: "anna", active: false } });
    await waitFor(() => expect(screen.queryByTestId("notice")).toBeNull());
  });
});

describe("the desk", () => {
  const STEPS = "POST /api/involvements/v1/steps";

  async function openDesk(lines: DeskLine[], units: Unit[] = []): Promise<HTMLElement> {
    const account = { ...me().account, role: "service_dispatcher", agent_id: null, service: "vugd" };
    server.on("GET /api/me", { body: { ...me(), account, agent: null, rights: { ...me().rights, desk: true, contacts: false } } });
    server.on("GET /api/desk/incidents", { body: { service: "vugd", incidents: lines, next: null } });
    server.on("GET /api/desk/units", { body: { service: "vugd", units } });
    await openWorkplace(server, { me: { account, agent_id: null } });
    if (screen.queryByTestId("desk") === null) await userEvent.click(screen.getByTestId("page-desk"));
    return screen.findByTestId("desk");
  }

  /** Answers every step with the involvement in that state. */
  function takeSteps(): void {
    let revision = 0;
    const steps = [step("sent")];
    server.on(STEPS, (body) => {
      const { state } = body as { state: Involvement["state"] };
      revision += 1;
      steps.push(step(state));
      const seen_at = state === "received" ? null : NOW;
      return { body: { involvement: involvement({ revision, state, seen_at, steps: [...steps] }) } };
    });
  }

  const told = (): unknown[] =>
    server.bodies.filter((_, index) => server.asked[index] === STEPS).map((body) => (body as { state: string }).state);

  it("says by itself that a message arrived, and that it was seen only when a person opens it", async () => {
    takeSteps();
    const desk = await openDesk([line()]);
    expect(await within(desk).findByTestId("desk-new")).toHaveTextContent("Unread: 1");
    await waitFor(() => expect(told()).toEqual(["received"]));
    await userEvent.click(within(desk).getByTestId("desk-line"));
    await waitFor(() => expect(told()).toEqual(["received", "seen"]));
    await waitFor(() => expect(within(desk).queryByTestId("desk-new")).toBeNull());
    expect(await within(desk).findByTestId("card")).toBeVisible();
    expect(await faults(desk)).toEqual([]);
  });

  it("shows a new incident at once, unread first", async () => {
    const desk = await openDesk([line({ involvement_id: "v0", seen_at: NOW, state: "seen", steps: [step("received")] })]);
    await within(desk).findByTestId("desk-line");
    server.say({ type: "involvement", seq: 2, ...line({ involvement_id: "v9", state: "received" }) });
    server.say({ type: "involvement", seq: 3, ...line({ involvement_id: "v8", service: "nmpd" }) });
    const ids = within(desk).getAllByTestId("desk-line").map((one) => one.dataset.involvement);
    expect(ids).toEqual(["v9", "v0"]);
  });

  it("reads what the citizen writes as soon as its card has changed", async () => {
    takeSteps();
    const seen = line({ seen_at: NOW, state: "seen", steps: [step("received")] });
    const desk = await openDesk([seen]);
    server.on("GET /api/cards/i1", { body: card({ timeline: [item("text_received")] }) });
    server.on("GET /api/incidents/i1/conversations", { body: { conversations: [conversation()] } });
    await userEvent.click(await within(desk).findByTestId("desk-line"));
    expect(await within(desk).findAllByTestId("text")).toHaveLength(1);
    const more = conversation({ messages: [text(), text({ message_id: "m9", text: "Ātrāk!" })] });
    server.on("GET /api/incidents/i1/conversations", { body: { conversations: [more] } });
    server.say({ type: "involvement", seq: 2, ...seen });
    expect(await within(desk).findByText("Ātrāk!")).toBeVisible();
  });

  it("is worked by keyboard: F2 does what is next", async () => {
    takeSteps();
    const desk = await openDesk([line({ state: "received" })]);
    await userEvent.click(await within(desk).findByTestId("desk-line"));
    await within(desk).findByTestId("desk-accepted");
    await userEvent.keyboard("{F2}");
    await waitFor(() => expect(within(desk).getByTestId("desk-dispatched")).toBeVisible());
    await userEvent.keyboard("{F2}");
    await waitFor(() => expect(told()).toEqual(["seen", "accepted", "dispatched"]));
  });

  it("refuses with a reason", async () => {
    takeSteps();
    const desk = await openDesk([line({ state: "received" })]);
    await userEvent.click(await within(desk).findByTestId("desk-line"));
    await userEvent.click(await within(desk).findByTestId("desk-refused"));
    expect(screen.getByTestId("reason-submit")).toBeDisabled();
    await userEvent.click(screen.getByTestId("reason-no_units"));
    await userEvent.type(screen.getByTestId("reason-note"), "All out");
    await userEvent.click(screen.getByTestId("reason-submit"));
    await waitFor(() => expect(server.sent(STEPS)).toMatchObject({ state: "refused", reason: "no_units", note: "All out" }));
    // Nothing to do with it any more.
    await waitFor(() => expect(within(desk).queryByTestId("desk-line")).toBeNull());
  });

  it("keeps what is told without a server, shows it as waiting, and sends it later with the same key", async () => {
    takeSteps();
    const desk = await openDesk([line({ state: "seen", seen_at: NOW })]);
    await userEvent.click(await within(desk).findByTestId("desk-line"));
    server.on(STEPS, { status: 503, body: { code: "database_unavailable" } });
    await userEvent.click(await within(desk).findByTestId("desk-accepted"));
    expect(await within(desk).findByTestId("waiting-step")).toHaveTextContent("Accepted: not sent yet");
    const key = (server.sent(STEPS) as { key: string }).key;
    expect(sessionStorage.getItem("ccserver.steps.anna")).toContain(key);
    takeSteps();
    act(() => void window.dispatchEvent(new Event("online")));
    await waitFor(() => expect(within(desk).queryByTestId("waiting-step")).toBeNull());
    expect((server.sent(STEPS) as { key: string }).key).toBe(key);
    expect(sessionStorage.getItem("ccserver.steps.anna")).toBeNull();
  });

  it("shows what the server did not take, until somebody has read it", async () => {
    const desk = await openDesk([line({ state: "seen", seen_at: NOW })]);
    await userEvent.click(await within(desk).findByTestId("desk-line"));
    server.on(STEPS, { status: 409, body: { code: "not_allowed_now", state: "withdrawn", allowed: [] } });
    await userEvent.click(await within(desk).findByTestId("desk-accepted"));
    const refused = await within(desk).findByTestId("waiting-step");
    await waitFor(() => expect(refused).toHaveAttribute("data-refused", "true"));
    await userEvent.click(within(desk).getByTestId("waiting-dismiss"));
    expect(within(desk).queryByTestId("waiting-step")).toBeNull();
  });

  it("assigns units, asks before one is bound twice, and tells where they are", async () => {
    const busy = unit({
      unit_id: "u2",
      call_sign: "R-12",
      involved_in: [{ involvement_id: "v7", incident_id: "i7", state: "on_scene", since: NOW, delayed: false }],
    });
    const assigned = involvement({
      revision: 5,
      state: "accepted",
      seen_at: NOW,
      units: [{ unit_id: "u1", call_sign: "R-11", kind: "", state: "assigned", since: NOW, delayed: false, steps: [] }],
    });
    server.on("POST /api/involvements/v1/units/u1/steps", { body: { involvement: assigned } });
    server.on("POST /api/involvements/v1/units/u2/steps", { body: { involvement: assigned } });
    const desk = await openDesk([line({ state: "seen", seen_at: NOW })], [unit(), busy]);
    await userEvent.click(await within(desk).findByTestId("desk-line"));
    const [free, bound] = within(desk).getAllByTestId("unit-assign") as [HTMLElement, HTMLElement];
    await userEvent.click(bound);
    expect(server.asked).not.toContain("POST /api/involvements/v1/units/u2/steps");
    await userEvent.click(bound);
    await waitFor(() =>
      expect(server.sent("POST /api/involvements/v1/units/u2/steps")).toMatchObject({ state: "assigned", confirm: true }),
    );
    await userEvent.click(free);
    await waitFor(() => expect(server.sent("POST /api/involvements/v1/units/u1/steps")).toMatchObject({ state: "assigned" }));
    const crew = await within(desk).findByTestId("desk-unit");
    await userEvent.click(within(crew).getByTestId("unit-delayed"));
    await userEvent.click(screen.getByTestId("reason-traffic"));
    await userEvent.click(screen.getByTestId("reason-submit"));
    await waitFor(() =>
      expect(server.sent("POST /api/involvements/v1/units/u1/steps")).toMatchObject({ state: "delayed", reason: "traffic" }),
    );
  });

  it("adds a unit", async () => {
    server.on("POST /api/desk/units", (body) => ({ body: { unit: unit(body as Partial<Unit>) } }));
    const desk = await openDesk([]);
    expect(await within(desk).findByTestId("desk-empty")).toBeVisible();
    await userEvent.type(within(desk).getByTestId("unit-call-sign"), "R-21{Enter}");
    expect(await within(desk).findByTestId("unit")).toHaveTextContent("R-21");
  });

  it("keeps the list in sight while it cannot be read anew", async () => {
    const desk = await openDesk([line({ state: "seen", seen_at: NOW })]);
    await within(desk).findByTestId("desk-line");
    server.on("GET /api/desk/incidents", { status: 503, body: { code: "database_unavailable" } });
    server.snapshot({ me: { account: me().account, agent_id: null } });
    expect(await within(desk).findByTestId("desk-error")).toBeVisible();
    expect(within(desk).getByTestId("desk-line")).toBeVisible();
  });

  it("lets a supervisor pick the service", async () => {
    server.on("GET /api/me", { body: me({ rights: { ...me().rights, desk: true, contacts: false } }) });
    server.on("GET /api/desk/incidents", { body: { service: "vugd", incidents: [], next: null } });
    server.on("GET /api/desk/units", { body: { service: "vugd", units: [] } });
    await openWorkplace(server);
    await userEvent.click(screen.getByTestId("page-desk"));
    const desk = await screen.findByTestId("desk");
    await waitFor(() => expect(desk).toHaveTextContent("Desk: Fire and Rescue"));
    await userEvent.selectOptions(within(desk).getByTestId("desk-service"), "nmpd");
    await waitFor(() => expect(server.paths).toContain("/api/desk/incidents?service=nmpd"));
    await userEvent.click(within(desk).getByTestId("desk-close"));
    expect(screen.queryByTestId("desk")).toBeNull();
  });
});
