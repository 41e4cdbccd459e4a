/** What a list of cards is narrowed to, beside the words that are typed. Pure. */

import type { IncidentType } from "../api/types";

export interface CardFilter {
  status: "" | "open" | "closed";
  /** A type; what stands under it in the tree counts as well. */
  type: string | null;
  /** The seat that answered. */
  agent: string;
  /** A service URN that was asked for; its children count as well. */
  service: string;
  test: "" | "true" | "false";
  /** Days as a date field writes them, `2026-11-26`, in the time zone of the screen; both included. */
  from: string;
  to: string;
}

export const NO_FILTER: CardFilter = { status: "", type: null, agent: "", service: "", test: "", from: "", to: "" };

export function isNarrowed(filter: CardFilter): boolean {
  return Object.values(filter).some((value) => value !== "" && value !== null);
}

/** The type and all under it; each once, also where the tree runs in a circle. */
export function branchOf(types: readonly IncidentType[], code: string): string[] {
  const found = [code];
  for (const above of found) {
    for (const type of types) {
      if (type.parent === above && !found.includes(type.code)) found.push(type.code);
    }
  }
  return found;
}

/** The moment at which a day begins here; null for what is no day. */
function dayBegins(day: string, after = 0): string | null {
  const [year, month, date] = day.split("-").map(Number);
  if (year === undefined || month === undefined || date === undefined) return null;
  const moment = new Date(year, month - 1, date + after);
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}

/** The parameters of the search, always in the same order, so that equal questions are equal texts. */
export function questionOf(query: string, filter: CardFilter, types: readonly IncidentType[]): string {
  const parameters = new URLSearchParams();
  const set = (name: string, value: string | null): void => {
    if (value !== null && value !== "") parameters.set(name, value);
  };
  set("q", query);
  set("status", filter.status);
  if (filter.type !== null) branchOf(types, filter.type).forEach((code) => parameters.append("type", code));
  set("agent", filter.agent);
  set("service", filter.service);
  set("test", filter.test);
  set("from", filter.from === "" ? null : dayBegins(filter.from));
  // The server leaves the end out, so the day after it.
  set("to", filter.to === "" ? null : dayBegins(filter.to, 1));
  return parameters.toString();
}
