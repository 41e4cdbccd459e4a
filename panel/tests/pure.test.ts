/** Small deciding functions: the seat, media, times, the timeline's lines, the list of cards. */

import { describe, expect, it } from "vitest";
import type { TimelineItem } from "../src/api/types";
import { numbersOf } from "../src/cards/CardView";
import { reasonOf, subjectOf, timelineLines, undoable } from "../src/cards/timeline-lines";
import { mergeFirstPage } from "../src/cards/useCards";
import { EMPTY, type LiveState } from "../src/live/state";
import { MediaWatch } from "../src/phone/media-watch";
import { clockTime, dayAndMonth, duration, readableNumber, secondsLeft } from "../src/shared/format";
import { queueSummaries } from "../src/supervise/summary";
import { choicesFor, dialable, selectedOf, stepFrom } from "../src/talk/choices";
import { titleOf } from "../src/talk/directory";
import { othersOf, stageOf } from "../src/talk/stage";
import { incidentOf, seatOf, sideOffer } from "../src/workplace/seat";
import { NOW, agent, card, contact, directory, item, party, summary } from "./samples";

const T0 = Date.parse(NOW);

describe("seat", () => {
  const base: LiveState = { ...EMPTY, agentId: "agent-101", agents: { "agent-101": agent() } };
  const offer = {
    offer_id: "o1",
    contact_id: "c1",
    incident_id: "i1",
    deadline: "2026-11-23T15:00:15.000Z",
    caller_number: null,
    kind: "answer",
    confirmed: true,
  } as const;
  const ringing = { id: "s1", stage: "ringing", remote: "112" } as const;

  it("shows the conversation before anything else", () => {
    const talking = contact({ state: "talking", agent_id: "agent-101" });
    const seat = seatOf({ ...base, contacts: { c1: talking }, offer }, ringing, true, T0);
    expect(seat.kind).toBe("talk");
    expect(incidentOf(seat)).toBe("i1");
  });

  it("shows an offer, but not long after its deadline", () => {
    expect(seatOf({ ...base, offer }, null, false, T0 + 16_000).kind).toBe("offer");
    expect(seatOf({ ...base, offer }, null, false, T0 + 19_000).kind).toBe("idle");
  });

  it("shows a ringing phone without an offer as the parachute's call, after a moment", () => {
    expect(seatOf(base, ringing, false, T0).kind).toBe("idle");
    expect(seatOf(base, ringing, true, T0).kind).toBe("backup_offer");
    expect(seatOf(base, { ...ringing, stage: "talking" }, true, T0).kind).toBe("backup_talk");
  });

  it("shows the wrap-up", () => {
    const wrap = agent({ state: "wrap_up", wrap_up_deadline: "2026-11-23T15:00:30.000Z" });
    const seat = seatOf({ ...base, agents: { "agent-101": wrap } }, null, false, T0);
    expect(seat).toEqual({ kind: "wrap_up", deadline: "2026-11-23T15:00:30.000Z" });
  });
});

describe("media", () => {
  const sample = { connection: "connected", held: false } as const;

  it("is silent after five seconds without a packet, and well again with one", () => {
    const watch = new MediaWatch();
    expect(watch.judge({ ...sample, at: 0, packetsReceived: 100 })).toBe("ok");
    expect(watch.judge({ ...sample, at: 4_000, packetsReceived: 100 })).toBe("ok");
    expect(watch.judge({ ...sample, at: 6_000, packetsReceived: 100 })).toBe("silent");
    expect(watch.judge({ ...sample, at: 8_000, packetsReceived: 150 })).toBe("ok");
  });

  it("is silent when nothing ever came", () => {
    const watch = new MediaWatch();
    watch.judge({ ...sample, at: 0, packetsReceived: 0 });
    expect(watch.judge({ ...sample, at: 5_000, packetsReceived: 0 })).toBe("silent");
  });

  it("may be silent on hold, and gets five seconds to come back", () => {
    const watch = new MediaWatch();
    watch.judge({ ...sample, at: 0, packetsReceived: 9 });
    expect(watch.judge({ ...sample, held: true, at: 60_000, packetsReceived: 9 })).toBe("ok");
    expect(watch.judge({ ...sample, at: 62_000, packetsReceived: 9 })).toBe("ok");
  });

  it("is broken when the connection failed", () => {
    const failed = { at: 0, packetsReceived: 9, connection: "failed", held: false } as const;
    expect(new MediaWatch().judge(failed)).toBe("broken");
  });
});

