/**
 * Replies that are half written outlive a reload and the way to another card.
 *
 * As with `saving/drafts`, they are personal data: they end with the tab, are dropped at logout, and
 * are seen only by the login that typed them.
 */

const PREFIX = "ccserver.reply.";

export class ReplyDrafts {
  private readonly prefix: string;

  constructor(login: string) {
    this.prefix = `${PREFIX}${login}/`;
  }

  get(conversationId: string): string {
    return sessionStorage.getItem(this.prefix + conversationId) ?? "";
  }

  put(conversationId: string, text: string): void {
    const key = this.prefix + conversationId;
    try {
      if (text === "") sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, text);
    } catch {
      // Storage is full or forbidden: the text is still in the box.
    }
  }

  /** At logout. */
  clear(): void {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(this.prefix)) sessionStorage.removeItem(key);
    }
  }
}
