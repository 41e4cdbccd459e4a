/**
 * What answers to guided questions change on the card. Pure.
 *
 * The catalogue proposes; what a person has set otherwise stays. A proposal is taken where it is
 * another than before the answer, and where the field still says what was proposed before, or nothing.
 */

import type { Guidance } from "../api/types";

export interface Guided {
  type: string | null;
  priority: number | null;
  hazards: readonly string[];
}

/** Only the fields that change. */
export function changesBy(before: Guidance | null, after: Guidance, now: Guided): Partial<Guided> {
  const changes: Partial<Guided> = {};
  const follows = <T>(current: T | null, former: T | null): boolean => current === null || current === former;
  if (after.type !== null && after.type !== now.type && follows(now.type, before?.type ?? null)) {
    changes.type = after.type;
  }
  if (after.priority !== null && after.priority !== now.priority && follows(now.priority, before?.priority ?? null)) {
    changes.priority = after.priority;
  }
  const fresh = after.hazards.filter((code) => !now.hazards.includes(code) && !before?.hazards.includes(code));
  if (fresh.length > 0) changes.hazards = [...now.hazards, ...fresh];
  return changes;
}
