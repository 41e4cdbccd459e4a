/**
 * Fills in what an older server does not send, so that everything behind this door may rely on
 * each field. Values are believed; only absence is mended.
 */

import { decodeCar } from "./ecall";
import type {
  AgentMsg,
  CallbackTask,
  Card,
  CardContact,
  ContactMsg,
  ContactOffer,
  Directory,
  Me,
  OfferMsg,
  Party,
  Rights,
  ServerMessage,
} from "./types";

/** Of an older server, where everybody who could log in took calls. */
const PLAIN_RIGHTS: Rights = {
  calls: true,
  monitor: false,
  supervise: false,
  routing: false,
  catalogue: false,
  pick: false,
  people: false,
  desk: false,
  keys: false,
  contacts: true,
  callbacks: true,
  directory: true,
  "cards.search": true,
  "cards.edit": true,
};

const CONTACT_DEFAULTS = {
  held_since: null,
  direction: "inbound",
  queue_class: null,
  sort_at: null,
  language: null,
  silent: false,
  cannot_speak: false,
  redial: false,
  escalated: false,
  shortage: null,
  participants: [],
  muted: false,
  handed_over: false,
  conversation: null,
  service: null,
  test: false,
  trunk: null,
} as const;

const AGENT_DEFAULTS = {
  contacts: [],
  missed_offers: 0,
  assisting: false,
  site: "",
  skills: [],
  queues: null,
  monitoring: null,
};

/** An older server names one offer only, with the seat beside it. */
function offersOf(raw: Partial<ContactMsg>): ContactOffer[] {
  if (raw.offers) return raw.offers.map((offer) => ({ ...offer, kind: kindOf(offer) }));
  if (!raw.offer || !raw.agent_id) return [];
  return [{ ...raw.offer, agent_id: raw.agent_id, kind: null }];
}

function kindOf(offer: Partial<ContactOffer>): ContactOffer["kind"] {
  return offer.kind ?? null;
}

function decodeParty(raw: Partial<Party>): Party {
  return { muted: false, ...raw } as Party;
}

export function decodeContact(raw: Partial<ContactMsg>): ContactMsg {
  const parties = (raw.parties ?? []).map(decodeParty);
  return { ...CONTACT_DEFAULTS, ...raw, parties, offers: offersOf(raw), vehicle: decodeCar(raw.vehicle) } as ContactMsg;
}

export function decodeAgent(raw: Partial<AgentMsg>): AgentMsg {
  return { ...AGENT_DEFAULTS, ...raw } as AgentMsg;
}

export function decodeCallback(raw: Partial<CallbackTask>): CallbackTask {
  const dialable = raw.number != null;
  const kind = "abandoned";
  const defaults = { kind, dialable, attempts: [], exhausted: false, outcome: null, closed_by: null, incident_id: null };
  return { ...defaults, ...raw } as unknown as CallbackTask;
}

export function decodeMe(raw: Partial<Me>): Me {
  const supervise = raw.rights?.monitor ?? false;
  return { ...raw, rights: { ...PLAIN_RIGHTS, supervise, ...raw.rights } } as Me;
}

export function decodeDirectory(raw: Partial<Directory> | null): Directory {
  return { entries: raw?.entries ?? [], queues: raw?.queues ?? [] };
}

const CARD_DEFAULTS = {
  type: null,
  priority: null,
  address: null,
  merged_into: null,
  fields: {},
  locations: [],
  location: { current: null, why: null, conflicts: [] },
  presence: [],
  merged: [],
  parent: null,
  children: [],
  services: [],
  attachments: [],
};

function decodeCardContact(raw: Partial<CardContact>): CardContact {
  return { service: null, test: false, ...raw } as CardContact;
}

export function decodeCard(raw: Partial<Card>): Card {
  return { ...CARD_DEFAULTS, ...raw, contacts: (raw.contacts ?? []).map(decodeCardContact) } as Card;
}

function decodeOffer(raw: Partial<OfferMsg>): OfferMsg {
  return { kind: "answer", ...raw } as OfferMsg;
}

/** A live message as the rest of the panel knows it; messages of later versions pass as they are. */
export function decodeMessage(raw: unknown): ServerMessage {
  const message = raw as ServerMessage;
  switch (message.type) {
    case "snapshot": {
      const sent = message as Partial<typeof message>;
      return {
        ...message,
        contacts: (sent.contacts ?? []).map(decodeContact),
        agents: (sent.agents ?? []).map(decodeAgent),
        callbacks: (sent.callbacks ?? []).map(decodeCallback),
        alarms: sent.alarms ?? [],
        routing: sent.routing ?? null,
      };
    }
    case "contact":
      return { ...message, contact: decodeContact(message.contact) };
    case "agent":
      return { ...message, agent: decodeAgent(message.agent) };
    case "offer":
      return { ...message, offer: decodeOffer(message.offer) };
    case "callback":
      return { ...message, task: decodeCallback(message.task) };
    case "alarm":
      return { ...message, data: (message as Partial<typeof message>).data ?? {} };
    default:
      return message;
  }
}
