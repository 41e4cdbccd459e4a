/** Something that the server keeps and that rarely changes: loaded once, and again when told. */

import { ApiError } from "../api/http";

/** A call taker who works by hand meanwhile needs it back soon. */
const RETRY_MS = 5_000;

export class RemoteStore<T> {
  private value: T;
  private readonly listeners = new Set<() => void>();
  private readonly load: (signal: AbortSignal) => Promise<T>;
  private abort = new AbortController();
  private timer: number | undefined;

  constructor(load: (signal: AbortSignal) => Promise<T>, empty: T) {
    this.load = load;
    this.value = empty;
  }

  readonly get = (): T => this.value;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Loads it anew; what was known stays until then. */
  async refresh(): Promise<void> {
    this.stop();
    const abort = new AbortController();
    this.abort = abort;
    try {
      const value = await this.load(abort.signal);
      if (abort.signal.aborted) return;
      this.value = value;
      this.listeners.forEach((listener) => listener());
    } catch (error) {
      // A server that does not have it yet will not grow it before its next start.
      if (abort.signal.aborted || (error instanceof ApiError && error.status === 404)) return;
      this.timer = window.setTimeout(() => void this.refresh(), RETRY_MS);
    }
  }

  stop(): void {
    window.clearTimeout(this.timer);
    this.abort.abort();
  }
}
