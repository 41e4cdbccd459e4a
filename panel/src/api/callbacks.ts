/** Call-back tasks: the list comes by the live connection; these are the acts on one task. */

import { contactIdOf } from "./contacts";
import { request } from "./http";
import type { ClosingOutcome } from "./types";

function pathOf(taskId: string): string {
  return `/api/callbacks/${encodeURIComponent(taskId)}`;
}

/** Calls the citizen from our own seat; tells the contact that comes of it. */
export async function callBack(taskId: string): Promise<string | null> {
  return contactIdOf(await request("POST", `${pathOf(taskId)}/call`));
}

export async function closeCallback(taskId: string, outcome: ClosingOutcome, note: string): Promise<void> {
  await request("POST", `${pathOf(taskId)}/close`, { body: { outcome, note } });
}
