/** Reading and changing one place of a document without touching the old one. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Keys and indices from the root, e.g. `["queues", 0, "alarm_after_s"]`. */
export type Path = readonly (string | number)[];

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands at `path`; undefined where there is nothing. */
export function getIn(root: unknown, path: Path): unknown {
  let value: unknown = root;
  for (const key of path) {
    if (Array.isArray(value)) value = (value as unknown[])[Number(key)];
    else if (isObject(value)) value = value[key];
    else return undefined;
  }
  return value;
}

function changed(value: unknown, path: Path, change: (old: unknown) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(value);
  if (Array.isArray(value)) {
    const next = [...(value as unknown[])];
    next[Number(key)] = changed(next[Number(key)], rest, change);
    return next;
  }
  const old = isObject(value) ? value : {};
  return { ...old, [key]: changed(old[key], rest, change) };
}

/** The document with `value` at `path`. */
export function setIn<T>(root: T, path: Path, value: unknown): T {
  return changed(root, path, () => value) as T;
}

/** The document without the list item at `path`. */
export function removeIn<T>(root: T, path: Path): T {
  const index = Number(path.at(-1));
  return changed(root, path.slice(0, -1), (list) =>
    Array.isArray(list) ? list.filter((_, place) => place !== index) : list,
  ) as T;
}

/** The document with `value` at the end of the list at `path`. */
export function appendIn<T>(root: T, path: Path, value: unknown): T {
  return changed(root, path, (list) => [...(Array.isArray(list) ? (list as unknown[]) : []), value]) as T;
}

/** The document with the list item at `path` moved by `by` places. */
export function moveIn<T>(root: T, path: Path, by: number): T {
  const from = Number(path.at(-1));
  return changed(root, path.slice(0, -1), (list) => {
    if (!Array.isArray(list)) return list;
    const to = from + by;
    if (to < 0 || to >= list.length) return list as unknown[];
    const next = [...(list as unknown[])];
    next.splice(to, 0, ...next.splice(from, 1));
    return next;
  }) as T;
}

export function pathKey(path: Path): string {
  return path.join("/");
}

/** Whether two values say the same; the order of keys does not matter. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => same(a[key], b[key]));
}
