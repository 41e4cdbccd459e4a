/**
 * Changes that are not saved yet outlive a reload of the page and the closing of the editor.
 *
 * A document holds no data of citizens, so it may stay in `localStorage`. A draft is kept with the
 * document from which it began: if others saved meanwhile, it is put on top of theirs.
 */

import type { AnyDocument } from "./kind";
import { isObject } from "./paths";

export interface Draft {
  version: number;
  base: AnyDocument;
  document: AnyDocument;
}

function isDraft(value: unknown): value is Draft {
  return isObject(value) && typeof value.version === "number" && isObject(value.base) && isObject(value.document);
}

export class Drafts {
  private readonly prefix: string;

  /** `name` is that of the kind of document. */
  constructor(name: string, login: string) {
    this.prefix = `ccserver.${name}.${login}.`;
  }

  /** Keeps the draft and forgets those of other versions. False: there is no room for it. */
  put(draft: Draft): boolean {
    const key = `${this.prefix}${draft.version}`;
    try {
      localStorage.setItem(key, JSON.stringify(draft));
    } catch {
      return false;
    }
    this.keys().filter((other) => other !== key).forEach((other) => localStorage.removeItem(other));
    return true;
  }

  /** The draft of the newest version, if there is one. */
  read(): Draft | null {
    const drafts = this.keys().flatMap((key) => {
      try {
        const value: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
        return isDraft(value) ? [value] : [];
      } catch {
        return [];
      }
    });
    return drafts.sort((a, b) => b.version - a.version)[0] ?? null;
  }

  clear(): void {
    this.keys().forEach((key) => localStorage.removeItem(key));
  }

  private keys(): string[] {
    // A login may be the beginning of another one: only digits may follow the prefix.
    return Object.keys(localStorage).filter(
      (key) => key.startsWith(this.prefix) && /^\d+$/.test(key.slice(this.prefix.length)),
    );
  }
}
