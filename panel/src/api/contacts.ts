/** Acts of a call taker on the contact at their own seat. */

import { request } from "./http";

export type ContactAction = "answer" | "reject" | "hang-up" | "hold" | "resume";

export async function act(contactId: string, action: ContactAction): Promise<void> {
  await request("POST", `/api/contacts/${encodeURIComponent(contactId)}/${action}`);
}
