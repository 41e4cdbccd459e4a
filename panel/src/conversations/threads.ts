/** What the panel concludes from the texts of a conversation; pure. */

import type { Conversation, Delivery, DeliveryState, TextMessage } from "../api/conversations";
import { isConversation, type LiveState } from "../live/state";
import type { IconName } from "../shared/Icon";

/**
 * What is known after the newest texts were read again. Older ones that were paged in before stay,
 * as long as nothing is missing between them and the newest.
 */
export function merged(known: Conversation | undefined, fetched: Conversation): Conversation {
  const first = fetched.messages[0];
  if (known === undefined || first === undefined) return fetched;
  const meeting = known.messages.findIndex((message) => message.message_id === first.message_id);
  if (meeting <= 0) return fetched;
  return { ...fetched, messages: [...known.messages.slice(0, meeting), ...fetched.messages], more: known.more };
}

/** With one text as it now is; a new one stands at the end. */
export function withText(conversation: Conversation, text: TextMessage): Conversation {
  const known = conversation.messages.some((message) => message.message_id === text.message_id);
  const messages = known
    ? conversation.messages.map((message) => (message.message_id === text.message_id ? text : message))
    : [...conversation.messages, text];
  return { ...conversation, messages };
}

/** With a page of older texts before its own. */
export function withOlder(conversation: Conversation, older: readonly TextMessage[], more: boolean): Conversation {
  const known = new Set(conversation.messages.map((message) => message.message_id));
  const fresh = older.filter((message) => !known.has(message.message_id));
  return { ...conversation, messages: [...fresh, ...conversation.messages], more };
}

/** How many texts of the citizen stand after the one that was read last. */
export function unreadAfter(messages: readonly TextMessage[], lastRead: string | null): number {
  const at = lastRead === null ? -1 : messages.findIndex((message) => message.message_id === lastRead);
  return messages.slice(at + 1).filter((message) => message.direction === "in").length;
}

/** The newest text of the citizen. */
export function lastIncoming(messages: readonly TextMessage[]): TextMessage | null {
  return messages.findLast((message) => message.direction === "in") ?? null;
}

/** A missing part shows as this in the text. */
const GAP = "[…]";

/** The text as it is shown: one that ends too early says so. */
export function shownText({ text, complete }: TextMessage): string {
  return complete || text.includes(GAP) ? text : `${text} ${GAP}`.trim();
}

const DELIVERY_ICONS: Record<DeliveryState, IconName> = {
  queued: "clock",
  sent: "check",
  unknown: "redial",
  delivered: "checks",
  failed: "warning",
  expired: "missed",
};

export function deliveryIcon({ state }: Delivery): IconName {
  return DELIVERY_ICONS[state];
}

/** The citizen has not got it, and will not. */
export function isLost({ state }: Delivery): boolean {
  return state === "failed" || state === "expired";
}

/** The conversations of a card in their order: those that go on first, then the latest text. */
export function ordered(conversations: readonly Conversation[]): Conversation[] {
  const over = ({ state }: Conversation): number => Number(state === "closed");
  return [...conversations].sort(
    (a, b) =>
      over(a) - over(b) ||
      b.last_text_at.localeCompare(a.last_text_at) ||
      a.conversation_id.localeCompare(b.conversation_id),
  );
}

/** Which one to show where none was chosen: our own before one that waits, before any other. */
export function foremost(conversations: readonly Conversation[], agentId: string | null): Conversation | null {
  const all = ordered(conversations);
  const going = all.filter(({ state }) => state !== "closed");
  const own = agentId === null ? [] : going.filter((one) => one.agent_id === agentId);
  return own.find((one) => one.unanswered_since !== null) ?? own[0] ?? going[0] ?? all[0] ?? null;
}

/** Why the reader cannot write; null if nothing stands in the way. */
export type Obstacle = "closed" | "no_way_back" | "no_seat" | "waiting" | "riding" | "with_other";

export interface Writer {
  agentId: string | null;
  /** Supervisors with a seat write in anybody's conversation. */
  supervises: boolean;
}

/** Whose it is: of one that goes with a call, whoever has the call. */
export function holderOf(conversation: Conversation, contacts: LiveState["contacts"]): string | null {
  const call = conversation.riding === null ? undefined : contacts[conversation.riding];
  return call !== undefined && isConversation(call) ? call.agent_id : conversation.agent_id;
}

export function obstacleTo(conversation: Conversation, holder: string | null, writer: Writer): Obstacle | null {
  if (conversation.state === "closed") return "closed";
  if (!conversation.replyable) return "no_way_back";
  if (writer.agentId === null) return holder === null ? "no_seat" : "with_other";
  if (holder === writer.agentId || writer.supervises) return null;
  if (holder !== null) return "with_other";
  return conversation.state === "riding" ? "riding" : "waiting";
}

/** Whether a closed conversation may still be taken up again. */
export function mayReopen({ state, last_text_at }: Conversation, now: number, keepOpenH: number): boolean {
  return state === "closed" && now - Date.parse(last_text_at) <= keepOpenH * 3_600_000;
}

/** What an oddity means to whoever reads the text. */
export type OddityKind = "guessed" | "cut" | "lost" | "binary" | "twice" | "whole" | "position" | "other";

/** The server's codes by what they mean; the rest says nothing that a call taker could use. */
const ODDITY_KINDS: Record<Exclude<OddityKind, "other">, string> = {
  guessed: `characters_invalid data_coding_unknown national_table_unknown odd_length escape_at_end
    read_as_latin1 read_as_packed read_as_gsm charset_unknown`,
  cut: "body_cut short_message_cut field_unterminated udh_cut text_cut incomplete concatenation_invalid",
  lost: "text_too_long",
  binary: "binary compressed unreadable unprocessed",
  twice: "text_twice",
  whole: `tlv_cut tlv_repeated tlv_too_many udh_element_broken udh_unannounced little_endian trailing_nul
    read_as_utf8 binary_as_text body_unexpected`,
  position: "aml",
};

const KIND_OF_CODE: ReadonlyMap<string, OddityKind> = new Map(
  Object.entries(ODDITY_KINDS).flatMap(([kind, codes]) =>
    codes.split(/\s+/).map((code): [string, OddityKind] => [code, kind as OddityKind]),
  ),
);

export interface OddityWords {
  kind: OddityKind;
  code: string;
}

/** Each meaning once; a code that this panel does not know stands for itself. */
export function oddityWords(codes: readonly string[]): OddityWords[] {
  const all = codes.map((code) => ({ kind: KIND_OF_CODE.get(code) ?? ("other" as const), code }));
  return all.filter((one, index) => one.kind === "other" || all.findIndex(({ kind }) => kind === one.kind) === index);
}
