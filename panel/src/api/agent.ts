/** What a call taker says of their own seat. */

import { request } from "./http";
import type { NotReadyReason, PresenceKind } from "./types";

export async function setPresence(kind: PresenceKind, reason: NotReadyReason | null = null): Promise<void> {
  await request("PUT", "/api/agent/presence", { body: { kind, reason } });
}

export async function endWrapUp(): Promise<void> {
  await request("POST", "/api/agent/wrap-up/end");
}
