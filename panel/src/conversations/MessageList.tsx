/** The texts of a conversation, oldest first, with what is on its way to the server at the end. */

import { useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { Conversation } from "../api/conversations";
import { attempt, useSession } from "../app/session";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Bubble, UnsentBubble } from "./Bubble";
import type { Unsent } from "./outbox";
import { lastIncoming, shownText } from "./threads";
import { useReading } from "./useReading";

/** What stands in the outbox for one conversation. */
function useUnsent(conversationId: string): readonly Unsent[] {
  const { outbox } = useSession();
  const all = useSyncExternalStore(outbox.subscribe, outbox.get);
  return all.filter((text) => text.conversationId === conversationId);
}

/** Says each new text of the citizen to a screen reader, and nothing of what stood there before. */
function Announcement({ conversation }: { conversation: Conversation }) {
  const { t } = useTranslation();
  const newest = lastIncoming(conversation.messages);
  const [known] = useState(newest?.message_id ?? null);
  const fresh = newest !== null && newest.message_id !== known;
  return (
    <p className="visually-hidden" role="status" aria-live="polite" data-testid="texts-announced">
      {fresh && t("texts.announced", { who: readableNumber(conversation.citizen), text: shownText(newest) })}
    </p>
  );
}

interface OlderProperties {
  onLoad: () => Promise<void>;
}

function OlderButton({ onLoad }: OlderProperties) {
  const { t } = useTranslation();
  const session = useSession();
  const [busy, setBusy] = useState(false);
  const load = async (): Promise<void> => {
    setBusy(true);
    await attempt(session, onLoad);
    setBusy(false);
  };
  return (
    <button
      type="button"
      className="button button-small texts-older"
      disabled={busy}
      data-testid="texts-older"
      onClick={() => void load()}
    >
      {t(busy ? "texts.loading_older" : "texts.older")}
    </button>
  );
}

interface Properties {
  conversation: Conversation;
  onOlder: (before: string) => Promise<void>;
  /** A refused text goes back into the box. */
  onTakeBack: (text: string) => void;
}

export function MessageList({ conversation, onOlder, onTakeBack }: Properties) {
  const { t } = useTranslation();
  const { outbox } = useSession();
  const { messages, more } = conversation;
  const unsent = useUnsent(conversation.conversation_id);
  const { list, unread, onScroll, toEnd } = useReading(messages, unsent.length);
  const first = messages[0];
  const takeBack = (text: Unsent): void => {
    outbox.dismiss(text.key);
    onTakeBack(text.text);
  };
  return (
    <div className="texts-frame">
      {/* Scrolled by the keyboard as well. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div ref={list} className="texts-list" role="region" tabIndex={0} aria-label={t("texts.list")} onScroll={onScroll}>
        {more && first && <OlderButton onLoad={() => onOlder(first.message_id)} />}
        {messages.length + unsent.length === 0 && <p className="empty">{t("texts.none")}</p>}
        <ol>
          {messages.map((message) => (
            <Bubble key={message.message_id} message={message} conversation={conversation} />
          ))}
          {unsent.map((text) => (
            <UnsentBubble key={text.key} unsent={text}>
              <button
                type="button"
                className="button button-small"
                data-testid="text-take-back"
                onClick={() => takeBack(text)}
              >
                {t("texts.take_back")}
              </button>
            </UnsentBubble>
          ))}
        </ol>
      </div>
      {unread > 0 && (
        <button type="button" className="button button-primary texts-new" data-testid="texts-new" onClick={toEnd}>
          <Icon name="message" size={16} /> {t("texts.new", { amount: unread })}
        </button>
      )}
      <Announcement conversation={conversation} />
    </div>
  );
}
