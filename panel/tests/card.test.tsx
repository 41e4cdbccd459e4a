/** The card: fields that save themselves, questions that guide, colleagues, cards that belong together. */

import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Card, SavedField } from "../src/api/types";
import { changesBy } from "../src/cards/guidance";
import { NO_FILTER, questionOf } from "../src/cards/filter";
import { entitiesOf, typeOptions, valueText } from "../src/cards/field-values";
import { matching } from "../src/shared/Combobox";
import { faults } from "./axe";
import { openWorkplace, startServer, type FakeServer } from "./fake-server";
import { card, NOW, summary } from "./samples";

const PERSON = "person:5f0c2d7e-0000-4000-8000-000000000001";

function field(value: unknown, version = 1): SavedField {
  return { value, version, saved_at: NOW, author: "janis" };
}

const CATALOGUE = {
  types: [
    { code: "fire", titles: { en: "Fire" }, parent: null, active: true },
    { code: "fire.building", titles: { en: "Building on fire" }, parent: "fire", active: true },
    { code: "crash", titles: { en: "Road accident" }, parent: null, active: true },
    { code: "old", titles: { en: "Old type" }, parent: null, active: false },
  ],
  hazards: [
    { code: "smoke", titles: { en: "Smoke" } },
    { code: "gas", titles: { en: "Gas" } },
  ],
  dispositions: [{ code: "false_call", titles: { en: "False call" } }],
  services: [],
};

const GUIDANCE = {
  questions: [
    {
      code: "trapped",
      titles: { en: "Is anybody trapped?" },
      help: null,
      kind: "yes_no",
      answers: [
        { code: "yes", titles: { en: "Yes" } },
        { code: "no", titles: { en: "No" } },
      ],
      required: true,
      answered: false,
    },
  ],
  type: "fire.building",
  priority: 7,
  hazards: [],
  services: [],
};

let server: FakeServer;
let user: ReturnType<typeof userEvent.setup>;