describe("times", () => {
  it("are written as people read them", () => {
    expect([0, 7, 750, 3723, -5].map(duration)).toEqual(["0:00", "0:07", "12:30", "1:02:03", "0:00"]);
  });

  it("are of 24 hours in each language", () => {
    const afternoon = new Date(2026, 10, 23, 17, 5, 9).toISOString();
    expect((["en", "lv", "ru"] as const).map((language) => clockTime(language, afternoon))).toEqual([
      "17:05:09",
      "17:05:09",
      "17:05:09",
    ]);
    expect(dayAndMonth("lv", afternoon)).toBe("23.11.");
  });

  it("that cannot be read are a dash", () => {
    expect(clockTime("en", "yesterday")).toBe("–");
  });

  it("count down to nought only when time is over", () => {
    expect(secondsLeft(NOW, T0 - 1)).toBe(1);
    expect(secondsLeft(NOW, T0 + 5_000)).toBe(0);
  });
});

it("groups a Latvian number and leaves others alone", () => {
  expect(["+37126123456", "+4915112345678", "101"].map(readableNumber)).toEqual([
    "+371 2612 3456",
    "+4915112345678",
    "101",
  ]);
});

describe("timeline", () => {
  const entry = (tag: string, author: string | null = null): TimelineItem => item(tag, { author });

  it("tells saves of one field in one line, and those of another in the next", () => {
    const saved = (field: string): TimelineItem => item("field_saved", { author: "a", data: { field } });
    const items = [saved("type"), saved("type"), saved("address")];
    expect(timelineLines(items).map((line) => [line.item.data?.field, line.count])).toEqual([
      ["type", 2],
      ["address", 1],
    ]);
  });

  it("tells a run of autosaves by one person in one line", () => {
    const items = [entry("offered"), entry("notes_saved", "a"), entry("notes_saved", "a"), entry("notes_saved", "b")];
    expect(timelineLines(items).map((line) => [line.item.tag, line.count])).toEqual([
      ["offered", 1],
      ["notes_saved", 2],
      ["notes_saved", 1],
    ]);
  });

  it("keeps two offers apart", () => {
    expect(timelineLines([entry("offered"), entry("offered")])).toHaveLength(2);
  });

  it("gives a reason only where the sentence has none", () => {
    const data = { reason: "abandoned" };
    expect(reasonOf({ ...entry("offer_rescinded"), data })).toBe("abandoned");
    expect(reasonOf({ ...entry("offer_timed_out"), data: { reason: "timed_out" } })).toBeNull();
    expect(reasonOf({ ...entry("ended"), data: { by: "caller" } })).toBe("caller");
  });
});

it("lays a fresh first page of cards over older pages", () => {
  const at = (id: string, opened_at: string) => summary({ incident_id: id, opened_at });
  const first = [at("d", "2026-11-23T15:03:00Z"), at("c", "2026-11-23T15:02:00Z")];
  const before = [at("c", "2026-11-23T15:02:00Z"), at("b", "2026-11-23T15:01:00Z")];
  expect(mergeFirstPage(first, before).map((card) => card.incident_id)).toEqual(["d", "c", "b"]);
});

describe("stage of a conversation", () => {
  const base: LiveState = { ...EMPTY, agentId: "agent-101" };
  const talking = contact({ state: "talking", agent_id: "agent-101" });
  const own = party({ party_id: "own", kind: "agent", agent_id: "agent-101", name: "Anna" });
  const stage = (parties: ReturnType<typeof party>[], on_hold = false) => {
    const now = { ...talking, parties, on_hold };
    return stageOf(now, othersOf(now, "agent-101", base));
  };

  it.each([
    ["talk", [own], false],
    ["talk", [own], true],
    ["consult_ringing", [own, party({ state: "ringing" })], true],
    ["consult", [own, party()], true],
    ["consult", [own, party({ state: "held" })], false],
    ["conference", [own, party()], false],
    ["talk", [own, party({ state: "ringing" })], false],
    ["talk", [own, party({ kind: "supervisor", state: "listening" })], true],
  ] as const)("is %s", (expected, parties, held) => {
    expect(stage([...parties], held)).toBe(expected);
  });

  it("counts a colleague who is still being rung", () => {
    const offers = [{ offer_id: "o9", agent_id: "agent-102", deadline: NOW, kind: "assist" as const }];
    const asked = { ...talking, on_hold: true, offers };
    const state = { ...base, agents: { "agent-102": agent({ agent_id: "agent-102", name: "Bruno" }) } };
    const others = othersOf(asked, "agent-101", state);
    expect(others).toMatchObject([{ name: "Bruno", state: "ringing" }]);
    expect(stageOf(asked, others)).toBe("consult_ringing");
  });
});

