/** The JSON shapes of the API and of the live messages, exactly as the server writes them. */

import type { ServiceMessage } from "../services/types";
import type { PersonOnCard } from "./card-types";
import type { LiveConversation } from "./conversations";
import type { CarData } from "./ecall";

export * from "./card-types";

export type Language = "en" | "lv" | "ru";
export type Role =
  | "call_taker"
  | "supervisor"
  | "service_dispatcher"
  | "quality_officer"
  | "telecom_admin"
  | "system_admin";
export type Device = "sip" | "browser";

export interface Account {
  login: string;
  name: string;
  role: Role;
  language: Language;
  agent_id: string | null;
  /** Whose a service's dispatcher is; null for everybody else. */
  service: string | null;
}

/** The seat of this account; null for people who take no calls. */
export interface Agent {
  agent_id: string;
  name: string;
  extension: string;
  device: Device;
}

/** How a browser phone registers; only for seats whose device is the browser. */
export interface PhoneSettings {
  uri: string;
  ws_url: string;
  username: string;
  password: string;
}

/** What this account may do; the server knows more rights than the panel asks for. */
export interface Rights {
  /** Take calls, and act on them. */
  calls: boolean;
  /** Listen, whisper, barge in and take over; needs an own seat. */
  monitor: boolean;
  /** See the shift live, force presences, and be told of the distributor's alarms. */
  supervise: boolean;
  /** See and change the routing. */
  routing: boolean;
  /** See and change the catalogue. */
  catalogue: boolean;
  /** Take a chosen contact from the waiting list. */
  pick: boolean;
  /** See and change accounts. */
  people: boolean;
  /** See what a service was given, and keep its units. */
  desk: boolean;
  /** Make and revoke API keys. */
  keys: boolean;
  /** See the live centre: who calls, who talks with whom. */
  contacts: boolean;
  /** See call-backs, make and close them. */
  callbacks: boolean;
  /** See whom a call can be given to. */
  directory: boolean;
  /** Look for cards. */
  "cards.search": boolean;
  /** Write on cards. */
  "cards.edit": boolean;
}

export interface Me {
  account: Account;
  agent: Agent | null;
  phone: PhoneSettings | null;
  rights: Rights;
  server: { version: string; offer_timeout_s: number; wrap_up_s: number };
}

export type PresenceKind = "ready" | "not_ready" | "off";
export const NOT_READY_REASONS = ["break", "training", "admin", "technical"] as const;
export type NotReadyReason = (typeof NOT_READY_REASONS)[number];

export interface Presence {
  kind: PresenceKind;
  reason: string | null;
}

export type AgentState =
  "off" | "not_ready" | "unavailable" | "idle" | "reserved" | "talking" | "wrap_up";

export interface Skill {
  skill: string;
  level: number;
}

/** "barge": heard by everybody; "off" ends it. */
export type MonitorMode = "listen" | "whisper" | "barge";

export interface Monitoring {
  contact_id: string;
  mode: MonitorMode;
}

export interface AgentMsg {
  agent_id: string;
  name: string;
  extension: string;
  device: Device;
  presence: Presence;
  presence_pending: Presence | null;
  state: AgentState;
  since: string;
  contact_id: string | null;
  reachable: boolean;
  busy: boolean;
  wrap_up_deadline: string | null;
  /** Text conversations in hand, beside the voice call. */
  contacts: string[];
  missed_offers: number;
  /** In a conversation that a colleague is responsible for. */
  assisting: boolean;
  site: string;
  skills: Skill[];
  /** Null: all queues. */
  queues: string[] | null;
  monitoring: Monitoring | null;
}

export type ContactState =
  | "waiting"
  | "offered"
  | "talking"
  | "held"
  | "parachute"
  /** The citizen is being called. */
  | "dialling"
  /** The citizen talks with an outside party only. */
  | "handed_over";

export type Direction = "inbound" | "outbound";
export type Shortage = "all_busy" | "nobody_logged_in" | "nobody_qualified" | "no_device";
export type OfferKind = "answer" | "assist" | "outbound";
export type PartyKind = "agent" | "service" | "interpreter" | "outside" | "supervisor";
export type PartyState = "ringing" | "talking" | "held" | "listening" | "whispering";

/** One leg in a conversation beside the citizen's. */
export interface Party {
  party_id: string;
  kind: PartyKind;
  agent_id: string | null;
  number: string | null;
  name: string;
  state: PartyState;
  /** Nobody hears this party. */
  muted: boolean;
}

export interface ContactOffer {
  offer_id: string;
  agent_id: string;
  deadline: string;
  kind: OfferKind | null;
}

