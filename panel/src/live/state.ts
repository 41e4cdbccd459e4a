/**
 * What the workplace knows of contacts and call takers: a pure reducer over the live messages.
 *
 * A snapshot replaces everything; every other message changes one thing. The last sequence number
 * is kept, so that a new connection can ask for what it missed.
 */

import type { AgentMsg, CallbackTask, ContactMsg, PersonOnCard, ServerMessage } from "../api/types";
import { isText, isWaiting } from "./contact";
import { afterAgent, afterContact, afterSnapshot, noticeOf, withNotice, type Notice } from "./notices";
import { offersAfter, withoutOffers, withOffer, type Offers } from "./offer";

export type { Offer } from "./offer";
export { isText, isWaiting } from "./contact";

/** What is offered to us now stands in `offer` and `textOffer`. */
export interface LiveState extends Offers {
  epoch: string | null;
  seq: number | null;
  /** Our own seat, as the server sees this connection. */
  agentId: string | null;
  contacts: Readonly<Record<string, ContactMsg>>;
  agents: Readonly<Record<string, AgentMsg>>;
  callbacks: Readonly<Record<string, CallbackTask>>;
  /** Codes of the alarms that stand, in the order in which they were raised. */
  alarms: readonly string[];
  /** What the distributor raised and nobody here has read yet, oldest first. */
  notices: readonly Notice[];
  /** Of the routing, as last told; null before its first change. */
  routingVersion: number | null;
  catalogueVersion: number | null;
  messagingVersion: number | null;
  /** Who is on which card, by incident; of cards on which nobody is there is nothing. */
  onCards: Readonly<Record<string, readonly PersonOnCard[]>>;
}

export const EMPTY: LiveState = {
  epoch: null,
  seq: null,
  agentId: null,
  contacts: {},
  agents: {},
  callbacks: {},
  offer: null,
  textOffer: null,
  alarms: [],
  notices: [],
  routingVersion: null,
  catalogueVersion: null,
  messagingVersion: null,
  onCards: {},
};

type Snapshot = Extract<ServerMessage, { type: "snapshot" }>;
type Alarm = Extract<ServerMessage, { type: "alarm" }>;

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

function afterAlarm(state: LiveState, { code, data }: Pick<Alarm, "code" | "data">): LiveState {
  const active = data.active ?? true;
  const notice = noticeOf(code, data);
  if (notice !== null) return { ...state, notices: withNotice(state.notices, notice, active) };
  const others = state.alarms.filter((other) => other !== code);
  return { ...state, alarms: active ? [...others, code] : others };
}

function fromSnapshot(before: LiveState, message: Snapshot): LiveState {
  const fresh: LiveState = {
    ...EMPTY,
    epoch: message.epoch,
    seq: message.seq,
    agentId: message.me.agent_id,
    contacts: Object.fromEntries(message.contacts.map((item) => [item.contact_id, item])),
    agents: Object.fromEntries(message.agents.map((item) => [item.agent_id, item])),
    callbacks: Object.fromEntries(message.callbacks.map((item) => [item.task_id, item])),
    notices: afterSnapshot(before.notices, message.contacts, message.agents),
    routingVersion: message.routing?.version ?? before.routingVersion,
    catalogueVersion: before.catalogueVersion,
    messagingVersion: before.messagingVersion,
  };
  const none: Offers = { offer: null, textOffer: null };
  const offers = message.contacts.reduce((all, item) => offersAfter(all, item, fresh.agentId), none);
  const alarms = message.alarms.map((alarm) => (typeof alarm === "string" ? { code: alarm, data: {} } : alarm));
  return alarms.reduce(afterAlarm, { ...fresh, ...offers });
}

