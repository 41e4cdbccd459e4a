/** The live state follows the messages: snapshots, changes, offers that overtake or linger. */

import { describe, expect, it } from "vitest";
import type { ServerMessage } from "../src/api/types";
import {
  EMPTY,
  conversations,
  openCallbacks,
  ownContact,
  reduce,
  waitingContacts,
  type LiveState,
} from "../src/live/state";
import { NOW, agent, callback, contact, me } from "./samples";

const DEADLINE = "2026-11-23T15:00:15.000Z";
const OFFER = { offer_id: "o1", deadline: DEADLINE };

function snapshot(change: Partial<Extract<ServerMessage, { type: "snapshot" }>> = {}): ServerMessage {
  return {
    type: "snapshot",
    epoch: "e1",
    seq: 10,
    contacts: [],
    agents: [agent()],
    callbacks: [],
    alarms: [],
    routing: null,
    me: { account: me().account, agent_id: "agent-101" },
    server_time: NOW,
    ...change,
  };
}

function offered(seq: number): ServerMessage {
  return {
    type: "offer",
    seq,
    offer: { ...OFFER, contact_id: "c1", incident_id: null, agent_id: "agent-101", caller_number: "1", kind: "answer" },
  };
}

function after(...messages: ServerMessage[]): LiveState {
  return messages.reduce(reduce, EMPTY);
}

describe("snapshot", () => {
  it("replaces everything known before", () => {
    const state = after(
      snapshot({ contacts: [contact({ contact_id: "old" })] }),
      snapshot({ epoch: "e2", seq: 1, contacts: [contact()] }),
    );
    expect(Object.keys(state.contacts)).toEqual(["c1"]);
    expect([state.epoch, state.seq]).toEqual(["e2", 1]);
  });

  it("brings back an offer that was made before the connection broke", () => {
    const state = after(
      snapshot({ contacts: [contact({ state: "offered", agent_id: "agent-101", offer: OFFER })] }),
    );
    expect(state.offer).toMatchObject({ offer_id: "o1", incident_id: "i1" });
  });
});

describe("sequence", () => {
  it("moves with every numbered message, also with unknown ones", () => {
    const unknown = { type: "later_version", seq: 12 } as unknown as ServerMessage;
    expect(after(snapshot(), { type: "contact", seq: 11, contact: contact() }, unknown).seq).toBe(12);
  });

  it("does not move by the word that a resume begins", () => {
    expect(after(snapshot(), { type: "resumed", epoch: "e1", seq: 99 }).seq).toBe(10);
  });
});

describe("offer", () => {
  it("stands as soon as it is told, before the contact is reported as offered", () => {
    expect(after(snapshot(), offered(11)).offer?.contact_id).toBe("c1");
  });

  it("is not taken down by an older report that the contact still waits", () => {
    const state = after(snapshot(), offered(11), { type: "contact", seq: 12, contact: contact() });
    expect(state.offer?.offer_id).toBe("o1");
  });

  it("is taken down when a confirmed one waits again", () => {
    const mine = contact({ state: "offered", agent_id: "agent-101", offer: OFFER });
    const state = after(
      snapshot(),
      offered(11),
      { type: "contact", seq: 12, contact: mine },
      { type: "contact", seq: 13, contact: contact() },
    );
    expect(state.offer).toBeNull();
  });

  it("learns the card's id when the card is written", () => {
    const mine = contact({ state: "offered", agent_id: "agent-101", offer: OFFER });
    const state = after(snapshot(), offered(11), { type: "contact", seq: 12, contact: mine });
    expect(state.offer).toMatchObject({ incident_id: "i1", confirmed: true });
  });

  it("is not ours when the contact is offered to a colleague", () => {
    const theirs = contact({ state: "offered", agent_id: "agent-102", offer: OFFER });
    expect(after(snapshot(), { type: "contact", seq: 11, contact: theirs }).offer).toBeNull();
  });

  it.each<[string, ServerMessage]>([
    ["it is withdrawn", { type: "offer_gone", seq: 12, offer_id: "o1", contact_id: "c1", reason: "timed_out" }],
    ["the contact is gone", { type: "contact_gone", seq: 12, contact_id: "c1" }],
    ["it is talked", { type: "contact", seq: 12, contact: contact({ state: "talking", agent_id: "agent-101" }) }],
    ["it went to the parachute", { type: "contact", seq: 12, contact: contact({ state: "parachute" }) }],
  ])("is over when %s", (_, message) => {
    expect(after(snapshot(), offered(11), message).offer).toBeNull();
  });

  it("outlives the end of an older offer", () => {
    const gone: ServerMessage = { type: "offer_gone", seq: 12, offer_id: "o0", contact_id: "c1", reason: "left" };
    expect(after(snapshot(), offered(11), gone).offer?.offer_id).toBe("o1");
  });
});

