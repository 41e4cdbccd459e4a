/**
 * Steps that the server has not taken yet. Nothing told at a desk is lost: a step is kept with its
 * key, which makes repeating it harmless, and sent again until the server has it or refuses it.
 *
 * Steps of one involvement go out one after the other, in the order in which they were told. Notes
 * may hold personal data, so they outlive a reload but not the tab (`sessionStorage`).
 */

import { ApiError, Unreachable } from "../api/http";
import { newKey, tellStep, tellUnit } from "../services/api";
import type { Involvement, StepState, UnitStepState } from "../services/types";

export interface Waiting {
  key: string;
  involvementId: string;
  /** Null: told of the service as a whole. */
  unitId: string | null;
  state: StepState | UnitStepState;
  reason: string | null;
  note: string;
  confirm: boolean;
  /** By the server's clock, so that a late step stands in its place. */
  happenedAt: string;
  /** Why the server refused it; null while it is still to be sent. */
  refused: ApiError | null;
}

export type NewStep = Pick<Waiting, "involvementId" | "unitId" | "state"> &
  Partial<Pick<Waiting, "reason" | "note" | "confirm">>;

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 15_000;
/** Told at once, a step needs no time of its own: the server's is as good. */
const LATE_MS = 5_000;
/** Hours of telling without a server; whoever reaches it is told so. */
const WAITING_MAX = 500;
const PREFIX = "ccserver.steps.";

/** Whether the same request may succeed later: then the step waits. */
function passes(error: unknown): boolean {
  if (error instanceof Unreachable) return true;
  return error instanceof ApiError && (error.status >= 500 || error.status === 401 || error.status === 408);
}

function isWaiting(value: unknown): value is Waiting {
  if (typeof value !== "object" || value === null) return false;
  const { key, involvementId, state, happenedAt } = value as Record<string, unknown>;
  return [key, involvementId, state, happenedAt].every((text) => typeof text === "string");
}

export class StepOutbox {
  private steps: readonly Waiting[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly takers = new Set<(involvement: Involvement) => void>();
  private readonly storageKey: string;
  private readonly now: () => number;
  private sending = false;
  private timer: number | undefined;
  private failures = 0;

  constructor(login: string, now: () => number) {
    this.storageKey = PREFIX + login;
    this.now = now;
  }

  readonly get = (): readonly Waiting[] => this.steps;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Tells what the server answered to each step that it took. */
  readonly onTaken = (taker: (involvement: Involvement) => void): (() => void) => {
    this.takers.add(taker);
    return () => this.takers.delete(taker);
  };

  /** Goes on with what an earlier page of this login left. */
  start(): void {
    window.addEventListener("online", this.retryNow);
    try {
      const stored: unknown = JSON.parse(sessionStorage.getItem(this.storageKey) ?? "[]");
      if (Array.isArray(stored)) this.steps = stored.filter(isWaiting).map((step) => ({ ...step, refused: null }));
    } catch {
      this.steps = [];
    }
    this.changed();
    void this.send();
  }

  /** Takes a step; false if so many wait that no more are kept. */
  tell(step: NewStep): boolean {
    if (this.steps.length >= WAITING_MAX) return false;
    const waiting: Waiting = {
      reason: null,
      note: "",
      confirm: false,
      ...step,
      key: newKey(),
      happenedAt: new Date(this.now()).toISOString(),
      refused: null,
    };
    this.steps = [...this.steps, waiting];
    this.changed();
    void this.send();
    return true;
  }

  /** Puts a refused step away. */
  dismiss(key: string): void {
    this.steps = this.steps.filter((step) => step.key !== key);
    this.changed();
  }

  readonly retryNow = (): void => {
    window.clearTimeout(this.timer);
    this.failures = 0;
    void this.send();
  };

  private async send(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    window.clearTimeout(this.timer);
    for (let step = this.next(); step !== undefined; step = this.next()) {
      if (await this.sendOne(step)) {
        this.failures += 1;
        const pause = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (this.failures - 1));
        this.timer = window.setTimeout(() => void this.send(), pause);
        break;
      }
      this.failures = 0;
    }
    this.sending = false;
  }

  private next(): Waiting | undefined {
    return this.steps.find((step) => step.refused === null);
  }

  /** Whether it has to be tried again. */
  private async sendOne(step: Waiting): Promise<boolean> {
    const late = this.now() - Date.parse(step.happenedAt) > LATE_MS;
    const body = {
      key: step.key,
      note: step.note,
      ...(step.reason === null ? {} : { reason: step.reason }),
      ...(late ? { happened_at: step.happenedAt } : {}),
      ...(step.confirm ? { confirm: true } : {}),
    };
    try {
      const involvement =
        step.unitId === null
          ? await tellStep(step.involvementId, step.state as StepState, body)
          : await tellUnit(step.involvementId, step.unitId, step.state as UnitStepState, body);
      this.dismiss(step.key);
      this.takers.forEach((taker) => taker(involvement));
      return false;
    } catch (error) {
      if (passes(error) || !(error instanceof ApiError)) return true;
      this.steps = this.steps.map((one) => (one.key === step.key ? { ...one, refused: error } : one));
      this.changed();
      return false;
    }
  }

  private changed(): void {
    try {
      const kept = this.steps.filter((step) => step.refused === null);
      if (kept.length === 0) sessionStorage.removeItem(this.storageKey);
      else sessionStorage.setItem(this.storageKey, JSON.stringify(kept));
    } catch {
      // Storage is full or forbidden: the steps are still in memory, which is the first line.
    }
    this.listeners.forEach((listener) => listener());
  }
}