beforeEach(() => {
  server = startServer();
  user = userEvent.setup();
  server.on("GET /api/catalogue", { body: { version: 1, catalogue: CATALOGUE } });
  server.on("POST /api/catalogue/guide", { body: GUIDANCE });
  server.on("GET /api/cards", { body: { cards: [summary()], next: null } });
  server.on("GET /api/cards/i1/related", { body: { proposals: [], same_number: [], same_place: [] } });
  server.on("PUT /api/cards/i1/presence", { body: {} });
  server.on("DELETE /api/cards/i1/presence", { body: {} });
  server.on("GET /api/addresses", { body: { addresses: [] } });
  server.on("GET /api/map", { body: { files: [] } });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

function nth(testid: string, place: number): HTMLElement {
  const found = screen.getAllByTestId(testid)[place];
  if (!found) throw new Error(`there is no ${testid} number ${place}`);
  return found;
}

async function openCard(change: Partial<Card> = {}): Promise<void> {
  server.on("GET /api/cards/i1", { body: card(change) });
  await openWorkplace(server);
  await user.click(await screen.findByTestId("recent-card"));
  await screen.findByTestId("card");
}

function saves(version: number): (name: string) => void {
  return (name) => server.on(`PUT /api/cards/i1/fields/${name}`, { body: { version, saved_at: NOW } });
}

describe("fields", () => {
  it("save a chosen type at once, over the version that was seen", async () => {
    saves(1)("type");
    await openCard();
    await user.type(screen.getByTestId("field-type"), "buil");
    await user.keyboard("{Enter}");
    await waitFor(() => expect(server.sent("PUT /api/cards/i1/fields/type")).toEqual({ value: "fire.building" }));
    expect(await screen.findByTestId("questions")).toBeVisible();
  });

  it("show both values of a conflict, and lose neither", async () => {
    server.on("PUT /api/cards/i1/fields/summary", {
      status: 412,
      body: { code: "conflict", detail: "", current: { value: "theirs", version: 2, author: "janis" } },
    });
    await openCard({ fields: { summary: field("before") } });
    const box = screen.getByTestId("field-summary");
    await user.clear(box);
    await user.type(box, "mine");
    await user.tab();
    const conflict = await screen.findByTestId("field-conflict");
    expect(within(conflict).getByTestId("conflict-mine")).toHaveTextContent("mine");
    expect(within(conflict).getByTestId("conflict-theirs")).toHaveTextContent("theirs");
    saves(3)("summary");
    await user.click(within(conflict).getByTestId("conflict-keep-mine"));
    await waitFor(() => expect(screen.queryByTestId("field-conflict")).toBeNull());
    expect(server.sent("PUT /api/cards/i1/fields/summary")).toEqual({ value: "mine" });
  });

  it("add a person under an id of its own, and remove one", async () => {
    await openCard({ fields: { [PERSON]: field({ role: "witness", name: "Jānis" }) } });
    expect(screen.getByTestId("person-name")).toHaveValue("Jānis");
    saves(2)(encodeURIComponent(PERSON));
    await user.click(screen.getByTestId("person-remove"));
    await waitFor(() => expect(server.sent(`PUT /api/cards/i1/fields/${encodeURIComponent(PERSON)}`)).toEqual({ value: null }));
    expect(screen.queryByTestId("person")).toBeNull();
    await user.click(screen.getByTestId("person-add"));
    await user.type(screen.getByTestId("person-name"), "Anna");
    await user.tab();
    await waitFor(() => expect(server.asked.filter((name) => name.includes("/fields/person"))).toHaveLength(2));
  });

  it("take numbers, hazards and how many are hurt", async () => {
    ["callback_numbers", "hazards", "casualties"].forEach(saves(1));
    await openCard();
    await user.type(screen.getByTestId("callback-add"), "26123456{Enter}");
    await user.click(nth("hazard", 0));
    await user.type(screen.getByTestId("casualties-severe"), "2");
    await user.tab();
    await waitFor(() => expect(server.sent("PUT /api/cards/i1/fields/casualties")).toMatchObject({ value: { severe: 2 } }));
    expect(server.sent("PUT /api/cards/i1/fields/hazards")).toEqual({ value: ["smoke"] });
    expect(server.sent("PUT /api/cards/i1/fields/callback_numbers")).toEqual({ value: [{ number: "26123456", note: "" }] });
  });

  it("say who else is on the card and in which field", async () => {
    await openCard();
    server.say({
      type: "card_presence",
      seq: 2,
      incident_id: "i1",
      people: [
        { login: "janis", name: "Jānis Ozols", field: "summary" },
        { login: "anna", name: "Anna Bērziņa", field: "type" },
      ],
    });
    expect(screen.getByTestId("card-people")).toHaveTextContent("Jānis Ozols");
    expect(screen.getByTestId("card-people")).not.toHaveTextContent("Anna");
    expect(screen.getByTestId("field-person")).toHaveTextContent("Jānis Ozols");
  });

  it("tell colleagues in which field we are", async () => {
    await openCard();
    await user.click(screen.getByTestId("field-summary"));
    await waitFor(() => expect(server.sent("PUT /api/cards/i1/presence")).toEqual({ field: "summary" }));
  });

  it("pass the checks of accessibility", async () => {
    await openCard({ fields: { [PERSON]: field({ role: "witness", name: "Jānis" }), hazards: field(["gas"]) } });
    expect(await faults()).toEqual([]);
  });
});

describe("questions", () => {
  it("are answered by one press, and set what the catalogue says", async () => {
    ["answers", "type", "priority"].forEach(saves(2));
    await openCard();
    await user.type(screen.getByTestId("field-type"), "fire{Enter}");
    await screen.findByTestId("questions");
    await waitFor(() => expect(server.sent("PUT /api/cards/i1/fields/priority")).toEqual({ value: 7 }));
    await user.click(nth("answer", 0));
    await waitFor(() => expect(server.sent("PUT /api/cards/i1/fields/answers")).toEqual({ value: { trapped: "yes" } }));
  });

  it("write nothing on a card that is only read, and nothing for what a colleague chose", async () => {
    server.on("POST /api/catalogue/guide", { body: { ...GUIDANCE, hazards: ["smoke"] } });
    await openCard({ fields: { type: field("fire") } });
    await screen.findByTestId("questions");
    server.on("GET /api/cards/i1", { body: card({ fields: { type: field("crash", 2) } }) });
    server.say({ type: "card", seq: 2, incident_id: "i1", contact_ids: [], number: "2026-000001" });
    await waitFor(() => expect(server.sent("POST /api/catalogue/guide")).toMatchObject({ type: "crash" }));
    await user.click(screen.getByTestId("field-summary"));
    expect(server.asked.filter((name) => name.startsWith("PUT /api/cards/i1/fields"))).toEqual([]);
  });

  const guidance = { ...GUIDANCE, kind: undefined } as unknown as Parameters<typeof changesBy>[1];

  it("leave alone what a person has set otherwise", () => {
    const before = { ...guidance, type: "fire", priority: 5 };
    const now = { type: "crash", priority: 9, hazards: [] };
    expect(changesBy(before, guidance, now)).toEqual({});
    expect(changesBy(before, guidance, { ...now, type: "fire", priority: 5 })).toEqual({ type: "fire.building", priority: 7 });
    expect(changesBy(null, guidance, { ...now, priority: null })).toEqual({ priority: 7 });
  });

  it("add a hazard once: who takes it away has the last word", () => {
    const smoky = { ...guidance, hazards: ["smoke"], type: null, priority: null };
    const now = { type: null, priority: null, hazards: ["gas"] };
    expect(changesBy(null, smoky, now)).toEqual({ hazards: ["gas", "smoke"] });
    expect(changesBy(smoky, smoky, now)).toEqual({});
  });
});

describe("cards that belong together", () => {
  const proposal = {
    card: summary({ incident_id: "i2", number: "2026-000002", address: "Brīvības iela 1" }),
    distance_m: 350,
    minutes: 2,
    same_type: true,
    same_number: false,
  };

  it("are proposed with the reasons, and joined by one key", async () => {
    server.on("GET /api/cards/i1/related", { body: { proposals: [proposal], same_number: [], same_place: [] } });
    server.on("POST /api/cards/i1/merge", { body: {} });
    server.on("GET /api/cards/i2", { body: card({ incident_id: "i2", number: "2026-000002" }) });
    await openCard();
    const neighbour = await screen.findByTestId("neighbour");
    expect(neighbour).toHaveTextContent("350 m away · 2 min apart · same type");
    fireEvent.keyDown(window, { key: "F3", shiftKey: true });
    await waitFor(() => expect(server.sent("POST /api/cards/i1/merge")).toEqual({ into: "i2" }));
    await waitFor(() => expect(screen.getByTestId("card")).toHaveAttribute("data-incident", "i2"));
  });

  it("are folded but for the likeliest", async () => {
    const other = { ...proposal, card: { ...proposal.card, incident_id: "i3" } };
    server.on("GET /api/cards/i1/related", { body: { proposals: [proposal, other], same_number: [], same_place: [] } });
    await openCard();
    const more = await screen.findByTestId("neighbours-more");
    expect(more).not.toHaveAttribute("open");
    expect(more).toHaveTextContent("More: 1");
    const shown = screen.getAllByTestId("neighbour").map((row) => [row.getAttribute("data-incident"), more.contains(row)]);
    expect(shown).toEqual([
      ["i2", false],
      ["i3", true],
    ]);
  });

  it("show what an absorbed card said differently, and take it over by a press", async () => {
    saves(2)("summary");
    const notes = { text: "their notes", version: 1, saved_at: NOW, author: "janis" };
    const fields = { summary: field("two cars"), priority: field(5) };
    await openCard({
      fields: { summary: field("one car"), priority: field(5) },
      merged: [{ incident_id: "i2", number: "2026-000002", at: NOW, author: "janis", fields, notes }],
    });
    const differences = screen.getAllByTestId("merged-difference");
    expect(differences).toHaveLength(1);
    expect(screen.getByTestId("merged-card")).toHaveTextContent("their notes");
    await user.click(screen.getByTestId("merged-take"));
    await waitFor(() => expect(server.sent("PUT /api/cards/i1/fields/summary")).toEqual({ value: "two cars" }));
  });

  it("cannot be written on when they have become a part of another", async () => {
    await openCard({ merged_into: { incident_id: "i2", number: "2026-000002" } });
    expect(screen.getByTestId("merged-away")).toHaveTextContent("2026-000002");
    expect(screen.getByTestId("notes")).toBeDisabled();
    expect(screen.getByTestId("field-summary")).toBeDisabled();
  });

  it("are taken apart by contacts, but one stays", async () => {
    const contacts = ["c1", "c2"].map((contact_id) => ({
      ...summary(),
      contact_id,
      medium: "voice",
      outcome: "ended" as const,
      queue: "emergency",
      priority: 5,
      called_number: "112",
      arrived_at: NOW,
      recordings: [],
      service: null,
      test: false,
    }));
    server.on("POST /api/cards/i1/split", { body: { incident_id: "i3", number: "2026-000003" } });
    server.on("GET /api/cards/i3", { body: card({ incident_id: "i3", number: "2026-000003" }) });
    await openCard({ contacts });
    await user.click(screen.getByTestId("split-open"));
    const boxes = screen.getAllByTestId("split-contact");
    expect(screen.getByTestId("split-do")).toBeDisabled();
    for (const box of boxes) await user.click(box);
    expect(screen.getByTestId("split-do")).toBeDisabled();
    await user.click(nth("split-contact", 0));
    await user.click(screen.getByTestId("split-do"));
    await waitFor(() => expect(server.sent("POST /api/cards/i1/split")).toEqual({ contact_ids: ["c2"] }));
    await waitFor(() => expect(screen.getByTestId("card")).toHaveAttribute("data-incident", "i3"));
  });

  it("are taken back on the timeline", async () => {
    server.on("POST /api/cards/i1/undo", { body: {} });
    const entry = { at: NOW, tag: "merged", key: "merged:i2", contact_id: null, incident_id: "i1" };
    await openCard({ timeline: [{ ...entry, agent_id: null, author: "anna", data: { number: "2026-000002" } }] });
    await user.click(screen.getByTestId("undo"));
    await waitFor(() => expect(server.sent("POST /api/cards/i1/undo")).toEqual({ entry: "merged:i2" }));
  });

  it("list earlier ones of the same number and place", async () => {
    server.on("GET /api/cards/i1/related", {
      body: { proposals: [], same_number: [proposal.card], same_place: [] },
    });
    await openCard();
    expect(await screen.findByTestId("history-number")).toHaveTextContent("2026-000002");
    expect(screen.queryByTestId("history-place")).toBeNull();
  });
});

describe("files", () => {
  it("are sent as they are, with their names", async () => {
    server.on("POST /api/cards/i1/attachments", { body: {} });
    await openCard();
    const file = new File(["x"], "ēka.jpg", { type: "image/jpeg" });
    await act(() => user.upload(screen.getByTestId("attach"), file));
    await waitFor(() => expect(server.asked).toContain("POST /api/cards/i1/attachments"));
  });

  it("that are too large are told before they are sent", async () => {
    await openCard();
    const file = new File(["x"], "film.mp4", { type: "video/mp4" });
    Object.defineProperty(file, "size", { value: 11 * 1024 * 1024 });
    await act(() => user.upload(screen.getByTestId("attach"), file));
    expect(await screen.findByText(/film.mp4/)).toBeVisible();
    expect(server.asked).not.toContain("POST /api/cards/i1/attachments");
  });
});

describe("types", () => {
  const options = typeOptions(CATALOGUE.types);

  it("are found by any words of theirs and of what they are a part of", () => {
    expect(options.map((one) => one.code)).toEqual(["fire", "fire.building", "crash"]);
    expect(matching(options, "on fire").map((one) => one.code)).toEqual(["fire.building"]);
    expect(matching(options, "FIR").map((one) => one.code)).toEqual(["fire", "fire.building"]);
    expect(matching(options, "nothing")).toEqual([]);
  });

  it("name what they are a part of, also in a circle", () => {
    expect(options[1]?.path).toBe("Fire");
    const circle = [
      { code: "a", titles: {}, parent: "b" },
      { code: "b", titles: {}, parent: "a" },
    ];
    expect(typeOptions(circle)).toHaveLength(2);
  });
});

describe("values as text", () => {
  const titles = (code: string): string => `<${code}>`;

  it.each([
    ["priority", 5, "5"],
    ["summary", "one", "one"],
    ["type", "fire", "<fire>"],
    ["hazards", ["gas", "smoke"], "<gas>, <smoke>"],
    ["casualties", { dead: null, severe: 2 }, "<casualties.severe>: 2"],
    ["callback_numbers", [{ number: "+37126123456", note: "wife" }], "+371 2612 3456, wife"],
    ["answers", { trapped: "yes", floors: 3 }, "<trapped>: <yes>; <floors>: <3>"],
    [PERSON, { role: "victim", name: "Anna", age: null }, "victim, Anna"],
    ["address", null, ""],
  ])("%s", (name, value, text) => {
    expect(valueText(name, value, titles)).toBe(text);
  });

  it("leave out persons who were removed", () => {
    expect(entitiesOf({ [PERSON]: field(null), "person:x": field({}) }, "person")).toEqual(["person:x"]);
  });
});

describe("the place", () => {
  const phone = {
    location_id: "l1",
    kind: "caller" as const,
    source: "aml" as const,
    shape: { type: "Circle", centre: [56.95, 24.1], radius_m: 25 },
    lat: 56.95,
    lon: 24.1,
    radius_m: 25,
    confidence: 0.9,
    observed_at: NOW,
    received_at: NOW,
    contact_id: "c1",
    author: null,
    data: {},
  };
  const clicked = { ...phone, location_id: "l2", kind: "incident" as const, source: "map" as const, author: "anna", contact_id: null };

  it("lists every place that was told, and a person decides which counts", async () => {
    server.on("PUT /api/cards/i1/location", { body: {} });
    await openCard({ locations: [phone, clicked], location: { current: "l2", why: "chosen", conflicts: [["l1", "l2"]] } });
    expect(screen.getByTestId("place-conflict")).toBeVisible();
    const told = screen.getAllByTestId("told-place");
    expect(told.map((one) => one.dataset.source)).toEqual(["map", "aml"]);
    expect(told[0]).toHaveAttribute("data-current", "true");
    await user.click(screen.getByTestId("place-pin"));
    await waitFor(() => expect(server.sent("PUT /api/cards/i1/location")).toEqual({ location_id: "l1" }));
  });

  it("is on the card at once when it is told after a quiet time, and a burst costs two fetches", async () => {
    const fetches = (): number => server.asked.filter((name) => name === "GET /api/cards/i1").length;
    vi.useFakeTimers({ shouldAdvanceTime: true });
    try {
      await openCard({ locations: [], location: { current: null, why: "none", conflicts: [] } });
      await act(() => vi.advanceTimersByTimeAsync(1_000));
      const before = fetches();
      const told = { locations: [phone], location: { current: "l1", why: "only", conflicts: [] } };
      server.on("GET /api/cards/i1", { body: card(told) });
      const news = { type: "card", incident_id: "i1", contact_ids: [], number: "2026-000001" };
      server.say({ ...news, seq: 2 });
      await act(() => vi.advanceTimersByTimeAsync(0));
      expect(fetches()).toBe(before + 1);
      expect(screen.getByTestId("told-place")).toHaveAttribute("data-source", "aml");
      server.say({ ...news, seq: 3 }, { ...news, seq: 4 }, { ...news, seq: 5 });
      await act(() => vi.advanceTimersByTimeAsync(1_000));
      expect(fetches()).toBe(before + 2);
    } finally {
      vi.useRealTimers();
    }
  });

  it("is taken from the register with its address", async () => {
    saves(1)("address");
    server.on("POST /api/cards/i1/locations", { body: {} });
    const address = {
      code: "104000001",
      text: "Brīvības iela 1, Rīga",
      postcode: "LV-1010",
      lat: 56.95,
      lon: 24.11,
      x: 312_000,
      y: 506_000,
      kind: "building",
      old: false,
      former_text: null,
      distance_m: null,
    };
    server.on("GET /api/addresses", { body: { addresses: [address] } });
    await openCard();
    await user.type(screen.getByTestId("address-input"), "briv");
    await user.click(await screen.findByTestId("address-option"));
    await waitFor(() =>
      expect(server.sent("POST /api/cards/i1/locations")).toEqual({
        kind: "incident",
        source: "address",
        lat: 56.95,
        lon: 24.11,
        radius_m: null,
      }),
    );
    expect(server.sent("PUT /api/cards/i1/fields/address")).toMatchObject({
      value: { text: "Brīvības iela 1, Rīga", code: "104000001" },
    });
    await user.type(screen.getByTestId("address-floor"), "3");
    await user.tab();
    await waitFor(() =>
      expect(server.sent("PUT /api/cards/i1/fields/address")).toMatchObject({ value: { floor: "3", code: "104000001" } }),
    );
  });
});

describe("the list", () => {
  it("is narrowed by status, type with all under it, call taker and days", async () => {
    await openWorkplace(server);
    await user.click(await screen.findByTestId("filter-toggle"));
    await user.selectOptions(screen.getByTestId("filter-status"), "closed");
    await user.type(screen.getByTestId("filter-type"), "fire{Enter}");
    await user.selectOptions(screen.getByTestId("filter-agent"), "agent-101");
    fireEvent.change(screen.getByTestId("filter-from"), { target: { value: "2026-11-01" } });
    await waitFor(() => {
      const asked = new URL(server.paths.findLast((path) => path.startsWith("/api/cards?")) ?? "", "http://x").searchParams;
      expect(asked.get("status")).toBe("closed");
      expect(asked.getAll("type")).toEqual(["fire", "fire.building"]);
      expect(asked.get("agent")).toBe("agent-101");
      expect(asked.get("from")).toBe(new Date(2026, 10, 1).toISOString());
    });
    await user.click(screen.getByTestId("filter-clear"));
    await waitFor(() => expect(server.paths.at(-1)).not.toContain("status"));
    expect(await faults(screen.getByTestId("filter"))).toEqual([]);
  });

  it("asks for a service and without tests, chosen by keys", async () => {
    await openWorkplace(server);
    await user.click(await screen.findByTestId("filter-toggle"));
    const service = screen.getByLabelText("Asked for by data");
    await user.selectOptions(service, "eCall, automatic");
    await user.tab();
    expect(screen.getByLabelText("Tests")).toHaveFocus();
    await user.selectOptions(screen.getByLabelText("Tests"), "Without tests");
    await waitFor(() => {
      const asked = new URL(server.paths.findLast((path) => path.startsWith("/api/cards?")) ?? "", "http://x").searchParams;
      expect(asked.get("service")).toBe("urn:service:sos.ecall.automatic");
      expect(asked.get("test")).toBe("false");
    });
    expect(await faults(screen.getByTestId("filter"))).toEqual([]);
    await user.click(screen.getByTestId("filter-clear"));
    expect(service).toHaveValue("");
  });

  it("asks with the day after the last one, because the end is left out", () => {
    const question = new URLSearchParams(questionOf("", { ...NO_FILTER, to: "2026-12-31" }, []));
    expect(question.get("to")).toBe(new Date(2027, 0, 1).toISOString());
    expect(questionOf("", NO_FILTER, [])).toBe("");
    expect(questionOf("", { ...NO_FILTER, from: "no day" }, [])).toBe("");
  });
});
