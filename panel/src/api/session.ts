/** Login, logout, and who I am. */

import { decodeMe } from "./decode";
import { request } from "./http";
import type { Account, Language, Me } from "./types";

export async function login(name: string, password: string): Promise<Account> {
  const body = { login: name, password };
  const answer = await request("POST", "/api/login", { body, anonymous: true });
  return (answer as { account: Account }).account;
}

export async function logout(): Promise<void> {
  await request("POST", "/api/logout", { anonymous: true });
}

/** The open session; a 401 is the caller's to handle, for at start it is no surprise. */
export async function fetchMe(): Promise<Me> {
  return decodeMe((await request("GET", "/api/me", { anonymous: true })) as Partial<Me>);
}

export async function setLanguage(language: Language): Promise<void> {
  await request("PUT", "/api/me/language", { body: { language } });
}
