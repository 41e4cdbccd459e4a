/** The directory of services and queues: loaded once, and again when the routing changes. */

import { fetchDirectory } from "../api/directory";
import { ApiError } from "../api/http";
import type { Directory, Titles } from "../api/types";
import { currentLanguage, LANGUAGES } from "../i18n";

const EMPTY: Directory = { entries: [], queues: [] };
/** A call taker who transfers by hand meanwhile needs the services back soon. */
const RETRY_MS = 5_000;

export class DirectoryStore {
  private directory = EMPTY;
  private readonly listeners = new Set<() => void>();
  private readonly load: (signal: AbortSignal) => Promise<Directory>;
  private abort = new AbortController();
  private timer: number | undefined;

  constructor(load: (signal: AbortSignal) => Promise<Directory> = fetchDirectory) {
    this.load = load;
  }

  readonly getDirectory = (): Directory => this.directory;

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
      const directory = await this.load(abort.signal);
      if (abort.signal.aborted) return;
      this.directory = directory;
      this.listeners.forEach((listener) => listener());
    } catch (error) {
      // A server that has no directory yet will not grow one before its next start.
      if (abort.signal.aborted || (error instanceof ApiError && error.status === 404)) return;
      this.timer = window.setTimeout(() => void this.refresh(), RETRY_MS);
    }
  }

  stop(): void {
    window.clearTimeout(this.timer);
    this.abort.abort();
  }
}

/** In the language of the screen, else in any, else the plain name. */
export function titleOf(titles: Titles, name: string): string {
  const wanted = [currentLanguage(), ...LANGUAGES];
  return wanted.map((language) => titles[language]).find((title) => title) ?? name;
}

/** A queue as people call it; its name where the directory does not know it. */
export function queueTitle(directory: Directory, name: string): string {
  return titleOf(directory.queues.find((queue) => queue.name === name)?.title ?? {}, name);
}

/** A service or interpreter as people call it; others, such as a typed number, as they are named. */
export function entryTitle(directory: Directory, name: string): string {
  return titleOf(directory.entries.find((entry) => entry.name === name)?.title ?? {}, name);
}
