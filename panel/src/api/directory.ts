/** Services, interpreters and queues, for everybody who is logged in. */

import { decodeDirectory } from "./decode";
import { request } from "./http";
import type { Directory } from "./types";

export async function fetchDirectory(signal?: AbortSignal): Promise<Directory> {
  const answer = await request("GET", "/api/directory", signal ? { signal } : {});
  return decodeDirectory(answer as Partial<Directory> | null);
}
