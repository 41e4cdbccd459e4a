/** The text conversations of a card; nothing where there are none. */

import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import type { Conversation } from "../api/conversations";
import { ApiError } from "../api/http";
import type { Card } from "../api/types";
import { explain, useLive, useSession } from "../app/session";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { ConversationView } from "./ConversationView";
import { REPLY_TESTID } from "./ReplyBox";
import { foremost, ordered } from "./threads";
import { useConversations } from "./useConversations";

/** Which conversation the reader wants to see, and to write in; each wish has a number of its own. */
export interface Wanted {
  contactId: string;
  turn: number;
}

/** Tags of the timeline that tell of texts. */
const TEXT_TAG = /^(text|conversation)_/;

/**
 * Names the contacts of the card that have texts; null if it says of none. Cards that are joined or
 * divided have others afterwards.
 */
function textsOf(card: Card): string | null {
  const told = card.timeline.filter(({ tag }) => TEXT_TAG.test(tag)).map(({ contact_id }) => contact_id ?? "");
  const came = card.contacts.filter(({ medium }) => medium !== "voice").map(({ contact_id }) => contact_id);
  const all = [...new Set([...came, ...told])].sort();
  return all.length === 0 ? null : all.join(" ");
}

function isOf(conversation: Conversation, contactId: string): boolean {
  return conversation.contact_id === contactId || conversation.contact_ids.includes(contactId);
}

/** The chosen one: by hand, by the reader's wish, else the one that needs somebody most. */
function useChosen(
  conversations: readonly Conversation[],
  wanted: Wanted | null,
): [Conversation | null, (id: string) => void] {
  const { agentId } = useLive();
  const [chosen, setChosen] = useState<{ id: string; turn: number } | null>(null);
  const turn = wanted?.turn ?? 0;
  const byHand = chosen?.turn === turn ? conversations.find((one) => one.conversation_id === chosen.id) : undefined;
  const byWish = wanted === null ? undefined : conversations.find((one) => isOf(one, wanted.contactId));
  const current = byHand ?? byWish ?? foremost(conversations, agentId);
  // What stands on the screen stays there, whoever writes in another one.
  if (current !== null && byHand === undefined) setChosen({ id: current.conversation_id, turn });
  return [current, (id) => setChosen({ id, turn })];
}

function Tab({ conversation, selected, panelId, onChoose, onStep }: {
  conversation: Conversation;
  selected: boolean;
  panelId: string;
  onChoose: () => void;
  onStep: (step: number) => void;
}) {
  const { t } = useTranslation();
  const press = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    onStep(step);
  };
  return (
    <button
      type="button"
      role="tab"
      id={`${panelId}-${conversation.conversation_id}`}
      aria-selected={selected}
      aria-controls={panelId}
      tabIndex={selected ? 0 : -1}
      className="texts-tab"
      data-testid="texts-tab"
      data-conversation={conversation.conversation_id}
      onClick={onChoose}
      onKeyDown={press}
    >
      <Icon name="message" size={16} /> {readableNumber(conversation.citizen)}{" "}
      <span className="faint">{t(`texts.state.${conversation.state}`)}</span>
      {conversation.unanswered_since !== null && <span className="texts-dot">{t("texts.unread_mark")}</span>}
    </button>
  );
}

/** Puts the cursor into the reply box, once for each wish to see this conversation. */
function useCursor(current: Conversation | null, wanted: Wanted | null): void {
  const done = useRef(0);
  const turn = current !== null && wanted !== null && isOf(current, wanted.contactId) ? wanted.turn : 0;
  useEffect(() => {
    if (turn === 0 || turn === done.current) return;
    done.current = turn;
    document.querySelector<HTMLElement>(`[data-testid="${REPLY_TESTID}"]`)?.focus();
  }, [turn]);
}

function Conversations({ conversations, wanted, onOlder }: {
  conversations: readonly Conversation[];
  wanted: Wanted | null;
  onOlder: (id: string, before: string) => Promise<void>;
}) {
  const { t } = useTranslation();
  const panelId = useId();
  const [current, choose] = useChosen(conversations, wanted);
  useCursor(current, wanted);
  const all = ordered(conversations);
  if (current === null) return null;
  const step = (by: number): void => {
    const at = all.findIndex((one) => one.conversation_id === current.conversation_id);
    const next = all[(at + by + all.length) % all.length];
    if (!next) return;
    choose(next.conversation_id);
    document.getElementById(`${panelId}-${next.conversation_id}`)?.focus();
  };
  const view = <ConversationView key={current.conversation_id} conversation={current} onOlder={onOlder} />;
  if (all.length === 1) return view;
  return (
    <>
      <div role="tablist" aria-label={t("texts.tabs")} className="texts-tabs">
        {all.map((one) => (
          <Tab
            key={one.conversation_id}
            conversation={one}
            selected={one === current}
            panelId={panelId}
            onChoose={() => choose(one.conversation_id)}
            onStep={step}
          />
        ))}
      </div>
      <div role="tabpanel" id={panelId} aria-labelledby={`${panelId}-${current.conversation_id}`}>
        {view}
      </div>
    </>
  );
}

interface Properties {
  card: Card;
  wanted: Wanted | null;
}

export function ConversationsSection({ card, wanted }: Properties) {
  const { t } = useTranslation();
  const expected = textsOf(card);
  const { me } = useSession();
  // A service's desk is told that the card has changed, and not in what.
  const version = me.rights.contacts ? null : card;
  const { conversations, error, loadOlder } = useConversations(card.incident_id, expected, version);
  const refused = error instanceof ApiError && error.status === 403;
  if (refused || (conversations !== null && conversations.length === 0)) return null;
  if (conversations === null && error === null && expected === null) return null;
  return (
    <section className="card-part conversations" aria-labelledby="texts-title" data-testid="conversations">
      <h3 id="texts-title">
        <Icon name="message" /> {t("texts.title")}
      </h3>
      {error !== null && (
        <p className="texts-error" role="alert" data-testid="texts-error">
          <Icon name="warning" size={18} /> {t(conversations === null ? "texts.not_read" : "texts.stale")} {explain(error)}
        </p>
      )}
      {conversations === null && error === null && (
        <p className="faint" role="status">
          {t("texts.loading")}
        </p>
      )}
      {conversations !== null && <Conversations conversations={conversations} wanted={wanted} onOlder={loadOlder} />}
    </section>
  );
}
