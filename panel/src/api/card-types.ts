/** The JSON shapes of incident cards and of the catalogue that they are filled in by. */

import type { PartyKind, Titles } from "./types";

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
  /** Null, as the outcome, of a card whose contacts have all gone to another. */
  medium: string | null;
  outcome: Outcome | null;
  agent_id: string | null;
  agent_name: string | null;
  answered_at: string | null;
  ended_at: string | null;
  recording_count: number;
  notes_excerpt: string | null;
  /** Code of the incident's type in the catalogue. */
  type: string | null;
  /** 0 to 10, 10 the highest. */
  priority: number | null;
  address: string | null;
  /** The card that this one has become a part of. */
  merged_into: CardRef | null;
  /** Of the newest contact; an older server does not tell them here. */
  service?: string | null;
  test?: boolean;
}

export interface CardRef {
  incident_id: string;
  number: string;
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
  /** As of the live contact. */
  service: string | null;
  test: boolean;
}

export interface TimelineItem {
  at: string;
  tag: string;
  /** Names the entry to `undo`; unique among those of the contact, or else of the incident. */
  key: string;
  contact_id: string | null;
  incident_id: string;
  agent_id: string | null;
  author: string | null;
  data: Record<string, unknown> | null;
}

export interface Notes {
  text: string;
  version: number;
  saved_at: string | null;
  author: string | null;
}

export interface AddressValue {
  text: string;
  /** Of the State Address Register; null for what was only typed. */
  code: string | null;
  floor: string;
  flat: string;
  entrance: string;
  door_code: string;
  access: string;
}

export interface Casualties {
  dead: number | null;
  severe: number | null;
  light: number | null;
  trapped: number | null;
  missing: number | null;
}

export interface CallbackNumber {
  number: string;
  note: string;
}

export const PERSON_ROLES = ["caller", "patient", "reporting_party", "victim", "witness", "suspect"] as const;
export type PersonRole = (typeof PERSON_ROLES)[number];

export interface Person {
  role: PersonRole;
  name: string;
  number: string | null;
  language: string | null;
  age: number | null;
  condition: string;
  description: string;
}

export interface Vehicle {
  vin: string;
  plate: string;
  make: string;
  colour: string;
  description: string;
}

export type Answer = string | number | string[] | null;

/** The fields of a card by name; null was never saved, or was taken away. */
export interface FieldValues {
  type: string;
  priority: number;
  summary: string;
  address: AddressValue;
  casualties: Casualties;
  hazards: string[];
  callback_numbers: CallbackNumber[];
  answers: Record<string, Answer>;
  disposition: string;
  [person: `person:${string}`]: Person;
  [vehicle: `vehicle:${string}`]: Vehicle;
}
export type FieldName = Extract<keyof FieldValues, string>;
/** Those of which each card has one. */
export const FIELD_NAMES = [
  "type",
  "priority",
  "summary",
  "address",
  "casualties",
  "hazards",
  "callback_numbers",
  "answers",
  "disposition",
] as const satisfies readonly FieldName[];
export type FieldValue = FieldValues[FieldName];

export interface SavedField {
  value: unknown;
  version: number;
  saved_at: string;
  author: string;
}
export type Fields = Readonly<Partial<Record<string, SavedField>>>;

export type LocationKind = "caller" | "incident" | "initial" | "unit";
export type LocationSource =
  "pidf_lo" | "aml" | "msd" | "network_cell" | "https" | "address" | "map" | "call_taker";

/** A shape of RFC 5491; pairs are latitude, longitude. */
export type LocationShape = { type: string } & Record<string, unknown>;

export interface CardLocation {
  location_id: string;
  kind: LocationKind;
  source: LocationSource;
  shape: LocationShape;
  lat: number;
  lon: number;
  radius_m: number | null;
  confidence: number | null;
  observed_at: string | null;
  received_at: string;
  contact_id: string | null;
  author: string | null;
  data: Record<string, unknown>;
}

export interface NewLocation {
  kind: "caller" | "incident";
  source: "map" | "address" | "call_taker";
  lat: number;
  lon: number;
  radius_m: number | null;
}

/** Which of the places is the incident's, and which contradict one another. */
export interface LocationChoice {
  current: string | null;
  why: string | null;
  conflicts: [string, string][];
}

export interface PersonOnCard {
  login: string;
  name: string;
  field: string | null;
}

/** A card that became a part of this one, with what it said. */
export interface MergedCard extends CardRef {
  at: string;
  author: string | null;
  fields: Fields;
  notes: Notes;
}

export interface Attachment {
  attachment_id: string;
  name: string;
  media_type: string;
  size: number;
  sha256: string;
  added_at: string;
  author: string;
}

export interface Card extends CardSummary {
  contacts: CardContact[];
  notes: Notes;
  timeline: TimelineItem[];
  fields: Fields;
  locations: CardLocation[];
  location: LocationChoice;
  presence: PersonOnCard[];
  merged: MergedCard[];
  parent: CardRef | null;
  children: CardRef[];
  services: unknown[];
  attachments: Attachment[];
}

export interface CatalogueItem {
  code: string;
  titles: Titles;
  active?: boolean;
}

export interface IncidentType extends CatalogueItem {
  parent: string | null;
  help?: Titles | null;
}

/** What the card needs of the catalogue. */
export interface Catalogue {
  types: IncidentType[];
  hazards: CatalogueItem[];
  dispositions: CatalogueItem[];
  services: CatalogueItem[];
  /** Why a service does not come, and why a unit comes late. */
  refusal_reasons: CatalogueItem[];
  delay_reasons: CatalogueItem[];
}

export interface Proposal {
  card: CardSummary;
  distance_m: number | null;
  minutes: number | null;
  same_type: boolean;
  same_number: boolean;
}

export interface Related {
  proposals: Proposal[];
  same_number: CardSummary[];
  same_place: CardSummary[];
}

export interface GuideRequest {
  type: string | null;
  answers: Record<string, Answer>;
  lat: number | null;
  lon: number | null;
}

export interface GuidedAnswer {
  code: string;
  titles: Titles;
}

export interface GuidedQuestion {
  code: string;
  titles: Titles;
  help: Titles | null;
  kind: "choice" | "multi" | "yes_no" | "number" | "text";
  answers: GuidedAnswer[];
  required: boolean;
  answered: boolean;
}

/** What the catalogue makes of a type and the answers so far. */
export interface Guidance {
  questions: GuidedQuestion[];
  type: string | null;
  priority: number | null;
  hazards: string[];
  services: { service: string; why: string }[];
}

export interface CardPage {
  cards: CardSummary[];
  next: string | null;
}
