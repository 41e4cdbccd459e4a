/** What was changed in the running of the centre, and by whom. */

import { request } from "./http";

export interface AuditEntry {
  number: number;
  at: string;
  tag: string;
  author: string;
  /** Null if there is no such account (any more). */
  author_name: string | null;
  login: string | null;
  name: string | null;
  agent_id: string | null;
  comment: string;
  data: Record<string, string | number | boolean | null>;
}

export interface AuditPage {
  entries: AuditEntry[];
  next: number | null;
  people: { login: string; name: string }[];
}

/** Newest first; only what `person` did or what was done to that person, if it is not empty. */
export async function fetchAudit(person: string, before: number | null): Promise<AuditPage> {
  const parameters = new URLSearchParams();
  if (person !== "") parameters.set("person", person);
  if (before !== null) parameters.set("before", String(before));
  return (await request("GET", `/api/audit?${parameters.toString()}`)) as AuditPage;
}
