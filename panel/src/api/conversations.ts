/** Conversations by text: what the server tells of them, and what a call taker does with them. */

import { request } from "./http";
import type { Language, Titles } from "./types";

/** By which way the citizen writes. */
export type Channel = "sms" | "sip" | "app";

/** "riding": it goes with the citizen's call, and whoever takes that has it. */
export type ConversationState = "waiting" | "riding" | "open" | "closed";

export type DeliveryState = "queued" | "sent" | "unknown" | "delivered" | "failed" | "expired";

/** How far a text of ours is. */
export interface Delivery {
  state: DeliveryState;
  at: string;
  /** A code of the server, or the operator's number. */
  error: string | null;
  parts: { done: number; total: number };
}

/** What an application wrote in fields of its own. */
export interface Structured {
  template: string;
  fields: { name: string; title: Titles; value: string }[];
}

export interface TextMessage {
  message_id: string;
  contact_id: string | null;
  direction: "in" | "out";
  kind: "text" | "structured" | "automatic";
  text: string;
  /** When it came, or was written, by the server's clock. */
  at: string;
  /** What the citizen's side says; null where it says nothing. */
  sent_at: string | null;
  author: string | null;
  author_name: string | null;
  /** False while parts are missing. */
  complete: boolean;
  parts: { have: number; total: number };
  /** The same text with the same time came before. */
  duplicate: boolean;
  /** Codes of what was strange about it; the text is the best effort. */
  oddities: string[];
  structured: Structured | null;
  /** Null for a citizen's text. */
  delivery: Delivery | null;
}

export interface Conversation {
  conversation_id: string;
  /** The contact that it is now, or was last. */
  contact_id: string | null;
  contact_ids: string[];
  channel: Channel;
  via: string;
  citizen: string;
  /** An alphanumeric sender cannot be written to. */
  replyable: boolean;
  our_number: string;
  language: Language | null;
  state: ConversationState;
  agent_id: string | null;
  agent_name: string | null;
  /** The call that it goes with. */
  riding: string | null;
  opened_at: string;
  last_text_at: string;
  unanswered_since: string | null;
  closed_at: string | null;
  /** The login of who closed it; none of a closed one: nobody wrote for long. */
  closed_by: string | null;
  disposition: string | null;
  acknowledged_at: string | null;
  /** The newest, oldest first. */
  messages: TextMessage[];
  /** Whether there are older ones. */
  more: boolean;
}

/** What the live messages of a contact tell of its conversation. */
export interface LiveConversation {
  conversation_id: string;
  channel: Channel;
  unanswered_since: string | null;
  last_text_at: string;
  messages: number;
}

export interface Snippet {
  code: string;
  titles: Titles;
  texts: Titles;
}

/** What the panel needs of the document about texts. */
export interface Messaging {
  snippets: Snippet[];
  /** From here on an unanswered text is raised like a waiting call. */
  unanswered_after_s: number;
  /** A closed conversation can be taken up again this long after its last text; later ones are new. */
  keep_open_h: number;
}

/** How many older texts come at once. */
const OLDER_AT_ONCE = 50;

const MESSAGE_DEFAULTS = {
  kind: "text",
  sent_at: null,
  author: null,
  author_name: null,
  complete: true,
  parts: { have: 1, total: 1 },
  duplicate: false,
  oddities: [],
  structured: null,
  delivery: null,
} as const;

const CONVERSATION_DEFAULTS = {
  contact_ids: [],
  replyable: true,
  language: null,
  agent_id: null,
  agent_name: null,
  riding: null,
  unanswered_since: null,
  closed_at: null,
  closed_by: null,
  disposition: null,
  acknowledged_at: null,
  more: false,
};

export function decodeText(raw: Partial<TextMessage>): TextMessage {
  return { ...MESSAGE_DEFAULTS, ...raw } as TextMessage;
}

export function decodeConversation(raw: Partial<Conversation>): Conversation {
  return { ...CONVERSATION_DEFAULTS, ...raw, messages: (raw.messages ?? []).map(decodeText) } as Conversation;
}

function cardPath(incidentId: string): string {
  return `/api/incidents/${encodeURIComponent(incidentId)}/conversations`;
}

function pathOf(conversationId: string): string {
  return `/api/conversations/${encodeURIComponent(conversationId)}`;
}

export async function fetchConversations(incidentId: string, signal?: AbortSignal): Promise<Conversation[]> {
  const answer = await request("GET", cardPath(incidentId), signal ? { signal } : {});
  return (answer as { conversations: Partial<Conversation>[] }).conversations.map(decodeConversation);
}

/** Those before the text `before`, oldest first, and whether there are still older ones. */
export async function fetchOlder(
  incidentId: string,
  conversationId: string,
  before: string,
): Promise<{ messages: TextMessage[]; more: boolean }> {
  const question = new URLSearchParams({ before, limit: String(OLDER_AT_ONCE) }).toString();
  const path = `${cardPath(incidentId)}/${encodeURIComponent(conversationId)}/messages?${question}`;
  const answer = (await request("GET", path)) as { messages: Partial<TextMessage>[]; more: boolean };
  return { messages: answer.messages.map(decodeText), more: answer.more };
}

/** Sends a text to the citizen; repeated with the same key it is still one text. */
export async function sendText(conversationId: string, text: string, key: string): Promise<TextMessage> {
  const headers = { "Idempotency-Key": key };
  const answer = await request("POST", `${pathOf(conversationId)}/messages`, { body: { text }, headers, outlivePage: true });
  return decodeText(answer as Partial<TextMessage>);
}

export async function closeConversation(conversationId: string, disposition: string | null): Promise<void> {
  await request("POST", `${pathOf(conversationId)}/close`, { body: { disposition } });
}

export async function reopenConversation(conversationId: string): Promise<void> {
  await request("POST", `${pathOf(conversationId)}/reopen`, { body: {} });
}

/** Until the document is read, and where the server has none. */
export const NO_MESSAGING: Messaging = { snippets: [], unanswered_after_s: 30, keep_open_h: 4 };

export async function fetchMessaging(signal: AbortSignal): Promise<Messaging> {
  return { ...NO_MESSAGING, ...((await request("GET", "/api/messaging", { signal })) as Partial<Messaging>) };
}
