/** API keys of other systems, for system admins. */

import { request } from "../api/http";

export interface ApiKey {
  key_id: string;
  name: string;
  service: string | null;
  scopes: string[];
  created_at: string;
  created_by: string;
  expires_at: string | null;
  revoked_at: string | null;
  /** Told by the hour. */
  last_used_at: string | null;
}

export interface Keys {
  keys: ApiKey[];
  /** All that a key can be made for. */
  scopes: string[];
}

export interface WantedKey {
  name: string;
  scopes: readonly string[];
  service?: string;
}

export async function fetchKeys(): Promise<Keys> {
  return (await request("GET", "/api/keys")) as Keys;
}

/** The token holds the secret and is never to be had again. */
export async function addKey(wanted: WantedKey): Promise<string> {
  return ((await request("POST", "/api/keys", { body: wanted })) as { token: string }).token;
}

export async function revokeKey(keyId: string): Promise<void> {
  await request("DELETE", `/api/keys/${encodeURIComponent(keyId)}`);
}
