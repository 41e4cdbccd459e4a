/** What happens to a caller in a queue as time passes, and who can take the call at each moment. */

import type { PlannedAgent, Queue, RelaxStep, Requirement } from "./document";

export type Step =
  | { kind: "start"; at: number }
  | { kind: "relax"; at: number; skill: string; level: number }
  | { kind: "overflow"; at: number; queue: string | null; site: string | null }
  | { kind: "alarm"; at: number }
  | { kind: "escalate"; at: number };

/** Steps of the same moment stand in the order in which they widen the circle. */
const ORDER: readonly Step["kind"][] = ["start", "relax", "overflow", "alarm", "escalate"];

/** The steps of a queue in order of time. */
export function stepsOf(queue: Queue): Step[] {
  const steps: Step[] = [
    { kind: "start", at: 0 },
    ...queue.relax.map((step) => ({ kind: "relax" as const, at: step.after_s, skill: step.skill, level: step.level })),
    ...queue.overflow.map((step) => ({
      kind: "overflow" as const,
      at: step.after_s,
      queue: step.queue,
      site: step.site,
    })),
    { kind: "alarm", at: queue.alarm_after_s },
    { kind: "escalate", at: queue.escalate_after_s },
  ];
  return steps.sort((a, b) => a.at - b.at || ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

/** After everybody is asked nobody more can be: such a step changes nothing. */
export function isMoot(step: Step, queue: Queue): boolean {
  return (step.kind === "relax" || step.kind === "overflow") && step.at >= queue.escalate_after_s;
}

/** Whether the pattern of a relaxing step (`*`, `language:*`, or a skill) means this skill. */
export function skillMatches(pattern: string, skill: string): boolean {
  if (pattern === "*" || pattern === skill) return true;
  return pattern.endsWith(":*") && skill.startsWith(pattern.slice(0, -1));
}

/** What is still asked for after `at` seconds. A step never asks for more than before. */
export function requiredAt(skills: readonly Requirement[], relax: readonly RelaxStep[], at: number): Requirement[] {
  const due = relax.filter((step) => step.after_s <= at);
  return skills
    .map((needed) => {
      const levels = due.filter((step) => skillMatches(step.skill, needed.skill)).map((step) => step.level);
      return { skill: needed.skill, level: Math.min(needed.level, ...levels) };
    })
    .filter((needed) => needed.level > 0);
}

function levelOf(agent: PlannedAgent, skill: string): number {
  return agent.skills.find((known) => known.skill === skill)?.level ?? 0;
}

/** The call takers of the plan whom a caller may reach after `at` seconds. */
export function reachableAt(queue: Queue, agents: readonly PlannedAgent[], at: number): PlannedAgent[] {
  if (at >= queue.escalate_after_s) return [...agents];
  const due = queue.overflow.filter((step) => step.after_s <= at);
  const queues = [queue.name, ...due.flatMap((step) => (step.queue === null ? [] : [step.queue]))];
  const sites = [...queue.sites, ...due.flatMap((step) => (step.site === null ? [] : [step.site]))];
  const needed = requiredAt(queue.skills, queue.relax, at);
  return agents.filter(
    (agent) =>
      (agent.queues === null || queues.some((name) => agent.queues?.includes(name))) &&
      (queue.sites.length === 0 || sites.includes(agent.site)) &&
      needed.every((requirement) => levelOf(agent, requirement.skill) >= requirement.level),
  );
}
