/**
 * What the workplace knows of contacts and call takers: a pure reducer over the live messages.
 *
 * A snapshot replaces everything; every other message changes one thing. The last sequence number
 * is kept, so that a new connection can ask for what it missed.
 */

import type { AgentMsg, ContactMsg, ServerMessage } from "../api/types";

export interface Offer {
  offer_id: string;
  contact_id: string;
  incident_id: string | null;
  deadline: string;
  caller_number: string | null;
  /** True once the contact itself was reported as offered to us. */
  confirmed: boolean;
}

export interface LiveState {
  epoch: string | null;
  seq: number | null;
  /** Our own seat, as the server sees this connection. */
  agentId: string | null;
  contacts: Readonly<Record<string, ContactMsg>>;
  agents: Readonly<Record<string, AgentMsg>>;
  /** What is offered to us now; one at a time, as the server rings one at a time. */
  offer: Offer | null;
  /** Codes of the alarms that stand, in the order in which they were raised. */
  alarms: readonly string[];
}

export const EMPTY: LiveState = {
  epoch: null,
  seq: null,
  agentId: null,
  contacts: {},
  agents: {},
  offer: null,
  alarms: [],
};

function offerOf(contact: ContactMsg, previous: Offer | null): Offer | null {
  if (contact.offer === null) return null;
  const same = previous?.offer_id === contact.offer.offer_id ? previous : null;
  return {
    offer_id: contact.offer.offer_id,
    contact_id: contact.contact_id,
    incident_id: contact.incident_id ?? same?.incident_id ?? null,
    deadline: contact.offer.deadline,
    caller_number: contact.caller_number ?? same?.caller_number ?? null,
    confirmed: true,
  };
}

/** The offer that stands after `contact` was reported. */
function offerAfter(state: LiveState, contact: ContactMsg): Offer | null {
  const mine = state.agentId !== null && contact.agent_id === state.agentId;
  if (contact.state === "offered" && mine) return offerOf(contact, state.offer);
  if (state.offer?.contact_id !== contact.contact_id) return state.offer;
  // The offer may overtake the report that the contact left the waiting list: such a report is
  // older than the offer and must not take it down.
  if (contact.state === "waiting" && !state.offer.confirmed) return state.offer;
  return null;
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

function alarmsAfter(alarms: readonly string[], code: string, active: boolean): readonly string[] {
  const others = alarms.filter((other) => other !== code);
  return active ? [...others, code] : others;
}

/** The next state. Unknown messages change nothing but the sequence number. */
export function reduce(state: LiveState, message: ServerMessage): LiveState {
  const seq = typeof message.seq === "number" ? message.seq : state.seq;
  const next = seq === state.seq ? state : { ...state, seq };
  switch (message.type) {
    case "snapshot": {
      const fresh: LiveState = {
        ...EMPTY,
        epoch: message.epoch,
        seq: message.seq,
        agentId: message.me.agent_id,
        contacts: Object.fromEntries(message.contacts.map((item) => [item.contact_id, item])),
        agents: Object.fromEntries(message.agents.map((item) => [item.agent_id, item])),
        alarms: message.alarms ?? [],
      };
      return message.contacts.reduce((s, item) => ({ ...s, offer: offerAfter(s, item) }), fresh);
    }
    case "resumed":
      // The numbers of missed messages follow; only they may move the sequence forward.
      return { ...state, epoch: message.epoch };
    case "contact": {
      const { contact } = message;
      const contacts = { ...next.contacts, [contact.contact_id]: contact };
      return { ...next, contacts, offer: offerAfter(next, contact) };
    }
    case "contact_gone": {
      const offer = next.offer?.contact_id === message.contact_id ? null : next.offer;
      return { ...next, contacts: without(next.contacts, message.contact_id), offer };
    }
    case "agent":
      return { ...next, agents: { ...next.agents, [message.agent.agent_id]: message.agent } };
    case "offer": {
      const { offer_id, contact_id, incident_id, deadline, caller_number } = message.offer;
      const confirmed = next.offer?.offer_id === offer_id && next.offer.confirmed;
      const offer = { offer_id, contact_id, incident_id, deadline, caller_number, confirmed };
      return { ...next, offer };
    }
    case "offer_gone":
      return next.offer?.offer_id === message.offer_id ? { ...next, offer: null } : next;
    case "alarm":
      return { ...next, alarms: alarmsAfter(next.alarms, message.code, message.data.active) };
    default:
      return next;
  }
}

/** A contact in the parachute queue waits until somebody has taken it. */
function isWaiting(contact: ContactMsg): boolean {
  if (contact.state === "parachute") return contact.agent_id === null;
  return contact.state === "waiting" || contact.state === "offered";
}

/** Those who wait, in the order in which they are served: priority first, then arrival. */
export function waitingContacts(state: LiveState): ContactMsg[] {
  return Object.values(state.contacts)
    .filter(isWaiting)
    .sort(
      (a, b) =>
        b.priority - a.priority ||
        Date.parse(a.arrived_at) - Date.parse(b.arrived_at) ||
        a.contact_id.localeCompare(b.contact_id),
    );
}

/** The contact that we talk with (or hold), if there is one. */
export function ownContact(state: LiveState): ContactMsg | null {
  if (state.agentId === null) return null;
  const talking = (c: ContactMsg) => c.state === "talking" || c.state === "held" || c.state === "parachute";
  const mine = Object.values(state.contacts).filter((c) => c.agent_id === state.agentId);
  return mine.find(talking) ?? null;
}

export function ownAgent(state: LiveState): AgentMsg | null {
  return state.agentId === null ? null : (state.agents[state.agentId] ?? null);
}

/** Call takers by extension, as people look for them on a list. */
export function agentsByExtension(state: LiveState): AgentMsg[] {
  return Object.values(state.agents).sort(
    (a, b) =>
      a.extension.localeCompare(b.extension, undefined, { numeric: true }) ||
      a.agent_id.localeCompare(b.agent_id),
  );
}