/** The next state. Unknown messages change nothing but the sequence number. */
export function reduce(state: LiveState, message: ServerMessage): LiveState {
  const seq = typeof message.seq === "number" ? message.seq : state.seq;
  const next = seq === state.seq ? state : { ...state, seq };
  switch (message.type) {
    case "snapshot":
      return fromSnapshot(state, message);
    case "resumed":
      // The numbers of missed messages follow; only they may move the sequence forward.
      return { ...state, epoch: message.epoch };
    case "contact": {
      const { contact } = message;
      const contacts = { ...next.contacts, [contact.contact_id]: contact };
      const notices = afterContact(next.notices, contact.contact_id, contact);
      return { ...next, contacts, notices, ...offersAfter(next, contact, next.agentId) };
    }
    case "contact_gone": {
      const offers = withoutOffers(next, (offer) => offer.contact_id === message.contact_id);
      const notices = afterContact(next.notices, message.contact_id, null);
      return { ...next, contacts: without(next.contacts, message.contact_id), notices, ...offers };
    }
    case "agent": {
      const { agent } = message;
      const notices = afterAgent(next.notices, agent);
      return { ...next, agents: { ...next.agents, [agent.agent_id]: agent }, notices };
    }
    case "agent_gone":
      return { ...next, agents: without(next.agents, message.agent_id) };
    case "offer": {
      const { offer_id, contact_id, incident_id, deadline, caller_number, kind } = message.offer;
      const coming = { offer_id, contact_id, incident_id, deadline, caller_number, kind };
      return { ...next, ...withOffer(next, coming, next.contacts[contact_id]) };
    }
    case "offer_gone":
      return { ...next, ...withoutOffers(next, (offer) => offer.offer_id === message.offer_id) };
    case "alarm":
      return afterAlarm(next, message);
    case "callback":
      return { ...next, callbacks: { ...next.callbacks, [message.task.task_id]: message.task } };
    case "callback_gone":
      return { ...next, callbacks: without(next.callbacks, message.task_id) };
    case "routing":
      return { ...next, routingVersion: message.version };
    case "catalogue":
      return { ...next, catalogueVersion: message.version };
    case "messaging":
      return { ...next, messagingVersion: message.version };
    case "card_presence": {
      const others = without(next.onCards, message.incident_id);
      const { incident_id, people } = message;
      return { ...next, onCards: people.length === 0 ? others : { ...others, [incident_id]: people } };
    }
    default:
      return next;
  }
}

/** Somebody is in a conversation with the citizen, or is calling them. */
export function isConversation(contact: ContactMsg): boolean {
  if (contact.state === "parachute") return contact.agent_id !== null;
  return !isWaiting(contact);
}

function byArrival(a: ContactMsg, b: ContactMsg): number {
  return Date.parse(a.arrived_at) - Date.parse(b.arrived_at) || a.contact_id.localeCompare(b.contact_id);
}

function byPriority(a: ContactMsg, b: ContactMsg): number {
  return b.priority - a.priority || byArrival(a, b);
}

/** Class by class, within a class by the server's order key. */
function byScore(a: ContactMsg, b: ContactMsg): number {
  const key = (contact: ContactMsg): number => Date.parse(contact.sort_at ?? contact.arrived_at);
  return (b.queue_class ?? 0) - (a.queue_class ?? 0) || key(a) - key(b) || byArrival(a, b);
}

/** Those who wait, in the order in which they are served. */
export function waitingContacts(state: LiveState): ContactMsg[] {
  const waiting = Object.values(state.contacts).filter(isWaiting);
  // Only a server that tells the order key of some contact has one for all of the distributor's.
  const scored = waiting.some((contact) => contact.sort_at !== null);
  return waiting.sort(scored ? byScore : byPriority);
}

/** All conversations, the longest first. */
export function conversations(state: LiveState): ContactMsg[] {
  return Object.values(state.contacts).filter(isConversation).sort(byArrival);
}

/** The contact that we talk with (or hold, call, or assist in), if there is one. */
export function ownContact(state: LiveState): ContactMsg | null {
  const { agentId } = state;
  if (agentId === null) return null;
  const spoken = conversations(state).filter((c) => c.state !== "handed_over" && !isText(c));
  return (
    spoken.find((c) => c.agent_id === agentId) ?? spoken.find((c) => c.participants.includes(agentId)) ?? null
  );
}

export function ownAgent(state: LiveState): AgentMsg | null {
  return state.agentId === null ? null : (state.agents[state.agentId] ?? null);
}

/** The name people know a seat by. */
export function agentName(state: LiveState, agentId: string | null): string {
  if (agentId === null) return "";
  return state.agents[agentId]?.name ?? agentId;
}

/** Call takers by extension, as people look for them on a list. */
export function agentsByExtension(state: LiveState): AgentMsg[] {
  return Object.values(state.agents).sort(
    (a, b) =>
      a.extension.localeCompare(b.extension, undefined, { numeric: true }) ||
      a.agent_id.localeCompare(b.agent_id),
  );
}

/** Cars that were handed over and that nobody has taken, the oldest first. */
export function carsUntaken(state: LiveState): CallbackTask[] {
  return openCallbacks(state)
    .filter((task) => task.kind === "handed_over" && task.state === "open")
    .sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
}

/** Citizens to be called, in the order in which it should be done: priority, then age. */
export function openCallbacks(state: LiveState): CallbackTask[] {
  return Object.values(state.callbacks)
    .filter((task) => task.state !== "done")
    .sort(
      (a, b) =>
        b.priority - a.priority ||
        Date.parse(a.created_at) - Date.parse(b.created_at) ||
        a.task_id.localeCompare(b.task_id),
    );
}
