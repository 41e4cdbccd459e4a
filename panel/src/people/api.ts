/** The accounts and their seats, for admins. */

import { request } from "../api/http";
import type { Device, Language, Role } from "../api/types";

export interface Person {
  login: string;
  name: string;
  role: Role;
  language: Language;
  /** The seat; null for people who take no calls. */
  agent_id: string | null;
  extension: string | null;
  device: Device | null;
  /** Of a service's dispatcher. */
  service: string | null;
}

export interface NewPerson {
  login: string;
  name: string;
  role: Role;
  language: Language;
  password: string;
  extension?: string;
  device?: Device;
  service?: string;
}

/** What can be changed of a person; `extension` null takes the seat away. */
export interface PersonChange {
  name?: string;
  role?: Role;
  language?: Language;
  password?: string;
  extension?: string | null;
  device?: Device;
  service?: string;
}

function pathOf(login: string): string {
  return `/api/people/${encodeURIComponent(login)}`;
}

export async function fetchPeople(): Promise<Person[]> {
  return ((await request("GET", "/api/people")) as { people: Person[] }).people;
}

/** Codes of the services in the catalogue; null where there is none to ask. */
export async function fetchServices(): Promise<readonly string[] | null> {
  try {
    const answer = (await request("GET", "/api/catalogue")) as { catalogue?: { services?: { code: string }[] } } | null;
    return answer?.catalogue?.services?.map((service) => service.code) ?? null;
  } catch {
    return null;
  }
}

/** Throws `ApiError`: 422 `invalid_account` with the field, 409 `account_exists`. */
export async function addPerson(person: NewPerson): Promise<void> {
  await request("POST", "/api/people", { body: person });
}

export async function changePerson(login: string, change: PersonChange): Promise<void> {
  await request("PATCH", pathOf(login), { body: change });
}

export async function removePerson(login: string): Promise<void> {
  await request("DELETE", pathOf(login));
}
