/** Why cards are read by somebody outside of them: asked once for each card and login. */

const reasons = new Map<string, string>();

/** As much as the server keeps. */
export const REASON_MAX = 200;

const CARD_PATH = /^\/api\/(?:cards|incidents)\/([^/?]+)/;

export function giveReason(incidentId: string, reason: string): void {
  reasons.set(encodeURIComponent(incidentId), reason);
}

/** Another person logs in, or the same one again. */
export function forgetReasons(): void {
  reasons.clear();
}

/** What is sent along with requests below a card that a reason was given for. */
export function reasonHeader(path: string): Record<string, string> {
  const reason = reasons.get(CARD_PATH.exec(path)?.[1] ?? "");
  // A header holds ASCII alone.
  return reason === undefined ? {} : { "X-Reason": encodeURIComponent(reason) };
}
