/** Small deciding functions: the seat, media, times, the timeline's lines, the list of cards. */

import { describe, expect, it } from "vitest";
import type { TimelineItem } from "../src/api/types";
import { reasonOf, timelineLines } from "../src/cards/timeline-lines";
import { mergeFirstPage } from "../src/cards/useCards";
import { EMPTY, type LiveState } from "../src/live/state";
import { MediaWatch } from "../src/phone/media-watch";
import { clockTime, dayAndMonth, duration, readableNumber, secondsLeft } from "../src/shared/format";
import { incidentOf, seatOf } from "../src/workplace/seat";
import { NOW, agent, contact, summary } from "./samples";

const T0 = Date.parse(NOW);

describe("seat", () => {
  const base: LiveState = { ...EMPTY, agentId: "agent-101", agents: { "agent-101": agent() } };
  const offer = {
    offer_id: "o1",
    contact_id: "c1",
    incident_id: "i1",
    deadline: "2026-11-23T15:00:15.000Z",
    caller_number: null,
    confirmed: true,
  };
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
  const entry = (tag: string, author: string | null = null): TimelineItem => ({
    at: NOW,
    tag,
    contact_id: null,
    agent_id: null,
    author,
    data: null,
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
