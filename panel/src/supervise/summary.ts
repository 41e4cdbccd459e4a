/** Queues in figures, from the live state. Pure. */

import type { AgentMsg, Directory } from "../api/types";
import { conversations, waitingContacts, type LiveState } from "../live/state";

export interface QueueSummary {
  queue: string;
  waiting: number;
  /** Arrival of the one who waits longest. */
  oldest: string | null;
  talking: number;
  /** People who could take a contact of this queue now. */
  ready: number;
}

function serves(agent: AgentMsg, queue: string): boolean {
  return agent.queues?.includes(queue) ?? true;
}

function earliest(moments: readonly string[]): string | null {
  return moments.reduce<string | null>(
    (oldest, at) => (oldest === null || Date.parse(at) < Date.parse(oldest) ? at : oldest),
    null,
  );
}

/** Each queue of the directory in its order, then those that only contacts name. */
export function queueSummaries(state: LiveState, directory: Directory): QueueSummary[] {
  const waiting = waitingContacts(state);
  const talking = conversations(state);
  const idle = Object.values(state.agents).filter((agent) => agent.state === "idle");
  const seen = [...waiting, ...talking].map((contact) => contact.queue).sort();
  const queues = [...new Set([...directory.queues.map((queue) => queue.name), ...seen])];
  return queues.map((queue) => {
    const here = waiting.filter((contact) => contact.queue === queue);
    return {
      queue,
      waiting: here.length,
      oldest: earliest(here.map((contact) => contact.arrived_at)),
      talking: talking.filter((contact) => contact.queue === queue).length,
      ready: idle.filter((agent) => serves(agent, queue)).length,
    };
  });
}
