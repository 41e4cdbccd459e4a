/** What the panel concludes from involvements; pure. */

import type { DeskLine, Involvement, ServiceState, StepState, Told } from "./types";

/** Nobody of the service is there or coming: it can be sent anew. */
const OVER: ReadonlySet<ServiceState> = new Set(["refused", "cleared", "closed", "withdrawn"]);
/** The desk has nothing more to do with it. */
const DONE: ReadonlySet<ServiceState> = new Set(["refused", "closed"]);

export function isOver({ state }: Involvement): boolean {
  return OVER.has(state);
}

export function isDone({ state }: Involvement): boolean {
  return DONE.has(state);
}

/** Nobody of the service has seen it, and somebody should. */
export function isUnread(involvement: Involvement): boolean {
  return involvement.seen_at === null && !isOver(involvement);
}

/** The newer of what is known and what comes; messages and answers overtake one another. */
export function newer(known: Involvement | undefined, coming: Involvement): Involvement {
  return known !== undefined && known.revision > coming.revision ? known : coming;
}

/** The list with one involvement as it now is; those of other incidents are left out. */
export function withInvolvement(
  list: readonly Involvement[],
  coming: Involvement,
  incidentId: string,
): readonly Involvement[] {
  const known = list.find((one) => one.involvement_id === coming.involvement_id);
  const others = list.filter((one) => one !== known);
  const kept = newer(known, coming);
  const all = kept.incident_id === incidentId ? [...others, kept] : others;
  return all.sort((a, b) => a.sent_at.localeCompare(b.sent_at) || a.service.localeCompare(b.service));
}

/** The desk's lines with one as it now is: unread first, then the newest. */
export function withLine(lines: readonly DeskLine[], coming: DeskLine): readonly DeskLine[] {
  const id = coming.involvement.involvement_id;
  const known = lines.find((line) => line.involvement.involvement_id === id);
  const involvement = newer(known?.involvement, coming.involvement);
  const line = { involvement, incident: coming.incident ?? known?.incident ?? null };
  const others = lines.filter((other) => other !== known);
  return ordered(isDone(involvement) ? others : [...others, line]);
}

export function ordered(lines: readonly DeskLine[]): readonly DeskLine[] {
  return [...lines].sort(
    (a, b) =>
      Number(isUnread(b.involvement)) - Number(isUnread(a.involvement)) ||
      b.involvement.sent_at.localeCompare(a.involvement.sent_at) ||
      a.involvement.involvement_id.localeCompare(b.involvement.involvement_id),
  );
}

/** When something was told first: the moment that the chain shows. */
export function momentOf(step: Told<StepState>): string {
  return step.happened_at ?? step.at;
}

export interface ChainLink {
  state: StepState;
  /** Null: not told. */
  step: Told<StepState> | null;
}

const CHAIN: readonly StepState[] = [
  "sent",
  "received",
  "seen",
  "accepted",
  "dispatched",
  "en_route",
  "on_scene",
  "cleared",
];
/** Shown only where they were told. */
const EXCEPTIONS: readonly StepState[] = ["refused", "withdrawn", "reopened", "closed"];

/** The chain with the first step of each state; what was not told stays in sight as a gap. */
export function chainOf({ steps }: Involvement): ChainLink[] {
  const first = (state: StepState): Told<StepState> | null => steps.find((step) => step.state === state) ?? null;
  const exceptions = EXCEPTIONS.map((state) => ({ state, step: first(state) })).filter(({ step }) => step !== null);
  return [...CHAIN.map((state) => ({ state, step: first(state) })), ...exceptions];
}

/** The latest refusal's reason; null where nothing is refused. */
export function refusalOf({ state, steps }: Involvement): string | null {
  if (state !== "refused") return null;
  return steps.findLast((step) => step.state === "refused")?.reason ?? "";
}

export function notesOf({ steps }: Involvement): Told<StepState>[] {
  return steps.filter((step) => step.note !== "");
}

const NEXT: Partial<Record<ServiceState, StepState[]>> = {
  sent: ["accepted", "refused"],
  received: ["accepted", "refused"],
  seen: ["accepted", "refused"],
  accepted: ["dispatched", "en_route", "refused"],
  dispatched: ["en_route", "on_scene", "cleared"],
  en_route: ["on_scene", "cleared"],
  on_scene: ["cleared"],
  cleared: ["closed", "reopened"],
  refused: ["accepted", "closed"],
  withdrawn: ["closed"],
  closed: ["reopened"],
};

/** What the desk does next, the usual first. */
export function nextSteps({ state, allowed }: Involvement): StepState[] {
  return (NEXT[state] ?? []).filter((step) => allowed.includes(step));
}
