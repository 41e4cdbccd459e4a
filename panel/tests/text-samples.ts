/** Conversations and texts as the server writes them, with one detail changed where a test needs it. */

import { decodeConversation, decodeText, type Conversation, type Delivery, type TextMessage } from "../src/api/conversations";
import type { ContactMsg } from "../src/api/types";
import { contact, NOW } from "./samples";

/** Seconds after `NOW`, as the server writes a moment. */
export function at(seconds: number): string {
  return new Date(Date.parse(NOW) + seconds * 1000).toISOString();
}

export function text(change: Partial<TextMessage> = {}): TextMessage {
  return decodeText({
    message_id: "m1",
    contact_id: "t1",
    direction: "in",
    text: "Palīdziet, ugunsgrēks",
    at: NOW,
    ...change,
  });
}

export function reply(change: Partial<TextMessage> = {}): TextMessage {
  return text({
    message_id: "m2",
    direction: "out",
    text: "Kur jūs esat?",
    author: "anna",
    author_name: "Anna Bērziņa",
    delivery: delivery(),
    ...change,
  });
}

export function delivery(change: Partial<Delivery> = {}): Delivery {
  return { state: "queued", at: NOW, error: null, parts: { done: 0, total: 1 }, ...change };
}

export function conversation(change: Partial<Conversation> = {}): Conversation {
  return decodeConversation({
    conversation_id: "k1",
    contact_id: "t1",
    contact_ids: ["t1"],
    channel: "sms",
    via: "lmt",
    citizen: "+37126123456",
    our_number: "112",
    language: "lv",
    state: "open",
    agent_id: "agent-101",
    agent_name: "Anna Bērziņa",
    opened_at: NOW,
    last_text_at: NOW,
    messages: [text()],
    ...change,
  });
}

/** The contact that a conversation is. */
export function textContact(change: Partial<ContactMsg> = {}): ContactMsg {
  return contact({
    contact_id: "t1",
    medium: "sms",
    conversation: { conversation_id: "k1", channel: "sms", unanswered_since: null, last_text_at: NOW, messages: 1 },
    ...change,
  });
}
