/** What the panel concludes about texts: their length, their order, what is unread, who may write. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Snippet } from "../src/api/conversations";
import { decodeMessage } from "../src/api/decode";
import { forgetReasons, giveReason, reasonHeader } from "../src/api/reasons";
import { count, PARTS_MAX } from "../src/conversations/counter";
import { ReplyDrafts } from "../src/conversations/drafts";
import { isOverdue, nextInHand, textsInHand } from "../src/conversations/in-hand";
import { TextOutbox } from "../src/conversations/outbox";
import { inserted, slashBefore, snippetChoices } from "../src/conversations/snippets";
import {
  deliveryIcon,
  foremost,
  holderOf,
  mayReopen,
  merged,
  obstacleTo,
  oddityWords,
  ordered,
  shownText,
  unreadAfter,
  withOlder,
  withText,
} from "../src/conversations/threads";
import { EMPTY, reduce, type LiveState } from "../src/live/state";
import { popOf, seatOf, sideOffer } from "../src/workplace/seat";
import { agent, contact, me, NOW } from "./samples";
import { at, conversation, delivery, reply, text, textContact } from "./text-samples";

describe("the counter", () => {
  interface Sample {
    why: string;
    text: string;
    encoding: string;
    units: number;
    parts: number;
    units_left: number;
  }
  const path = join(import.meta.dirname, "sms-counter.json");
  const { samples, parts_max } = JSON.parse(readFileSync(path, "utf-8")) as { samples: Sample[]; parts_max: number };

  it.each(samples)("agrees with the server on $why", ({ text: written, encoding, units, parts, units_left }) => {
    expect(count(written)).toEqual({ encoding, units, parts, unitsLeft: units_left });
  });

  it("has the server's limit", () => {
    expect(PARTS_MAX).toBe(parts_max);
  });
});

describe("the texts of a conversation", () => {
  const three = [text({ message_id: "a" }), text({ message_id: "b" }), reply({ message_id: "c" })];

  it("keep the older ones that were read, while nothing is missing between", () => {
    const known = conversation({ messages: three, more: true });
    const fetched = conversation({ messages: [...three.slice(1), text({ message_id: "d" })], more: true });
    const kept = merged({ ...known, more: false }, fetched);
    expect(kept.messages.map((one) => one.message_id)).toEqual(["a", "b", "c", "d"]);
    expect(kept.more).toBe(false);
  });

  it("begin anew where there is a gap", () => {
    const fetched = conversation({ messages: [text({ message_id: "z" })], more: true });
    expect(merged(conversation({ messages: three }), fetched)).toBe(fetched);
    expect(merged(undefined, fetched)).toBe(fetched);
  });

  it("show the newest of what is known of each", () => {
    const sent = reply({ message_id: "c", delivery: delivery({ state: "sent" }) });
    const changed = withText(conversation({ messages: three }), sent);
    expect(changed.messages.map((one) => one.message_id)).toEqual(["a", "b", "c"]);
    expect(changed.messages[2]?.delivery?.state).toBe("sent");
    expect(withText(conversation({ messages: [] }), sent).messages).toEqual([sent]);
  });

  it("put older ones on top once, though two pages may meet", () => {
    const older = withOlder(conversation({ messages: three }), [text({ message_id: "0" }), text({ message_id: "a" })], true);
    expect(older.messages.map((one) => one.message_id)).toEqual(["0", "a", "b", "c"]);
    expect(older.more).toBe(true);
  });

  it("count as unread what the citizen wrote after the last one read", () => {
    const all = [...three, text({ message_id: "d" }), text({ message_id: "e" })];
    expect(unreadAfter(all, "b")).toBe(2);
    expect(unreadAfter(all, "e")).toBe(0);
    expect(unreadAfter(all, null)).toBe(4);
  });

  it("say where one ends too early, once", () => {
    expect(shownText(text({ text: "Palī", complete: false }))).toBe("Palī […]");
    expect(shownText(text({ text: "a […] c", complete: false }))).toBe("a […] c");
    expect(shownText(text({ text: "", complete: false }))).toBe("[…]");
    expect(shownText(text({ text: "all" }))).toBe("all");
  });

  it("tell each meaning of what was strange once", () => {
    expect(oddityWords(["read_as_latin1", "characters_invalid", "udh_cut", "later", "latest"])).toEqual([
      { kind: "guessed", code: "read_as_latin1" },
      { kind: "cut", code: "udh_cut" },
      { kind: "other", code: "later" },
      { kind: "other", code: "latest" },
    ]);
    const ours = ["incomplete", "unreadable", "unprocessed", "aml"].map((code) => oddityWords([code])[0]?.kind);
    expect(ours).toEqual(["cut", "binary", "binary", "position"]);
  });

  it("have a sign of their own for each state of delivery", () => {
    const states = ["queued", "sent", "unknown", "delivered", "failed", "expired"] as const;
    expect(new Set(states.map((state) => deliveryIcon(delivery({ state })))).size).toBe(states.length);
  });
});

describe("the conversations of a card", () => {
  const closed = conversation({ conversation_id: "closed", state: "closed", last_text_at: at(50) });
  const older = conversation({ conversation_id: "older", agent_id: null, last_text_at: at(10) });
  const newer = conversation({ conversation_id: "newer", agent_id: "agent-102", last_text_at: at(20) });

  it("stand with those that go on first, the latest text before others", () => {
    expect(ordered([closed, older, newer]).map((one) => one.conversation_id)).toEqual(["newer", "older", "closed"]);
  });

  it("open with our own, the unanswered one before others", () => {
    const own = conversation({ conversation_id: "own" });
    const waits = conversation({ conversation_id: "waits", unanswered_since: NOW, last_text_at: at(-9) });
    expect(foremost([closed, newer, own, waits], "agent-101")?.conversation_id).toBe("waits");
    expect(foremost([closed, newer, own], "agent-101")?.conversation_id).toBe("own");
    expect(foremost([closed, newer], "agent-101")?.conversation_id).toBe("newer");
    expect(foremost([closed], null)?.conversation_id).toBe("closed");
    expect(foremost([], null)).toBeNull();
  });
});

describe("who may write", () => {
  const anna = { agentId: "agent-101", supervises: false };
  it.each([
    ["whoever has it", conversation(), anna, null],
    ["nobody once it is closed", conversation({ state: "closed" }), anna, "closed"],
    ["nobody to a sender without a number", conversation({ replyable: false }), anna, "no_way_back"],
    ["not a colleague", conversation({ agent_id: "agent-102" }), anna, "with_other"],
    ["a supervisor in anybody's", conversation({ agent_id: "agent-102" }), { agentId: "agent-109", supervises: true }, null],
    ["no supervisor without a seat", conversation({ agent_id: "agent-102" }), { agentId: null, supervises: true }, "with_other"],
    ["nobody before it is accepted", conversation({ agent_id: null, state: "waiting" }), anna, "waiting"],
    ["nobody while the call it goes with waits", conversation({ agent_id: null, state: "riding" }), anna, "riding"],
    ["nobody without a seat", conversation({ agent_id: null }), { agentId: null, supervises: false }, "no_seat"],
  ] as const)("%s", (_, one, writer, obstacle) => {
    expect(obstacleTo(one, holderOf(one, {}), writer)).toBe(obstacle);
  });

  it("whoever has the call that a conversation goes with", () => {
    const rides = conversation({ agent_id: null, state: "riding", riding: "c1" });
    const call = contact({ agent_id: "agent-101" });
    expect(holderOf(rides, { c1: { ...call, state: "talking" } })).toBe("agent-101");
    expect(holderOf(rides, { c1: { ...call, state: "offered" } })).toBeNull();
    expect(obstacleTo(rides, "agent-101", anna)).toBeNull();
  });

  it("and what is closed can be taken up as long as the centre says", () => {
    const closed = conversation({ state: "closed" });
    expect(mayReopen(closed, Date.parse(at(4 * 3600)), 4)).toBe(true);
    expect(mayReopen(closed, Date.parse(at(4 * 3600 + 1)), 4)).toBe(false);
    expect(mayReopen(closed, Date.parse(at(1800)), 0.5)).toBe(true);
    expect(mayReopen(closed, Date.parse(at(1801)), 0.5)).toBe(false);
    expect(mayReopen(conversation(), Date.parse(NOW), 4)).toBe(false);
  });
});

describe("prepared texts", () => {
  const snippets: Snippet[] = [
    { code: "where", titles: { en: "Where", lv: "Kur", ru: "Где" }, texts: { lv: "Kur jūs esat?", ru: "Где вы?", en: "Where are you?" } },
    { code: "safe", titles: { en: "Safety" }, texts: { en: "Are you safe?" } },
  ];

  it("come in the citizen's language first, and only in languages that they have", () => {
    expect(snippetChoices(snippets, "ru", "").map(({ id }) => id)).toEqual(["where/ru", "where/lv", "where/en", "safe/en"]);
    expect(snippetChoices(snippets, null, "").map(({ id }) => id)[0]).toBe("where/lv");
  });

  it("are found by what they say, without marks and case", () => {
    expect(snippetChoices(snippets, "en", "JUS").map(({ id }) => id)).toEqual(["where/lv"]);
    expect(snippetChoices(snippets, "en", "nothing")).toEqual([]);
  });

  it.each([
    ["/", 1, { at: 0, query: "" }],
    ["Labdien /ku", 11, { at: 8, query: "ku" }],
    ["a\n/k", 4, { at: 2, query: "k" }],
    ["Brīvības 1/2", 12, null],
    ["/kur esat tu un kas notiek tur", 30, null],
    ["/a/b", 4, null],
    ["", 0, null],
  ])("are asked for by a slash that begins a word: %j", (written, cursor, found) => {
    expect(slashBefore(written, cursor)).toEqual(found);
  });

  it("take the place of the slash, with a space before", () => {
    expect(inserted("Labdien /ku!", 8, 11, "Kur?")).toEqual({ text: "Labdien Kur?!", cursor: 12 });
    expect(inserted("Hm", 2, 2, "/")).toEqual({ text: "Hm /", cursor: 4 });
  });
});

it("keeps half-written replies for their writer alone, until the logout", () => {
  const anna = new ReplyDrafts("anna");
  anna.put("k1", "Kur");
  expect(new ReplyDrafts("anna").get("k1")).toBe("Kur");
  expect(new ReplyDrafts("olga").get("k1")).toBe("");
  anna.put("k1", "");
  expect(sessionStorage).toHaveLength(0);
  anna.put("k2", "Kas");
  new ReplyDrafts("olga").clear();
  expect(anna.get("k2")).toBe("Kas");
  anna.clear();
  expect(anna.get("k2")).toBe("");
});

describe("the outbox", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  interface Asked {
    key: string | null;
    text: string;
    path: string;
  }

  /** A server that answers in this order: a status each, 0 for no answer; 201 when the list is over. */
  function server(...statuses: number[]): Asked[] {
    const asked: Asked[] = [];
    vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
      const { text: written } = JSON.parse(init.body as string) as { text: string };
      asked.push({ key: new Headers(init.headers).get("Idempotency-Key"), text: written, path });
      const status = statuses.shift() ?? 201;
      if (status === 0) return Promise.reject(new TypeError("no network"));
      const body = status < 300 ? reply({ text: written }) : { code: "conversation_closed" };
      return Promise.resolve(new Response(JSON.stringify(body), { status }));
    });
    return asked;
  }

  function outbox(): TextOutbox {
    const box = new TextOutbox("anna", () => Date.parse(NOW));
    box.start();
    return box;
  }

  it("sends a text with a key, and tells what the server made of it", async () => {
    const asked = server();
    const box = outbox();
    const taken = vi.fn();
    box.onTaken(taken);
    box.send("k1", "Kur?");
    expect(box.unsent).toBe(true);
    await vi.waitFor(() => expect(box.unsent).toBe(false));
    expect(asked[0]).toMatchObject({ text: "Kur?", path: "/api/conversations/k1/messages" });
    expect(asked[0]?.key).toMatch(/^[\da-f-]{36}$/);
    expect(taken).toHaveBeenCalledWith("k1", reply({ text: "Kur?" }));
    box.stop();
  });

  it.each([0, 500, 503, 401, 429])("tries again with the same key after %d, in the order of writing", async (status) => {
    vi.useFakeTimers();
    const asked = server(status);
    const box = outbox();
    box.send("k1", "one");
    box.send("k1", "two");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(box.unsent).toBe(false);
    expect(asked.map((one) => one.text)).toEqual(["one", "one", "two"]);
    expect(asked[0]?.key).toBe(asked[1]?.key);
    expect(asked[2]?.key).not.toBe(asked[1]?.key);
    box.stop();
  });

  it("shows a refusal, keeps the text, and goes on with the next", async () => {
    vi.useFakeTimers();
    server(409);
    const box = outbox();
    box.send("k1", "one");
    box.send("k1", "two");
    await vi.advanceTimersByTimeAsync(100);
    expect(box.get()).toMatchObject([{ text: "one", refused: { code: "conversation_closed" } }]);
    box.dismiss(box.get()[0]?.key ?? "");
    expect(box.unsent).toBe(false);
    box.stop();
  });

  it("does not send by itself what was refused before a reload", async () => {
    server(409);
    const first = outbox();
    first.send("k1", "one");
    await vi.waitFor(() => expect(first.get()[0]?.refused?.code).toBe("conversation_closed"));
    first.stop();
    const asked = server();
    const second = outbox();
    second.retryNow();
    second.send("k1", "two");
    await vi.waitFor(() => expect(asked.map(({ text }) => text)).toEqual(["two"]));
    await vi.waitFor(() => expect(second.get()).toHaveLength(1));
    expect(second.get()).toMatchObject([{ text: "one", refused: { status: 409, code: "conversation_closed" } }]);
    second.clear();
  });

  it("holds no conversation up for another one", async () => {
    vi.useFakeTimers();
    const asked = server(0, 201);
    const box = outbox();
    box.send("k1", "one");
    box.send("k2", "two");
    await vi.advanceTimersByTimeAsync(0);
    expect(asked.map((one) => one.path)).toEqual(["/api/conversations/k1/messages", "/api/conversations/k2/messages"]);
    expect(box.get()).toMatchObject([{ text: "one", tried: true }]);
    box.stop();
  });

  it("goes on after a reload with the same key, and forgets all at logout", async () => {
    const before = server(0);
    const first = outbox();
    first.send("k1", "Kur?");
    await vi.waitFor(() => expect(first.get()[0]?.tried).toBe(true));
    first.stop();
    const after = server();
    const second = outbox();
    await vi.waitFor(() => expect(second.unsent).toBe(false));
    expect(after[0]?.key).toBe(before[0]?.key);
    expect(sessionStorage).toHaveLength(0);
    second.send("k1", "Kas?");
    second.clear();
    expect(second.unsent).toBe(false);
    expect(sessionStorage).toHaveLength(0);
  });
});

