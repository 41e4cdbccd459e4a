/** Messages and answers as the server writes them, with one detail changed where a test needs it. */

import { decodeAgent, decodeCallback, decodeCard, decodeContact, decodeMe } from "../src/api/decode";
import type {
  AgentMsg,
  CallbackTask,
  Card,
  CardSummary,
  ContactMsg,
  Directory,
  Me,
  Party,
  TimelineItem,
} from "../src/api/types";

export const NOW = "2026-11-23T15:00:00.000Z";

export function contact(change: Partial<ContactMsg> = {}): ContactMsg {
  return decodeContact({
    contact_id: "c1",
    incident_id: "i1",
    card_number: "2026-000001",
    medium: "voice",
    queue: "emergency",
    priority: 5,
    state: "waiting",
    caller_number: "+37126123456",
    caller_number_hidden: false,
    arrived_at: NOW,
    agent_id: null,
    offer: null,
    on_hold: false,
    ...change,
  });
}

export function agent(change: Partial<AgentMsg> = {}): AgentMsg {
  return decodeAgent({
    agent_id: "agent-101",
    name: "Anna Bērziņa",
    extension: "101",
    device: "sip",
    presence: { kind: "ready", reason: null },
    presence_pending: null,
    state: "idle",
    since: NOW,
    contact_id: null,
    reachable: true,
    busy: false,
    wrap_up_deadline: null,
    ...change,
  });
}

export function summary(change: Partial<CardSummary> = {}): CardSummary {
  return {
    incident_id: "i1",
    number: "2026-000001",
    opened_at: NOW,
    status: "open",
    caller_number: "+37126123456",
    caller_number_hidden: false,
    medium: "voice",
    outcome: "waiting",
    agent_id: null,
    agent_name: null,
    answered_at: null,
    ended_at: null,
    recording_count: 0,
    notes_excerpt: null,
    type: null,
    priority: null,
    address: null,
    merged_into: null,
    ...change,
  };
}

export function item(tag: string, change: Partial<TimelineItem> = {}): TimelineItem {
  return {
    at: NOW,
    tag,
    key: tag,
    contact_id: "c1",
    incident_id: "i1",
    agent_id: null,
    author: null,
    data: null,
    ...change,
  };
}

export function card(change: Partial<Card> = {}): Card {
  return decodeCard({
    ...summary(),
    contacts: [],
    notes: { text: "", version: 0, saved_at: null, author: null },
    timeline: [item("contact_arrived")],
    ...change,
  });
}

export function me(change: Partial<Me> = {}): Me {
  return decodeMe({
    account: {
      login: "anna",
      name: "Anna Bērziņa",
      role: "call_taker",
      language: "en",
      agent_id: "agent-101",
      service: null,
    },
    agent: { agent_id: "agent-101", name: "Anna Bērziņa", extension: "101", device: "sip" },
    phone: null,
    server: { version: "0.1.0", offer_timeout_s: 15, wrap_up_s: 30 },
    ...change,
  });
}

export function party(change: Partial<Party> = {}): Party {
  return {
    party_id: "p1",
    kind: "service",
    agent_id: null,
    number: "113",
    name: "NMPD",
    state: "talking",
    muted: false,
    ...change,
  };
}

export function callback(change: Partial<CallbackTask> = {}): CallbackTask {
  return decodeCallback({
    task_id: "t1",
    number: "+37126123456",
    contact_id: "c9",
    incident_id: "i1",
    created_at: NOW,
    queue: "callback",
    priority: 5,
    state: "open",
    ...change,
  });
}

export function directory(change: Partial<Directory> = {}): Directory {
  return {
    entries: [
      { name: "polish", title: { en: "Interpreter, Polish" }, number: "+37167000001", kind: "interpreter" },
      { name: "nmpd", title: { en: "Ambulance", lv: "NMPD" }, number: "113", kind: "service" },
    ],
    queues: [
      { name: "emergency", title: { en: "Emergency", lv: "Ārkārtas" } },
      { name: "office", title: { en: "Office" } },
    ],
    ...change,
  };
}
