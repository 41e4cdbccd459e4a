/** What an admin typed of a person, what is wrong with it, and what is sent of it. */

import i18next from "i18next";
import { ApiError } from "../api/http";
import type { Device, Language, Role } from "../api/types";
import { explain } from "../app/session";
import type { NewPerson, Person, PersonChange } from "./api";

export interface PersonForm {
  login: string;
  name: string;
  role: Role;
  language: Language;
  password: string;
  /** Empty: no seat. */
  extension: string;
  device: Device;
  /** Of a service's dispatcher, and of no other role. */
  service: string;
}

export const FIELDS = ["login", "name", "role", "service", "language", "extension", "device", "password"] as const;
export type FieldName = (typeof FIELDS)[number];

/** Codes of sentences by field. */
export type Complaints = Partial<Record<FieldName, string>>;

// The rules of the server (`ccserver/accounts`), told while typing; it has the last word.
const LOGIN = /^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/;
const EXTENSION = /^[0-9]{2,6}$/;
const SERVICE = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,30}[A-Za-z0-9])?$/;
const SEATED: readonly Role[] = ["call_taker", "supervisor", "system_admin"];
const NAME_MAX = 200;
export const PASSWORD_MIN = 10;
const PASSWORD_MAX = 256;

export function emptyForm(): PersonForm {
  return { login: "", name: "", role: "call_taker", language: "lv", password: "", extension: "", device: "browser", service: "" };
}

/** Whether somebody in this role can have a seat. */
export function maySit(role: Role): boolean {
  return SEATED.includes(role);
}

export function formOf(person: Person): PersonForm {
  return {
    login: person.login,
    name: person.name,
    role: person.role,
    language: person.language,
    password: "",
    extension: person.extension ?? "",
    device: person.device ?? "browser",
    service: person.service ?? "",
  };
}

/** What is wrong with a password, or null. */
export function passwordComplaint(password: string, login: string): string | null {
  if (password.length < PASSWORD_MIN) return "password_short";
  if (password.length > PASSWORD_MAX) return "password_long";
  if (password.trim().toLowerCase() === login.trim().toLowerCase()) return "password_login";
  return new Set(password).size === 1 ? "password_same" : null;
}

/** What is wrong with a service's code, or null. */
function serviceComplaint(form: PersonForm, services: readonly string[] | null): string | null {
  if (form.role !== "service_dispatcher") return null;
  const service = form.service.trim();
  if (!SERVICE.test(service)) return "service";
  return services === null || services.includes(service) ? null : "service_unknown";
}

/**
 * What is wrong with a form. The password is looked at only for somebody new; `services` are those
 * of the catalogue, null where they are not known.
 */
export function complaintsOf(form: PersonForm, isNew: boolean, services: readonly string[] | null = null): Complaints {
  const complaints: Complaints = {};
  if (!LOGIN.test(form.login.trim().toLowerCase())) complaints.login = "login";
  const name = form.name.trim();
  if (name === "" || name.length > NAME_MAX) complaints.name = "name";
  if (form.extension.trim() === "") {
    if (form.role === "call_taker") complaints.extension = "extension_needed";
  } else if (!maySit(form.role)) complaints.extension = "no_seat";
  else if (!EXTENSION.test(form.extension.trim())) complaints.extension = "extension";
  const service = serviceComplaint(form, services);
  if (service !== null) complaints.service = service;
  const password = isNew ? passwordComplaint(form.password, form.login) : null;
  if (password !== null) complaints.password = password;
  return complaints;
}

export function newPerson(form: PersonForm): NewPerson {
  const extension = form.extension.trim();
  const seat = extension === "" ? {} : { extension, device: form.device };
  const { role, language, password } = form;
  const service = role === "service_dispatcher" ? { service: form.service.trim() } : {};
  return { login: form.login.trim().toLowerCase(), name: form.name.trim(), role, language, password, ...seat, ...service };
}

/** Only what differs, so that two admins do not undo each other's work. */
export function changeOf(person: Person, form: PersonForm): PersonChange {
  const change: PersonChange = {};
  const extension = form.extension.trim();
  if (form.name.trim() !== person.name) change.name = form.name.trim();
  if (form.role !== person.role) change.role = form.role;
  if (form.language !== person.language) change.language = form.language;
  if (extension !== (person.extension ?? "")) change.extension = extension === "" ? null : extension;
  if (extension !== "" && (form.device !== person.device || "extension" in change)) change.device = form.device;
  const service = form.service.trim();
  if (form.role === "service_dispatcher" && service !== (person.service ?? "")) change.service = service;
  return change;
}

/** The field that the server refused; null for a refusal of another kind. */
export function refusedField(error: unknown): FieldName | null {
  if (!(error instanceof ApiError)) return null;
  const body = error.body as { field?: unknown } | null;
  return FIELDS.find((field) => field === body?.field) ?? null;
}

/** A refusal in a sentence: by this page's codes first, then by those of the whole panel. */
export function refusal(error: unknown): string {
  const key = error instanceof ApiError ? `people.refused.${error.code}` : "";
  return key !== "" && i18next.exists(key) ? i18next.t(key) : explain(error);
}
