/**
 * Unsaved notes outlive a reload of the page.
 *
 * Notes are personal data, so they must not stay on a shared machine. `localStorage` would keep
 * them for ever; `sessionStorage` ends with the tab, holds a text only from the first unsaved key
 * press until the server has it, and is cleared at logout. Drafts carry the login that typed them:
 * a colleague who logs in at the same tab neither sees nor saves them.
 */

import type { DraftStore } from "./saver";

const PREFIX = "ccserver.draft.";

export interface Draft {
  text: string;
  version: number;
}

interface StoredDraft extends Draft {
  login: string;
}

function isStoredDraft(value: unknown): value is StoredDraft {
  if (typeof value !== "object" || value === null) return false;
  const { login, text, version } = value as Record<string, unknown>;
  return typeof login === "string" && typeof text === "string" && typeof version === "number";
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

  put(incidentId: string, draft: Draft): void {
    const stored: StoredDraft = { login: this.login, ...draft };
    try {
      sessionStorage.setItem(PREFIX + incidentId, JSON.stringify(stored));
    } catch {
      // Storage is full or forbidden: the text is still in memory, which is the first line.
    }
  }

  drop(incidentId: string): void {
    sessionStorage.removeItem(PREFIX + incidentId);
  }

  /** All drafts of this login, by incident id. */
  all(): Map<string, Draft> {
    const found = new Map<string, Draft>();
    for (const key of Object.keys(sessionStorage)) {
      if (!key.startsWith(PREFIX)) continue;
      const stored = read(key);
      if (stored?.login !== this.login) continue;
      found.set(key.slice(PREFIX.length), { text: stored.text, version: stored.version });
    }
    return found;
  }

  /** At logout nothing of this login stays behind. */
  clear(): void {
    for (const incidentId of this.all().keys()) this.drop(incidentId);
  }
}