describe("choices", () => {
  const colleagues = [
    agent(),
    agent({ agent_id: "agent-102", name: "Bruno Zariņš", extension: "102", state: "talking" }),
    agent({ agent_id: "agent-103", name: "Dace Kļava", extension: "103" }),
  ];
  const find = (query: string) => choicesFor(query, colleagues, "agent-101", directory());

  it("come in a fixed order: services, interpreters, call takers, queues", () => {
    expect(find("").map((choice) => choice.id)).toEqual([
      "directory:nmpd",
      "directory:polish",
      "agent:agent-103",
      "agent:agent-102",
      "queue:emergency",
      "queue:office",
    ]);
  });

  it("are found without the marks of the language, in any language, and by number", () => {
    expect(find("zarins").map((choice) => choice.id)).toEqual(["agent:agent-102"]);
    expect(find("nmpd").map((choice) => choice.id)).toEqual(["directory:nmpd"]);
    expect(find("113").map((choice) => choice.id)).toEqual(["directory:nmpd", "number"]);
  });

  it("allow nothing with who is not free, and only the transfer to a queue", () => {
    const actions = new Map(find("").map((choice) => [choice.id, choice.actions]));
    expect(actions.get("agent:agent-102")).toEqual([]);
    expect(actions.get("queue:office")).toEqual(["transfer"]);
    expect(actions.get("agent:agent-103")).toEqual(["consult", "transfer", "invite"]);
  });

  it("never put somebody else in the place of who became busy", () => {
    const choices = find("");
    expect(selectedOf(choices, "agent:agent-102")).toBeNull();
    expect(selectedOf(choices, null)?.id).toBe("directory:nmpd");
  });

  it("are walked through around the ends, over who cannot be chosen", () => {
    const choices = find("");
    expect(stepFrom(choices, "agent:agent-103", 1)).toBe("queue:emergency");
    expect(stepFrom(choices, "queue:office", 1)).toBe("directory:nmpd");
    expect(stepFrom(choices, "directory:nmpd", -1)).toBe("queue:office");
    expect(stepFrom(choices, null, -1)).toBe("queue:office");
  });

  it.each([
    ["+371 2612-3456", "+37126123456"],
    ["113", "113"],
    ["11", null],
    ["anna", null],
    ["+", null],
    ["1".repeat(21), null],
  ])("dial %s as %s", (typed, number) => {
    expect(dialable(typed)).toBe(number);
  });

  it("are titled in the language of the screen, else in any, else by name", () => {
    expect(titleOf({ lv: "NMPD", en: "Ambulance" }, "nmpd")).toBe("Ambulance");
    expect(titleOf({ ru: "Скорая" }, "nmpd")).toBe("Скорая");
    expect(titleOf({}, "nmpd")).toBe("nmpd");
  });
});

it("sums the queues up, with who could take a contact of each", () => {
  const state: LiveState = {
    ...EMPTY,
    contacts: {
      c1: contact({ arrived_at: "2026-11-23T15:00:09.000Z" }),
      c2: contact({ contact_id: "c2" }),
      c3: contact({ contact_id: "c3", queue: "lost", state: "talking", agent_id: "agent-102" }),
    },
    agents: {
      a: agent({ agent_id: "a" }),
      b: agent({ agent_id: "b", queues: ["office"] }),
      c: agent({ agent_id: "c", state: "talking" }),
    },
  };
  expect(queueSummaries(state, directory())).toEqual([
    { queue: "emergency", waiting: 2, oldest: NOW, talking: 0, ready: 1 },
    { queue: "office", waiting: 0, oldest: null, talking: 0, ready: 2 },
    { queue: "lost", waiting: 0, oldest: null, talking: 1, ready: 1 },
  ]);
});

