/**
 * Puts one person's changes on top of what a colleague saved meanwhile.
 *
 * What only one of the two changed is kept as that person wants it. What both changed, each
 * otherwise, is a conflict, and a person decides; until then one's own value stands.
 */

import { applied, diff, valueAt, type Identities } from "./diff";
import { same } from "./paths";

export interface Conflict {
  path: readonly string[];
  base: unknown;
  mine: unknown;
  theirs: unknown;
}

export interface Rebased<T> {
  document: T;
  conflicts: Conflict[];
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.length <= path.length && start.every((key, index) => key === path[index]);
}

function overlap(a: readonly string[], b: readonly string[]): boolean {
  return startsWith(a, b) || startsWith(b, a);
}

/** The key under which a conflict's choice is remembered. */
export function conflictKey(path: readonly string[]): string {
  return path.join("\u0000");
}

/** `mine` and `theirs` both began as `base`. `takeTheirs` holds the keys of conflicts given up. */
export function rebase<T>(
  ids: Identities,
  base: T,
  mine: T,
  theirs: T,
  takeTheirs: ReadonlySet<string> = new Set(),
): Rebased<T> {
  const foreign = diff(ids, base, theirs);
  const conflicts = new Map<string, Conflict>();
  let document = theirs;
  for (const change of diff(ids, base, mine)) {
    const meeting = foreign.filter((other) => overlap(change.path, other.path));
    if (meeting.length === 0) {
      document = applied(ids, document, change.path, change.after);
      continue;
    }
    // The shorter path holds both changes, e.g. a queue that one removed and the other edited.
    const path = [change.path, ...meeting.map((other) => other.path)].reduce((a, b) => (b.length < a.length ? b : a));
    const [ours, other] = [valueAt(ids, mine, path), valueAt(ids, theirs, path)];
    if (same(ours, other)) continue;
    conflicts.set(conflictKey(path), { path, base: valueAt(ids, base, path), mine: ours, theirs: other });
  }
  for (const [key, conflict] of conflicts) {
    if (!takeTheirs.has(key)) document = applied(ids, document, conflict.path, conflict.mine);
  }
  return { document, conflicts: [...conflicts.values()] };
}
