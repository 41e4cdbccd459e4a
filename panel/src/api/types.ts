/** The JSON shapes of the API and of the live messages, exactly as the server writes them. */

export type Language = "en" | "lv" | "ru";
export type Role = "call_taker" | "supervisor" | "admin";
export type Device = "sip" | "browser";

export interface Account {
  login: string;
  name: string;
  role: Role;
  language: Language;
  agent_id: string | null;
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

/** What this account may do beyond taking calls. */
export interface Rights {
  /** Listen, whisper, barge in and take over; needs an own seat. */
  monitor: boolean;
  /** See the shift live, force presences, and be told of the distributor's alarms. */
  supervise: boolean;
  /** See and change the routing. */
  routing: boolean;
  /** Take a chosen contact from the waiting list. */
  pick: boolean;
  /** See and change accounts. */
  people: boolean;
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

/** A citizen who gave up and has to be called. */
export interface CallbackTask {
  task_id: string;
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
  | { type: "ping"; server_time: string; seq?: number };

export type Outcome =
  | "waiting"
  | "answered"
  | "parachute"
  | "abandoned"
  | "cut_off"
  | "ended"
  /** We called, and nobody answered. */
  | "unreached";

export interface CardSummary {
  incident_id: string;
  number: string;
  opened_at: string;
  status: "open" | "closed";
  caller_number: string | null;
  caller_number_hidden: boolean;
  /** Null where the card was merged into another, to which its contacts went. */
  medium: string | null;
  outcome: Outcome | null;
  agent_id: string | null;
  agent_name: string | null;
  answered_at: string | null;
  ended_at: string | null;
  recording_count: number;
  notes_excerpt: string | null;
  type: string | null;
  priority: number | null;
  address: string;
  merged_into: CardHead | null;
}

/** Whose leg a recording is of: a call taker, or somebody outside. */
export interface RecordedParty {
  kind: PartyKind;
  number: string | null;
  /** The directory's name of the entry; the number where it was typed. */
  name: string;
  agent_id: string | null;
  agent_name: string | null;
}

export interface RecordingInfo {
  recording_id: string;
  state: "sealed" | "failed";
  duration_s: number | null;
  sha256: string | null;
  size: number | null;
  started_at: string | null;
  error: string | null;
  /** Null: the caller's own. */
  party: RecordedParty | null;
}

export interface CardContact {
  contact_id: string;
  medium: string;
  queue: string;
  priority: number;
  caller_number: string | null;
  caller_number_hidden: boolean;
  called_number: string | null;
  arrived_at: string;
  answered_at: string | null;
  ended_at: string | null;
  agent_id: string | null;
  agent_name: string | null;
  outcome: Outcome;
  recordings: RecordingInfo[];
}

export type TimelineValue = string | number | boolean | null;

/** Any value of a field; long ones are left out of the timeline. */
export type JSONValue = TimelineValue | JSONValue[] | { [name: string]: JSONValue };

export interface TimelineItem {
  at: string;
  tag: string;
  /** Names the entry to `POST …/undo`; unique among those of the contact, or else of the incident. */
  key: string;
  contact_id: string | null;
  incident_id: string;
  agent_id: string | null;
  author: string | null;
  data: Record<string, JSONValue> | null;
}

export interface Notes {
  text: string;
  version: number;
  saved_at: string | null;
  author: string | null;
}

export interface CardHead {
  incident_id: string;
  number: string;
}

export interface Field {
  value: JSONValue;
  version: number;
  saved_at: string;
  author: string;
}

/** A card that was merged into this one, with what it said by itself. */
export interface MergedCard extends CardHead {
  at: string | null;
  author: string | null;
  fields: Record<string, Field>;
  notes: Notes;
}

export interface Card extends CardSummary {
  contacts: CardContact[];
  notes: Notes;
  timeline: TimelineItem[];
  fields: Record<string, Field>;
  merged: MergedCard[];
  parent: CardHead | null;
  children: CardHead[];
}

export interface CardPage {
  cards: CardSummary[];
  next: string | null;
}
