/** What a caller asked for, by its service URN (RFC 5031, RFC 8147 §14.1). Pure. */

import type { CarData, ECallKind } from "../api/ecall";

const URN = /^urn:service:(test\.)?([a-z0-9.-]+)$/;

/** Those that have a name in the translations; an unknown child is served as its parent (RFC 5031 §2). */
const NAMED = [
  "police",
  "fire",
  "ambulance",
  "marine",
  "mountain",
  "physician",
  "poison",
  "gas",
  "animal-control",
] as const;

/** As much of a contact as tells what it asked for; a card's contact has no car. */
export interface Asked {
  service: string | null;
  test: boolean;
  vehicle?: CarData | null;
}

/** The labels below `sos`; null of what is no emergency service. */
function childOf(service: string | null): string[] | null {
  const [, , child] = URN.exec(service?.toLowerCase() ?? "") ?? [];
  const [root, ...labels] = child?.split(".") ?? [];
  return root === "sos" ? labels : null;
}

function isTestURN(service: string | null): boolean {
  return URN.exec(service?.toLowerCase() ?? "")?.[1] !== undefined;
}

/** How the eCall began; null of whatever is no eCall. */
export function eCallKind({ service, vehicle }: Asked): ECallKind | null {
  if (vehicle) return vehicle.kind;
  const [first, second] = childOf(service) ?? [];
  if (first !== "ecall") return null;
  if (isTestURN(service)) return "test";
  return second === "automatic" || second === "manual" ? second : "unknown";
}

/** The service that was asked for by name, as a code of the translations; null for 112 itself, and of cars. */
export function namedService(service: string | null): string | null {
  const [first] = childOf(service) ?? [];
  return NAMED.find((name) => name === first)?.replace("-", "_") ?? null;
}

/** Nobody needs help. */
export function isTest(asked: Asked): boolean {
  return asked.test || isTestURN(asked.service) || eCallKind(asked) === "test";
}