describe("the live state", () => {
  const T0 = Date.parse(NOW);
  const voiceOffer = { offer_id: "o1", agent_id: "agent-101", deadline: at(15), kind: "answer" as const };
  const textOffer = { offer_id: "o2", agent_id: "agent-101", deadline: at(15), kind: "answer" as const };

  function after(...messages: object[]): LiveState {
    const first = { type: "snapshot", epoch: "e", seq: 1, agents: [agent()], me: { account: me().account, agent_id: "agent-101" } };
    return [first, ...messages].reduce<LiveState>((state, one) => reduce(state, decodeMessage(one)), EMPTY);
  }

  const ringing = { type: "contact", seq: 2, contact: contact({ state: "offered", offers: [voiceOffer] }) };
  const offered = { type: "contact", seq: 3, contact: textContact({ state: "offered", offers: [textOffer] }) };

  it("knows a call that rings and a text that is offered beside it, whichever came first", () => {
    for (const state of [after(ringing, offered), after(offered, ringing)]) {
      expect(state.offer?.offer_id).toBe("o1");
      expect(state.textOffer?.offer_id).toBe("o2");
      const seat = seatOf(state, null, false, T0);
      expect(popOf(seat)).toContain("c1");
      expect(sideOffer(state, seat, T0)?.offer.offer_id).toBe("o2");
    }
  });

  it("moves an offer to its place when the text that it is about is told later", () => {
    const offer = { ...textOffer, contact_id: "t1", incident_id: null, caller_number: null };
    const early = after({ type: "offer", seq: 2, offer });
    expect(early.offer?.offer_id).toBe("o2");
    const told = reduce(early, decodeMessage(offered));
    expect([told.offer, told.textOffer?.offer_id]).toEqual([null, "o2"]);
  });

  it("takes a text's offer down with the offer, and with the contact", () => {
    const both = after(ringing, offered);
    const gone = reduce(both, { type: "offer_gone", seq: 4, offer_id: "o2", contact_id: "t1", reason: "timed_out" });
    expect([gone.offer?.offer_id, gone.textOffer]).toEqual(["o1", null]);
    expect(reduce(both, { type: "contact_gone", seq: 4, contact_id: "t1" }).textOffer).toBeNull();
  });

  it("shows a text alone like a call, and one beside a call only beside it", () => {
    const alone = after(offered);
    const seat = seatOf(alone, null, false, T0);
    expect(seat).toMatchObject({ kind: "offer", offer: { offer_id: "o2" } });
    expect(sideOffer(alone, seat, T0)).toBeNull();
  });

  it("keeps the notice of an unanswered text until it is answered", () => {
    const waits = (since: string | null): object => ({
      type: "contact",
      seq: 5,
      contact: textContact({
        state: "talking",
        agent_id: "agent-101",
        conversation: { conversation_id: "k1", channel: "sms", unanswered_since: since, last_text_at: NOW, messages: 2 },
      }),
    });
    const alarm = { type: "alarm", seq: 4, code: "text_unanswered", data: { active: true, contact_id: "t1", agent_id: "agent-101", queue: "emergency" } };
    const raised = after(waits(NOW), alarm, waits(NOW));
    expect(raised.notices.map(({ code }) => code)).toEqual(["text_unanswered"]);
    expect(reduce(raised, decodeMessage(waits(null))).notices).toEqual([]);
    const ended = { ...alarm, data: { ...alarm.data, active: false } };
    expect(reduce(raised, decodeMessage(ended)).notices).toEqual([]);
  });

  it("knows our own texts in the order in which they came, and goes around them", () => {
    const mine = (id: string, seconds: number): object => ({
      type: "contact",
      seq: 9,
      contact: textContact({ contact_id: id, state: "talking", agent_id: "agent-101", arrived_at: at(seconds) }),
    });
    const theirs = { type: "contact", seq: 9, contact: textContact({ contact_id: "x", state: "talking", agent_id: "agent-102" }) };
    const all = textsInHand(after(mine("b", 5), mine("a", 1), theirs, offered));
    expect(all.map((one) => one.contact_id)).toEqual(["a", "b"]);
    expect(nextInHand(all, "a")?.contact_id).toBe("b");
    expect(nextInHand(all, "b")?.contact_id).toBe("a");
    expect(nextInHand(all, null)?.contact_id).toBe("a");
    expect(nextInHand([], "a")).toBeNull();
    expect(textsInHand(EMPTY)).toEqual([]);
  });

  it("counts an answer as owed from the centre's limit on", () => {
    expect(isOverdue(NOW, T0 + 29_000, 30)).toBe(false);
    expect(isOverdue(NOW, T0 + 30_000, 30)).toBe(true);
    expect(isOverdue(null, T0 + 99_000, 30)).toBe(false);
  });
});

it("gives the reason for reading a card with its conversations too", () => {
  giveReason("i9", "audit");
  expect(reasonHeader("/api/incidents/i9/conversations")).toEqual({ "X-Reason": "audit" });
  expect(reasonHeader("/api/conversations/k1/messages")).toEqual({});
  forgetReasons();
});