describe("timeline's subject", () => {
  const names = {
    agent: (id: string) => `seat ${id}`,
    queue: (name: string) => `queue ${name}`,
    party: (name: string) => (name === "nmpd" ? "NMPD" : name),
    number: (number: string) => `no. ${number}`,
    service: (code: string) => code.toUpperCase(),
    code: (kind: string, code: string) => `${kind}/${code}`,
    field: (name: string) => `field ${name}`,
    value: (_: string, value: unknown) => (value === null ? "" : JSON.stringify(value)),
  };
  const moved = (data: TimelineItem["data"]): TimelineItem => item("transferred", { data });

  it.each([
    [{ to_agent: "a1", queue: "q" }, "seat a1"],
    [{ queue: "q" }, "queue q"],
    [{ party: "nmpd", number: "113" }, "NMPD, no. 113"],
    [{ party: "+371", number: "+371" }, "no. +371"],
    [{ number: "113" }, "no. 113"],
    [{}, "–"],
    [null, "–"],
  ])("names whom %o is about", (data, target) => {
    expect(subjectOf(moved(data), names).target).toBe(target);
  });

  it("is the colleague whose leg joined or left", () => {
    const joined = { ...moved({ party: "", number: null }), tag: "party_joined", agent_id: "a1" };
    expect(subjectOf(joined, names).target).toBe("seat a1");
  });

  it("tells codes in words", () => {
    const data = { mode: "listen", language: "lv", outcome: "reached", attempt: "busy", card: "2026-000001" };
    const subject = subjectOf(moved(data), names);
    expect(subject).toMatchObject({
      mode: "monitor.mode/listen",
      language: "language/lv",
      outcome: "callback.outcome/reached",
      attempt: "callback.attempt/busy",
      card: "2026-000001",
    });
  });

  it("names the field that was saved and what it says, but not at length", () => {
    const saved = subjectOf(item("field_saved", { data: { field: "priority", value: 5 } }), names);
    expect(saved).toMatchObject({ field: "field priority", value: "5" });
    const long = subjectOf(item("field_saved", { data: { field: "summary", value: "x".repeat(500) } }), names);
    expect(long.value).toHaveLength(80);
    expect(long.value.endsWith("…")).toBe(true);
  });

  it("offers to take back the last save of a field, and joinings", () => {
    const save = (version: number): TimelineItem =>
      item("field_saved", { key: `field_saved:type:${version}`, data: { field: "type", version, value: "fire" } });
    const items = [save(1), save(2), item("merged", { key: "merged:i2" }), item("notes_saved")];
    const fields = { type: { value: "fire", version: 2, saved_at: NOW, author: "anna" } };
    expect([...undoable(items, fields)].map((one) => one.key)).toEqual(["field_saved:type:2", "merged:i2"]);
  });
});

it("shows a text's offer beside a conversation, and no offer of the conversation itself", () => {
  const talking = contact({ state: "talking", agent_id: "agent-101" });
  const offer = {
    offer_id: "o1",
    contact_id: "c2",
    incident_id: null,
    deadline: "2026-11-23T15:00:15.000Z",
    caller_number: null,
    kind: "answer",
    confirmed: true,
  } as const;
  const state: LiveState = { ...EMPTY, agentId: "agent-101", contacts: { c1: talking }, textOffer: offer };
  const seat = { kind: "talk", contact: talking } as const;
  expect(sideOffer(state, seat, T0)?.offer.offer_id).toBe("o1");
  expect(sideOffer({ ...state, textOffer: null, offer }, seat, T0)?.offer.offer_id).toBe("o1");
  expect(sideOffer({ ...state, textOffer: null, offer: { ...offer, contact_id: "c1" } }, seat, T0)).toBeNull();
  expect(sideOffer(state, { kind: "idle" }, T0)).toBeNull();
});

it("lists each number of a card once", () => {
  const other = { ...card(), contacts: ["+37126123456", "+37129000000", null].map((number) => ({ caller_number: number })) };
  expect(numbersOf(other as never)).toEqual(["+37126123456", "+37129000000"]);
});