describe("waiting list", () => {
  it("is in the order of service: priority, then arrival", () => {
    const contacts = [
      contact({ contact_id: "late", arrived_at: "2026-11-23T15:00:09.000Z" }),
      contact({ contact_id: "urgent", arrived_at: "2026-11-23T15:00:10.000Z", priority: 8 }),
      contact({ contact_id: "early", arrived_at: "2026-11-23T15:00:01.000Z" }),
      contact({ contact_id: "talking", state: "talking", agent_id: "agent-102" }),
    ];
    const order = waitingContacts(after(snapshot({ contacts }))).map((item) => item.contact_id);
    expect(order).toEqual(["urgent", "early", "late"]);
  });

  it("shows the parachute queue's contacts until somebody has taken them", () => {
    const contacts = [
      contact({ contact_id: "hanging", state: "parachute" }),
      contact({ contact_id: "caught", state: "parachute", agent_id: "agent-102" }),
    ];
    const order = waitingContacts(after(snapshot({ contacts }))).map((item) => item.contact_id);
    expect(order).toEqual(["hanging"]);
  });
});

it("finds the contact of our own seat, talked with or held", () => {
  const held = contact({ state: "held", agent_id: "agent-101", on_hold: true });
  const other = contact({ contact_id: "c2", state: "talking", agent_id: "agent-102" });
  expect(ownContact(after(snapshot({ contacts: [other, held] })))?.contact_id).toBe("c1");
});

describe("alarm", () => {
  const alarm = (seq: number, code: string, active: boolean): ServerMessage => ({
    type: "alarm",
    seq,
    code,
    data: { active },
  });

  it("stands from its rise to its end, once, and in the order of rising", () => {
    const raised = after(
      snapshot({ alarms: ["disk_low"] }),
      alarm(11, "telephony_down", true),
      alarm(12, "disk_low", true),
    );
    expect(raised.alarms).toEqual(["telephony_down", "disk_low"]);
    expect(reduce(raised, alarm(13, "telephony_down", false)).alarms).toEqual(["disk_low"]);
  });

  it("is forgotten with a snapshot that does not name it", () => {
    expect(after(snapshot({ alarms: ["disk_low"] }), snapshot()).alarms).toEqual([]);
  });
});

describe("several offers of one contact", () => {
  const both = [
    { offer_id: "o2", agent_id: "agent-102", deadline: DEADLINE, kind: null },
    { offer_id: "o1", agent_id: "agent-101", deadline: DEADLINE, kind: null },
  ];

  it("make ours stand, though another one is named first", () => {
    const ringing = contact({ state: "offered", agent_id: "agent-102", offer: { offer_id: "o2", deadline: DEADLINE }, offers: both });
    const state = after(snapshot(), { type: "contact", seq: 11, contact: ringing });
    expect(state.offer).toMatchObject({ offer_id: "o1", kind: "answer", confirmed: true });
  });

  it("end for us when somebody else has answered", () => {
    const ringing = contact({ state: "offered", offers: both });
    const taken = contact({ state: "talking", agent_id: "agent-102" });
    const state = after(
      snapshot(),
      { type: "contact", seq: 11, contact: ringing },
      { type: "contact", seq: 12, contact: taken },
    );
    expect(state.offer).toBeNull();
  });
});

describe("an offer to assist", () => {
  const talking = contact({ state: "talking", agent_id: "agent-102" });
  const told: ServerMessage = {
    type: "offer",
    seq: 11,
    offer: { ...OFFER, contact_id: "c1", incident_id: "i1", agent_id: "agent-101", caller_number: "1", kind: "assist" },
  };

  it("is not taken down by an older report of the conversation", () => {
    const state = after(snapshot(), told, { type: "contact", seq: 12, contact: talking });
    expect(state.offer).toMatchObject({ offer_id: "o1", kind: "assist" });
  });

  it("is over once we are in, and the conversation is then ours to show", () => {
    const joined = { ...talking, participants: ["agent-101"] };
    const state = after(snapshot(), told, { type: "contact", seq: 12, contact: joined });
    expect(state.offer).toBeNull();
    expect(ownContact(state)?.contact_id).toBe("c1");
  });

  it("is known as such from the contact alone", () => {
    const asked = contact({ state: "talking", agent_id: "agent-102", offers: [{ ...OFFER, agent_id: "agent-101", kind: null }] });
    expect(after(snapshot({ contacts: [asked] })).offer?.kind).toBe("assist");
  });
});

