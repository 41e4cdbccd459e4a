/**
 * What is typed and not saved yet outlives a reload of the page.
 *
 * It is personal data, so it must not stay on a shared machine. `localStorage` would keep it
 * for ever; `sessionStorage` ends with the tab, holds a value only from the first unsaved key
 * press until the server has it, and is cleared at logout. Drafts carry the login that typed them:
 * a colleague who logs in at the same tab neither sees nor saves them.
 */

import type { Draft, DraftStore } from "./saver";

const PREFIX = "ccserver.draft.";

interface StoredDraft extends Draft {
  login: string;
}

function isStoredDraft(value: unknown): value is StoredDraft {
  if (typeof value !== "object" || value === null) return false;
  const { login, value: kept, version } = value as Record<string, unknown>;
  return typeof login === "string" && kept !== undefined && typeof version === "number";
}

function read(key: string): StoredDraft | null {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(key) ?? "null");
    return isStoredDraft(value) ? value : null;
  } catch {
    return null;
  }
}

/** The drafts of one login in this tab. */
export class SessionDrafts implements DraftStore {
  private readonly login: string;

  constructor(login: string) {
    this.login = login;
  }

  put(key: string, draft: Draft): void {
    const stored: StoredDraft = { login: this.login, ...draft };
    try {
      sessionStorage.setItem(PREFIX + key, JSON.stringify(stored));
    } catch {
      // Storage is full or forbidden: the value is still in memory, which is the first line.
    }
  }

  drop(key: string): void {
    sessionStorage.removeItem(PREFIX + key);
  }

  /** All drafts of this login, by key. */
  all(): Map<string, Draft> {
    const found = new Map<string, Draft>();
    for (const key of Object.keys(sessionStorage)) {
      if (!key.startsWith(PREFIX)) continue;
      const stored = read(key);
      if (stored?.login !== this.login) continue;
      found.set(key.slice(PREFIX.length), { value: stored.value, version: stored.version });
    }
    return found;
  }

  /** At logout nothing of this login stays behind. */
  clear(): void {
    for (const key of this.all().keys()) this.drop(key);
  }
}
