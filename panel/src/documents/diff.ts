/**
 * What differs between two documents, and how one difference is applied to a third.
 *
 * Items of a list that have a name are told apart by it and not by their place, so that two people
 * who each add a queue do not meet. Lists without names, such as the steps of a queue, have a
 * meaning only as a whole and are compared as one value.
 */

import { isObject, same } from "./paths";

export interface Change {
  /** Keys of objects and names of list items, from the root. */
  path: readonly string[];
  kind: "added" | "removed" | "changed";
  /** Undefined for what was added. */
  before: unknown;
  /** Undefined for what was removed. */
  after: unknown;
}

/** Fields of lists → the keys by which their items are told apart. */
export type Identities = Readonly<Record<string, readonly string[]>>;

type Item = Readonly<Record<string, unknown>>;

/** The names of the items of the list in the field `field`; null where they have none of their own. */
function names(ids: Identities, field: string, list: readonly unknown[]): string[] | null {
  const keys = ids[field] ?? [];
  const found: string[] = [];
  for (const item of list) {
    if (!isObject(item)) return null;
    const name = keys.map((key) => item[key]).find((value) => typeof value === "string");
    if (typeof name !== "string" || found.includes(name)) return null;
    found.push(name);
  }
  return found;
}

function listChanges(ids: Identities, field: string, before: readonly unknown[], after: readonly unknown[], path: readonly string[]): Change[] | null {
  if (!(field in ids)) return null;
  const old = names(ids, field, before);
  const now = names(ids, field, after);
  if (old === null || now === null) return null;
  const changes: Change[] = [];
  old.forEach((name, index) => {
    const at = now.indexOf(name);
    if (at >= 0) changes.push(...diff(ids, before[index], after[at], [...path, name]));
    else changes.push({ path: [...path, name], kind: "removed", before: before[index], after: undefined });
  });
  now.forEach((name, index) => {
    if (!old.includes(name)) {
      changes.push({ path: [...path, name], kind: "added", before: undefined, after: after[index] });
    }
  });
  return changes;
}

/** The differences from `before` to `after`, in the order of the document. */
export function diff(ids: Identities, before: unknown, after: unknown, path: readonly string[] = []): Change[] {
  if (same(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) {
    const changes = listChanges(ids, path.at(-1) ?? "", before, after, path);
    if (changes !== null) return changes;
  } else if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => diff(ids, before[key], after[key], [...path, key]));
  }
  const kind = before === undefined ? "added" : after === undefined ? "removed" : "changed";
  return [{ path, kind, before, after }];
}

function indexOf(ids: Identities, field: string, list: readonly unknown[], name: string): number {
  return names(ids, field, list)?.indexOf(name) ?? -1;
}

/** What stands at a path of names; undefined where there is nothing. */
export function valueAt(ids: Identities, root: unknown, path: readonly string[]): unknown {
  let value = root;
  path.forEach((key, depth) => {
    if (Array.isArray(value)) value = (value as unknown[])[indexOf(ids, path[depth - 1] ?? "", value, key)];
    else value = isObject(value) ? value[key] : undefined;
  });
  return value;
}

function put(ids: Identities, value: unknown, path: readonly string[], depth: number, wanted: unknown): unknown {
  const key = path[depth];
  if (key === undefined) return wanted;
  if (Array.isArray(value)) {
    const list = [...(value as unknown[])];
    const index = indexOf(ids, path[depth - 1] ?? "", list, key);
    const last = depth === path.length - 1;
    if (last && wanted === undefined) return list.filter((_, place) => place !== index);
    // Below an item that is gone there is nothing to change.
    if (index < 0) return last ? [...list, wanted] : list;
    list[index] = put(ids, list[index], path, depth + 1, wanted);
    return list;
  }
  const old: Item = isObject(value) ? value : {};
  if (depth === path.length - 1 && wanted === undefined) {
    return Object.fromEntries(Object.entries(old).filter(([name]) => name !== key));
  }
  return { ...old, [key]: put(ids, old[key], path, depth + 1, wanted) };
}

/** `root` with `value` at a path of names; undefined removes what is there. */
export function applied<T>(ids: Identities, root: T, path: readonly string[], value: unknown): T {
  return put(ids, root, path, 0, value) as T;
}
