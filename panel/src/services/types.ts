/** Services sent to incidents, exactly as the server writes them. */

export const SERVICE_STATES = [
  "sent",
  "received",
  "seen",
  "accepted",
  "refused",
  "dispatched",
  "en_route",
  "on_scene",
  "cleared",
  "closed",
  "withdrawn",
] as const;
export type ServiceState = (typeof SERVICE_STATES)[number];
/** What can be told of an involvement: its states, that it begins anew, or just a note. */
export type StepState = ServiceState | "reopened" | "note";

export const UNIT_STATES = [
  "assigned",
  "dispatched",
  "en_route",
  "on_scene",
  "patient_contact",
  "hospital",
  "cleared",
] as const;
export type UnitState = (typeof UNIT_STATES)[number];
export type UnitStepState = UnitState | "delayed";

export interface Told<State> {
  state: State;
  at: string;
  /** The reporter's own time, where it was cut off. */
  happened_at: string | null;
  key: string;
  author: string | null;
  source: "centre" | "desk" | "api" | "units";
  reason: string | null;
  note: string;
  out_of_order?: boolean;
}

export interface AssignedUnit {
  unit_id: string;
  call_sign: string;
  kind: string;
  state: UnitState;
  since: string;
  delayed: boolean;
  steps: Told<UnitStepState>[];
}

/** One service in one incident. */
export interface Involvement {
  involvement_id: string;
  incident_id: string;
  service: string;
  state: ServiceState;
  sent_at: string;
  sent_by: string;
  note: string;
  seen_at: string | null;
  due_at: string | null;
  /** Nobody has seen it in time, and nobody has yet. */
  overdue: boolean;
  alarms: number;
  revision: number;
  /** What may be told of it now. */
  allowed: StepState[];
  steps: Told<StepState>[];
  units: AssignedUnit[];
}

/** The incident at a glance. */
export interface IncidentBrief {
  incident_id: string;
  number: string;
  opened_at: string;
  type: string | null;
  priority: number | null;
  address: string;
  lat: number | null;
  lon: number | null;
  caller_number: string | null;
}

/** One line of a desk's list. */
export interface DeskLine {
  involvement: Involvement;
  incident: IncidentBrief | null;
}

export interface Unit {
  unit_id: string;
  service: string;
  call_sign: string;
  kind: string;
  capacity: number | null;
  active: boolean;
  involved_in: { involvement_id: string; incident_id: string; state: UnitState; since: string; delayed: boolean }[];
}

/** What the server tells of services by the live connection. */
export type ServiceMessage = ({ type: "involvement" } & DeskLine) | { type: "unit"; unit: Unit };