describe("own contact", () => {
  it("is not a text, which takes no telephone", () => {
    const text = contact({ medium: "sms", state: "talking", agent_id: "agent-101" });
    expect(ownContact(after(snapshot({ contacts: [text] })))).toBeNull();
  });

  it("is a citizen whom we call, but not one that we have handed over", () => {
    const dialling = contact({ state: "dialling", agent_id: "agent-101", direction: "outbound" });
    expect(ownContact(after(snapshot({ contacts: [dialling] })))?.state).toBe("dialling");
    const gone = contact({ state: "handed_over", agent_id: "agent-101", handed_over: true });
    const state = after(snapshot({ contacts: [gone] }));
    expect(ownContact(state)).toBeNull();
    expect(conversations(state)).toHaveLength(1);
  });
});

it("orders the waiting by class, then by the server's key", () => {
  const at = (second: number): string => `2026-11-23T15:00:${String(second).padStart(2, "0")}.000Z`;
  const contacts = [
    contact({ contact_id: "chatter", queue_class: 1, sort_at: at(1), arrived_at: at(1), priority: 9 }),
    contact({ contact_id: "later", queue_class: 9, sort_at: at(9), arrived_at: at(9) }),
    contact({ contact_id: "ahead", queue_class: 9, sort_at: at(5), arrived_at: at(20) }),
  ];
  const order = waitingContacts(after(snapshot({ contacts }))).map((item) => item.contact_id);
  expect(order).toEqual(["ahead", "later", "chatter"]);
});

describe("call-backs", () => {
  it("come with the snapshot, change and go, in the order in which to call", () => {
    const state = after(
      snapshot({ callbacks: [callback({ task_id: "old" }), callback({ task_id: "done", state: "done" })] }),
      { type: "callback", seq: 11, task: callback({ task_id: "urgent", priority: 8 }) },
      { type: "callback", seq: 12, task: callback({ task_id: "older", created_at: "2026-11-23T14:00:00.000Z" }) },
      { type: "callback", seq: 13, task: callback({ task_id: "gone" }) },
      { type: "callback_gone", seq: 14, task_id: "gone" },
    );
    expect(openCallbacks(state).map((task) => task.task_id)).toEqual(["urgent", "older", "old"]);
  });
});

describe("notice", () => {
  const raise = (seq: number, code: string, data: object): ServerMessage => ({ type: "alarm", seq, code, data });
  const waits = raise(11, "contact_waits", { contact_id: "c1", queue: "emergency" });
  const waiting = snapshot({ contacts: [contact()] });

  it("is shown once for the same contact and no standing alarm", () => {
    const state = after(waiting, waits, { ...waits, seq: 12 });
    expect(state.notices).toHaveLength(1);
    expect(state.alarms).toEqual([]);
  });

  it.each<[string, ServerMessage]>([
    ["is served", { type: "contact", seq: 12, contact: contact({ state: "talking", agent_id: "agent-101" }) }],
    ["is gone", { type: "contact_gone", seq: 12, contact_id: "c1" }],
    ["is not in a new snapshot", snapshot()],
  ])("goes when its contact %s", (_, message) => {
    expect(after(waiting, waits, message).notices).toEqual([]);
  });

  it("survives a new snapshot while its contact still waits", () => {
    expect(after(waiting, waits, waiting).notices).toHaveLength(1);
  });

  it("of missed offers goes when the seat is ready again", () => {
    const missed = agent({ state: "not_ready", presence: { kind: "not_ready", reason: "missed_offers" } });
    const state = after(
      snapshot(),
      raise(11, "offers_missed", { agent_id: "agent-101" }),
      { type: "agent", seq: 12, agent: missed },
    );
    expect(state.notices).toHaveLength(1);
    expect(reduce(state, { type: "agent", seq: 13, agent: agent() }).notices).toEqual([]);
  });

  it("is bounded, and the newest are kept", () => {
    const many = Array.from({ length: 60 }, (_, n) => raise(11 + n, "nobody_logged_in", { queue: `q${n}` }));
    const { notices } = after(snapshot(), ...many);
    expect(notices).toHaveLength(50);
    expect(notices.at(-1)?.queue).toBe("q59");
  });
});

it("keeps the version of the routing, so that what depends on it is loaded anew", () => {
  const changed = after(snapshot(), { type: "routing", seq: 11, version: 4 });
  expect(changed.routingVersion).toBe(4);
  expect(reduce(changed, snapshot({ routing: { version: 5 } })).routingVersion).toBe(5);
});

it("forgets a seat that exists no more", () => {
  const state = reduce(reduce(EMPTY, snapshot()), { type: "agent_gone", seq: 11, agent_id: "agent-101" });
  expect(state.agents).toEqual({});
  expect(state.seq).toBe(11);
});
