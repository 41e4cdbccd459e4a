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

export interface Me {
  account: Account;
  agent: Agent | null;
  phone: PhoneSettings | null;
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
}

export type ContactState = "waiting" | "offered" | "talking" | "held" | "parachute";

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
  offer: { offer_id: string; deadline: string } | null;
  on_hold: boolean;
}

export interface OfferMsg {
  offer_id: string;
  contact_id: string;
  incident_id: string | null;
  agent_id: string;
  deadline: string;
  caller_number: string | null;
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
      alarms?: string[];
      me: { account: Account; agent_id: string | null };
      server_time: string;
    })
  | (Numbered & { type: "resumed"; epoch: string })
  | (Numbered & { type: "contact"; contact: ContactMsg })
  | (Numbered & { type: "contact_gone"; contact_id: string })
  | (Numbered & { type: "agent"; agent: AgentMsg })
  | (Numbered & { type: "offer"; offer: OfferMsg })
  | (Numbered & { type: "offer_gone"; offer_id: string; contact_id: string; reason: string })
  | (Numbered & { type: "card"; incident_id: string; contact_ids: string[]; number: string })
  | (Numbered & { type: "alarm"; code: string; data: { active: boolean } })
  | { type: "ping"; server_time: string; seq?: number };

export type Outcome = "waiting" | "answered" | "parachute" | "abandoned" | "ended";

export interface CardSummary {
  incident_id: string;
  number: string;
  opened_at: string;
  status: "open" | "closed";
  caller_number: string | null;
  caller_number_hidden: boolean;
  medium: string;
  outcome: Outcome;
  agent_id: string | null;
  agent_name: string | null;
  answered_at: string | null;
  ended_at: string | null;
  recording_count: number;
  notes_excerpt: string | null;
}

export interface RecordingInfo {
  recording_id: string;
  state: "sealed" | "failed";
  duration_s: number | null;
  sha256: string | null;
  size: number | null;
  started_at: string | null;
  error: string | null;
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

export interface TimelineItem {
  at: string;
  tag: string;
  contact_id: string | null;
  agent_id: string | null;
  author: string | null;
  data: Record<string, TimelineValue> | null;
}

export interface Notes {
  text: string;
  version: number;
  saved_at: string | null;
  author: string | null;
}

export interface Card extends CardSummary {
  contacts: CardContact[];
  notes: Notes;
  timeline: TimelineItem[];
}

export interface CardPage {
  cards: CardSummary[];
  next: string | null;
}
