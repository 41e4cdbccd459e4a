/** Changes of who can do what: skills, queues and names, each giving a new document. */

import { newAgent, type PlannedAgent, type RoutingDocument } from "./document";

/** Somebody who can be planned: a seat of the server, or one that only the plan names. */
export interface Seat {
  agent_id: string;
  name: string;
  /** False: the plan names it, but no such seat exists. */
  exists: boolean;
}

/** All seats by name; those that only the plan names come last. */
export function allSeats(document: RoutingDocument, known: ReadonlyMap<string, string>): Seat[] {
  const seats = [...known].map(([agent_id, name]) => ({ agent_id, name, exists: true }));
  seats.sort((a, b) => a.name.localeCompare(b.name) || a.agent_id.localeCompare(b.agent_id));
  const strangers = document.agents
    .filter((agent) => !known.has(agent.agent_id))
    .map(({ agent_id }) => ({ agent_id, name: agent_id, exists: known.size === 0 }));
  return [...seats, ...strangers];
}

/** What the plan says of a seat. */
export function plannedAgent(document: RoutingDocument, agentId: string): PlannedAgent {
  return document.agents.find((agent) => agent.agent_id === agentId) ?? newAgent(agentId);
}

/** Every seat as the plan treats it, those that it does not name too. */
export function plannedAgents(document: RoutingDocument, seats: readonly Seat[]): PlannedAgent[] {
  return seats.map((seat) => plannedAgent(document, seat.agent_id));
}

/** The document with a change of one seat. */
export function withAgent(document: RoutingDocument, agentId: string, change: Partial<PlannedAgent>): RoutingDocument {
  const agent = { ...plannedAgent(document, agentId), ...change };
  const known = document.agents.some((other) => other.agent_id === agentId);
  const agents = known
    ? document.agents.map((other) => (other.agent_id === agentId ? agent : other))
    : [...document.agents, agent];
  return { ...document, agents };
}

/** The seat's line leaves the plan: the usual rules hold for it from then on. */
export function withoutAgent(document: RoutingDocument, agentId: string): RoutingDocument {
  return { ...document, agents: document.agents.filter((agent) => agent.agent_id !== agentId) };
}

/** A skill at a level; 0 takes it away. */
export function withLevel(document: RoutingDocument, agentId: string, skill: string, level: number): RoutingDocument {
  const { skills } = plannedAgent(document, agentId);
  const known = skills.some((other) => other.skill === skill);
  const others = known
    ? skills.map((other) => (other.skill === skill ? { skill, level } : other))
    : [...skills, { skill, level }];
  return withAgent(document, agentId, { skills: others.filter((other) => other.level !== 0) });
}

export function isMember(agent: PlannedAgent, queue: string): boolean {
  return agent.queues === null || agent.queues.includes(queue);
}

/** Membership of one queue. Leaving one of "all" makes the others explicit. */
export function withMembership(
  document: RoutingDocument,
  agentId: string,
  queue: string,
  member: boolean,
): RoutingDocument {
  const agent = plannedAgent(document, agentId);
  const all = document.queues.map((known) => known.name);
  const before = agent.queues ?? all;
  const queues = member ? [...new Set([...before, queue])] : before.filter((name) => name !== queue);
  return withAgent(document, agentId, { queues });
}
