/** Sending services, telling steps, and the desk's own lists. */

import { request } from "../api/http";
import type { DeskLine, Involvement, StepState, Unit, UnitStepState } from "./types";

export interface Step {
  key: string;
  reason?: string;
  note?: string;
  happened_at?: string;
  confirm?: boolean;
}

function cardPath(incidentId: string): string {
  return `/api/cards/${encodeURIComponent(incidentId)}/services`;
}

function involvementPath(involvementId: string): string {
  return `/api/involvements/${encodeURIComponent(involvementId)}`;
}

function deskPath(what: string, service: string): string {
  return `/api/desk/${what}?${new URLSearchParams({ service }).toString()}`;
}

/** A key that makes repeating a request harmless. */
export function newKey(): string {
  return crypto.randomUUID();
}

export async function fetchInvolvements(incidentId: string, signal?: AbortSignal): Promise<Involvement[]> {
  const answer = await request("GET", cardPath(incidentId), signal ? { signal } : {});
  return (answer as { involvements: Involvement[] }).involvements;
}

/** Sends the incident to all of the services, or to none. */
export async function sendServices(
  incidentId: string,
  services: readonly string[],
  note: string,
  key: string,
): Promise<Involvement[]> {
  const answer = await request("POST", cardPath(incidentId), { body: { services, note, key } });
  return (answer as { involvements: Involvement[] }).involvements;
}

export async function tellStep(involvementId: string, state: StepState, step: Step): Promise<Involvement> {
  const answer = await request("POST", `${involvementPath(involvementId)}/steps`, { body: { state, ...step } });
  return (answer as { involvement: Involvement }).involvement;
}

export async function tellUnit(
  involvementId: string,
  unitId: string,
  state: UnitStepState,
  step: Step,
): Promise<Involvement> {
  const path = `${involvementPath(involvementId)}/units/${encodeURIComponent(unitId)}/steps`;
  const answer = await request("POST", path, { body: { state, ...step } });
  return (answer as { involvement: Involvement }).involvement;
}

export async function fetchDesk(service: string, signal?: AbortSignal): Promise<DeskLine[]> {
  const answer = await request("GET", deskPath("incidents", service), signal ? { signal } : {});
  return (answer as { incidents: DeskLine[] }).incidents;
}

export async function fetchUnits(service: string, signal?: AbortSignal): Promise<Unit[]> {
  const answer = await request("GET", deskPath("units", service), signal ? { signal } : {});
  return (answer as { units: Unit[] }).units;
}

export type UnitFacts = Pick<Unit, "call_sign" | "kind" | "capacity" | "active">;

export async function addUnit(service: string, unitId: string, facts: UnitFacts): Promise<Unit> {
  const answer = await request("POST", deskPath("units", service), { body: { ...facts, unit_id: unitId } });
  return (answer as { unit: Unit }).unit;
}

export async function changeUnit(unit: Unit, facts: UnitFacts): Promise<Unit> {
  const path = deskPath(`units/${encodeURIComponent(unit.unit_id)}`, unit.service);
  return ((await request("PUT", path, { body: facts })) as { unit: Unit }).unit;
}
