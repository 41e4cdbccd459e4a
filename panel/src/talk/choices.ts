/** Where a conversation can go: what was typed, matched with people, services and queues. Pure. */

import type { AgentMsg, Directory, DirectoryEntry, Target } from "../api/types";
import type { TargetAction } from "../api/contacts";
import { readableNumber } from "../shared/format";
import { titleOf } from "./directory";

export type Group = "service" | "interpreter" | "other" | "agents" | "queues" | "number";

export interface Choice {
  id: string;
  group: Group;
  target: Target;
  title: string;
  detail: string;
  /** The seat whose state tells whether it can be chosen. */
  agent: AgentMsg | null;
  actions: readonly TargetAction[];
}

const ALL: readonly TargetAction[] = ["consult", "transfer", "invite"];
/** Nobody can be talked with in a queue; a caller can only be sent there. */
const QUEUE_ACTIONS: readonly TargetAction[] = ["transfer"];

/** Shorter ones are parts of a search; 110 and 113 have three digits. */
const DIGITS_MIN = 3;
/** E.164: fifteen digits, and a prefix for the way out. */
const DIGITS_MAX = 20;

/** What can be dialled of `typed`: digits with an optional plus; null if it is a word. */
export function dialable(typed: string): string | null {
  const bare = typed.replace(/[\s().-]/g, "");
  if (!/^\+?\d+$/.test(bare)) return null;
  const digits = bare.replace("+", "").length;
  return digits >= DIGITS_MIN && digits <= DIGITS_MAX ? bare : null;
}

/** Latvian and Russian names are found without their marks too: "Berzina" finds "Bērziņa". */
function folded(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function matches(query: string, ...texts: readonly string[]): boolean {
  const words = folded(query).split(/\s+/).filter(Boolean);
  const all = folded(texts.join(" "));
  return words.every((word) => all.includes(word));
}

const KIND_ORDER: readonly DirectoryEntry["kind"][] = ["service", "interpreter", "other"];

function entryChoices(directory: Directory, query: string): Choice[] {
  return KIND_ORDER.flatMap((kind) => directory.entries.filter((entry) => entry.kind === kind))
    .filter((entry) => matches(query, ...Object.values(entry.title), entry.name, entry.number))
    .map((entry) => ({
      id: `directory:${entry.name}`,
      group: entry.kind,
      target: { kind: "directory", name: entry.name },
      title: titleOf(entry.title, entry.name),
      detail: readableNumber(entry.number),
      agent: null,
      actions: ALL,
    }));
}

function agentChoices(agents: readonly AgentMsg[], ownAgentId: string | null, query: string): Choice[] {
  // Those who can be chosen first; within these the order of the list that everybody knows.
  const order = (agent: AgentMsg): number => (agent.state === "idle" ? 0 : agent.state === "off" ? 2 : 1);
  return agents
    .filter((agent) => agent.agent_id !== ownAgentId && matches(query, agent.name, agent.extension))
    .sort((a, b) => order(a) - order(b))
    .map((agent) => ({
      id: `agent:${agent.agent_id}`,
      group: "agents",
      target: { kind: "agent", agent_id: agent.agent_id },
      title: agent.name,
      detail: agent.extension,
      agent,
      actions: agent.state === "idle" ? ALL : [],
    }));
}

function queueChoices(directory: Directory, query: string): Choice[] {
  return directory.queues
    .filter((queue) => matches(query, ...Object.values(queue.title), queue.name))
    .map((queue) => ({
      id: `queue:${queue.name}`,
      group: "queues",
      target: { kind: "queue", queue: queue.name },
      title: titleOf(queue.title, queue.name),
      detail: "",
      agent: null,
      actions: QUEUE_ACTIONS,
    }));
}

function numberChoices(query: string): Choice[] {
  const number = dialable(query);
  if (number === null) return [];
  const title = readableNumber(number);
  return [
    { id: "number", group: "number", target: { kind: "number", number }, title, detail: "", agent: null, actions: ALL },
  ];
}

/** In the order shown: services, interpreters, other entries, call takers, queues, the number typed. */
export function choicesFor(
  query: string,
  agents: readonly AgentMsg[],
  ownAgentId: string | null,
  directory: Directory,
): Choice[] {
  return [
    ...entryChoices(directory, query),
    ...agentChoices(agents, ownAgentId, query),
    ...queueChoices(directory, query),
    ...numberChoices(query),
  ];
}

/**
 * The chosen one while it is possible; the first possible one if none was chosen. A choice that
 * became impossible is not replaced: Enter must never reach somebody who was not on screen.
 */
export function selectedOf(choices: readonly Choice[], id: string | null): Choice | null {
  const possible = choices.filter((choice) => choice.actions.length > 0);
  if (id === null) return possible[0] ?? null;
  return possible.find((choice) => choice.id === id) ?? null;
}

/** The next possible choice in a direction, around the ends. */
export function stepFrom(choices: readonly Choice[], id: string | null, step: 1 | -1): string | null {
  const possible = choices.filter((choice) => choice.actions.length > 0);
  const at = possible.findIndex((choice) => choice.id === id);
  if (at < 0) return (step > 0 ? possible[0] : possible.at(-1))?.id ?? null;
  return possible[(at + step + possible.length) % possible.length]?.id ?? null;
}

/** A text can be given to people and queues alone, and to people who talk at the moment too. */
function textActions({ agent, actions }: Choice): readonly TargetAction[] {
  if (agent === null) return actions.includes("transfer") ? QUEUE_ACTIONS : [];
  const free = agent.state === "idle" || (agent.state === "talking" && agent.presence.kind === "ready");
  return free ? QUEUE_ACTIONS : [];
}

/** As `choicesFor`, for a conversation by text. */
export function textChoicesFor(
  query: string,
  agents: readonly AgentMsg[],
  ownAgentId: string | null,
  directory: Directory,
): Choice[] {
  const all = [...agentChoices(agents, ownAgentId, query), ...queueChoices(directory, query)];
  return all.map((choice) => ({ ...choice, actions: textActions(choice) }));
}
