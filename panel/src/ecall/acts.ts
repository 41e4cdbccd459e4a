/** What can be done with a car now, and why something cannot; pure. */

import type { CarData } from "../api/ecall";
import type { AgentMsg, ContactMsg } from "../api/types";

/** A key of the translations that says why not; null: it can be done. */
export type Obstacle = string | null;

export interface Actor {
  /** The own seat, if there is one. */
  agentId: string | null;
  agent: AgentMsg | null;
  calls: boolean;
  supervises: boolean;
}

/** Asks the car on the line for its data anew. */
export function requestObstacle(car: CarData, live: ContactMsg | null, actor: Actor): Obstacle {
  if (!actor.calls) return "ecall.request.why_right";
  if (live === null) return "ecall.request.why_over";
  if (car.request?.state === "asked") return "ecall.request.why_asked";
  return car.can_request ? null : "ecall.request.why_line";
}

/** Calls the car back, which answers by itself. */
export function callBackObstacle(number: string | null, live: ContactMsg | null, actor: Actor): Obstacle {
  if (actor.agentId === null) return "ecall.call_back.why_seat";
  if (number === null) return "ecall.call_back.why_no_number";
  if (live !== null) return "ecall.call_back.why_line";
  const rests = ["idle", "not_ready", "wrap_up"].includes(actor.agent?.state ?? "");
  return rests ? null : "ecall.call_back.why_busy";
}

/** Ends the eCall for good. */
export function clearObstacle(live: ContactMsg | null, actor: Actor): Obstacle {
  if (live === null) return "ecall.clear.why_over";
  const own = live.agent_id !== null && live.agent_id === actor.agentId && live.state !== "offered";
  return own || actor.supervises ? null : "ecall.clear.why_not_yours";
}
