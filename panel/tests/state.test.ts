/** The live state follows the messages: snapshots, changes, offers that overtake or linger. */

import { describe, expect, it } from "vitest";
import type { ServerMessage } from "../src/api/types";
import { EMPTY, ownContact, reduce, waitingContacts, type LiveState } from "../src/live/state";
import { NOW, agent, contact, me } from "./samples";

const DEADLINE = "2026-11-23T15:00:15.000Z";
const OFFER = { offer_id: "o1", deadline: DEADLINE };

function snapshot(change: Partial<Extract<ServerMessage, { type: "snapshot" }>> = {}): ServerMessage {
  return {
    type: "snapshot",
    epoch: "e1",
    seq: 10,
    contacts: [],
    agents: [agent()],
    me: { account: me().account, agent_id: "agent-101" },
    server_time: NOW,
    ...change,
  };
}

function offered(seq: number): ServerMessage {
  return {
    type: "offer",
    seq,
    offer: { ...OFFER, contact_id: "c1", incident_id: null, agent_id: "agent-101", caller_number: "1" },
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
