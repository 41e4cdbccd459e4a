/** What an older server does not send is filled in, and what it sends is left as it is. */

import { expect, it } from "vitest";
import { decodeAgent, decodeCallback, decodeContact, decodeDirectory, decodeMe, decodeMessage } from "../src/api/decode";
import { me } from "./samples";

it("gives a contact every field, with the one offer of old as a list", () => {
  const offer = { offer_id: "o1", deadline: "2026-11-23T15:00:15.000Z" };
  const contact = decodeContact({ contact_id: "c1", agent_id: "agent-101", offer });
  expect(contact.offers).toEqual([{ ...offer, agent_id: "agent-101", kind: null }]);
  expect(contact).toMatchObject({ direction: "inbound", parties: [], participants: [], silent: false, shortage: null });
});

it("has no offers where none is told", () => {
  expect(decodeContact({ contact_id: "c1", agent_id: "agent-101", offer: null }).offers).toEqual([]);
});

it("believes what is told", () => {
  const told = { silent: true, offers: [{ offer_id: "o", agent_id: "a", deadline: "x", kind: "assist" as const }] };
  expect(decodeContact(told)).toMatchObject(told);
  expect(decodeAgent({ queues: ["office"], missed_offers: 2 })).toMatchObject({ queues: ["office"], missed_offers: 2 });
});

it("gives nobody a right beyond call taking that was not granted", () => {
  expect(decodeMe({ ...me(), rights: undefined } as never).rights).toEqual({
    calls: true,
    desk: false,
    monitor: false,
    supervise: false,
    routing: false,
    catalogue: false,
    pick: false,
    people: false,
    keys: false,
    contacts: true,
    callbacks: true,
    directory: true,
    "cards.search": true,
    "cards.edit": true,
  });
  expect(decodeMe({ rights: { pick: true } } as never).rights).toMatchObject({ pick: true, monitor: false });
  expect(decodeMe({ rights: { monitor: true } } as never).rights).toMatchObject({ supervise: true, people: false });
});

it("makes lists out of what is missing in a snapshot, a task and the directory", () => {
  const snapshot = decodeMessage({ type: "snapshot", epoch: "e", seq: 1, me: { agent_id: null } });
  expect(snapshot).toMatchObject({ contacts: [], agents: [], callbacks: [], alarms: [] });
  expect(decodeCallback({ task_id: "t1" })).toMatchObject({ attempts: [], exhausted: false });
  expect(decodeDirectory(null)).toEqual({ entries: [], queues: [] });
});

it("lets messages of later versions pass", () => {
  expect(decodeMessage({ type: "later", seq: 3 })).toEqual({ type: "later", seq: 3 });
  expect(decodeMessage({ type: "alarm", seq: 3, code: "x" })).toMatchObject({ data: {} });
});
