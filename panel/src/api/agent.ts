/** What a call taker says of their own seat, and a supervisor of others'. */

import { request } from "./http";
import type { NotReadyReason, PresenceKind } from "./types";

export async function setPresence(kind: PresenceKind, reason: NotReadyReason | null = null): Promise<void> {
  await request("PUT", "/api/agent/presence", { body: { kind, reason } });
}

/** A supervisor's word over a seat, kept on record with why; a conversation is finished first. */
export async function forcePresence(agentId: string, kind: PresenceKind, comment: string): Promise<void> {
  const path = `/api/agents/${encodeURIComponent(agentId)}/presence`;
  await request("PUT", path, { body: { kind, reason: null, comment } });
}

export async function endWrapUp(): Promise<void> {
  await request("POST", "/api/agent/wrap-up/end");
}

/** By how much is the server's to decide, and so is how often. */
export async function extendWrapUp(): Promise<void> {
  await request("POST", "/api/agent/wrap-up/extend");
}