export interface ContactMsg {
  contact_id: string;
  incident_id: string | null;
  card_number: string | null;
  medium: string;
  queue: string;
  priority: number;
  state: ContactState;
  caller_number: string | null;
  caller_number_hidden: boolean;
  arrived_at: string;
  agent_id: string | null;
  /** The first of `offers`. */
  offer: { offer_id: string; deadline: string } | null;
  /** The citizen hears music. */
  on_hold: boolean;
  /** Since when; null where the server does not tell, then this panel counts from seeing it. */
  held_since: string | null;
  direction: Direction;
  /** Class of the queue, 0 to 9; a higher one is served before any lower one. */
  queue_class: number | null;
  /** Order of service within a class: arrival less head starts. Null: priority, then arrival. */
  sort_at: string | null;
  language: string | null;
  /** No speech was heard. */
  silent: boolean;
  /** The caller pressed the key for "I cannot speak". */
  cannot_speak: boolean;
  redial: boolean;
  escalated: boolean;
  shortage: Shortage | null;
  /** Several when a queue rings all. */
  offers: ContactOffer[];
  /** Further call takers in the conversation. */
  participants: string[];
  parties: Party[];
  /** The microphone of the responsible call taker, as the server mutes it. */
  muted: boolean;
  handed_over: boolean;
  /** Null of a call. */
  conversation: LiveConversation | null;
  /** What was asked for (RFC 5031), e.g. `urn:service:sos.ecall.automatic`; null for a number that was dialled. */
  service: string | null;
  /** Nobody needs help: somebody tries whether we answer. */
  test: boolean;
  /** By which line it came. */
  trunk: string | null;
  /** Null of whoever is no car. */
  vehicle: CarData | null;
}

/** What a person can close a call-back with. */
export const CLOSING_OUTCOMES = ["reached", "no_answer", "not_needed"] as const;
export type ClosingOutcome = (typeof CLOSING_OUTCOMES)[number];
export type CallbackOutcome = ClosingOutcome | "called_again";

export interface CallbackAttempt {
  at: string;
  agent_id: string | null;
  outcome: string | null;
  /** Why the citizen did not answer, where it is known. */
  reason?: string | null;
}

/** A citizen who gave up and has to be called, or a car that another centre has handed over. */
export interface CallbackTask {
  task_id: string;
  kind: "abandoned" | "handed_over";
  number: string | null;
  /** False if nothing in the number can be called; a person then looks at the card. */
  dialable: boolean;
  contact_id: string | null;
  incident_id: string | null;
  created_at: string;
  queue: string;
  priority: number;
  state: "open" | "calling" | "done";
  attempts: CallbackAttempt[];
  /** All automatic attempts were made in vain; a person has to decide. */
  exhausted: boolean;
  outcome: CallbackOutcome | null;
  closed_by: string | null;
}

export type Titles = Partial<Record<Language, string>>;

export interface DirectoryEntry {
  name: string;
  title: Titles;
  number: string;
  kind: "service" | "interpreter" | "other";
}

export interface DirectoryQueue {
  name: string;
  title: Titles;
}

/** Where a conversation can be transferred to, beside colleagues. */
export interface Directory {
  entries: DirectoryEntry[];
  queues: DirectoryQueue[];
}

/** Who is to be consulted, added, or to get the conversation. */
export type Target =
  | { kind: "agent"; agent_id: string }
  | { kind: "queue"; queue: string }
  | { kind: "directory"; name: string }
  | { kind: "number"; number: string };

/** What an alarm is about; `active` only with alarms that stand until their cause is gone. */
export interface AlarmData {
  active?: boolean;
  involvement_id?: string;
  incident_id?: string;
  card_number?: string;
  service?: string;
  sent_by?: string;
  reason?: string | null;
  contact_id?: string | null;
  agent_id?: string | null;
  queue?: string | null;
}

export interface OfferMsg {
  offer_id: string;
  contact_id: string;
  incident_id: string | null;
  agent_id: string;
  deadline: string;
  caller_number: string | null;
  kind: OfferKind;
}

interface Numbered {
  seq: number;
}

export type ServerMessage =
  | (Numbered & {
      type: "snapshot";
      epoch: string;
      contacts: ContactMsg[];
      agents: AgentMsg[];
      callbacks: CallbackTask[];
      alarms: (string | { code: string; data: AlarmData })[];
      /** Null before the first change of the routing, and from an older server. */
      routing: { version: number } | null;
      me: { account: Account; agent_id: string | null };
      server_time: string;
    })
  | (Numbered & { type: "resumed"; epoch: string })
  | (Numbered & { type: "contact"; contact: ContactMsg })
  | (Numbered & { type: "contact_gone"; contact_id: string })
  | (Numbered & { type: "agent"; agent: AgentMsg })
  /** The seat exists no more. */
  | (Numbered & { type: "agent_gone"; agent_id: string })
  | (Numbered & { type: "offer"; offer: OfferMsg })
  | (Numbered & { type: "offer_gone"; offer_id: string; contact_id: string; reason: string })
  | (Numbered & { type: "card"; incident_id: string; contact_ids: string[]; number: string })
  | (Numbered & { type: "alarm"; code: string; data: AlarmData })
  | (Numbered & { type: "callback"; task: CallbackTask })
  | (Numbered & { type: "callback_gone"; task_id: string })
  /** The routing was changed: queues and the directory may be others now. */
  | (Numbered & { type: "routing"; version: number })
  | (Numbered & { type: "catalogue"; version: number })
  /** The document about texts was changed. */
  | (Numbered & { type: "messaging"; version: number })
  /** Something in this conversation is new: look again. */
  | (Numbered & { type: "conversation"; conversation_id: string; contact_id: string | null; incident_id: string | null })
  /** Who is on a card, and in which field. */
  | (Numbered & { type: "card_presence"; incident_id: string; people: PersonOnCard[] })
  | (Numbered & ServiceMessage)
  | { type: "ping"; server_time: string; seq?: number };
