/** Undo and redo: the documents before and after the present one. */

export interface History<T> {
  past: readonly T[];
  present: T;
  future: readonly T[];
  /** What was edited last and when, in milliseconds: typing on in one field is one step. */
  tag: string | null;
  at: number;
}

/** A shift's work; older steps are forgotten first. */
const STEPS_MAX = 200;
/** A pause longer than this begins a new step. */
const PAUSE_MS = 1_500;

export function begin<T>(present: T): History<T> {
  return { past: [], present, future: [], tag: null, at: 0 };
}

/** The next state; edits of the same `tag` in quick succession are undone together. */
export function record<T>(history: History<T>, next: T, tag: string | null, now: number): History<T> {
  if (Object.is(next, history.present)) return history;
  const typing = tag !== null && tag === history.tag && now - history.at < PAUSE_MS && history.past.length > 0;
  const past = typing ? history.past : [...history.past, history.present].slice(-STEPS_MAX);
  return { past, present: next, future: [], tag, at: now };
}

export function undo<T>(history: History<T>): History<T> {
  const previous = history.past.at(-1);
  if (previous === undefined) return history;
  return {
    past: history.past.slice(0, -1),
    present: previous,
    future: [history.present, ...history.future],
    tag: null,
    at: 0,
  };
}

export function redo<T>(history: History<T>): History<T> {
  const [next, ...future] = history.future;
  if (next === undefined) return history;
  return { past: [...history.past, history.present], present: next, future, tag: null, at: 0 };
}
