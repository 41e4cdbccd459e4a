/** One conversation by text: who writes, what was written, and the box for the answer. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { reopenConversation, type Conversation } from "../api/conversations";
import { attempt, useCatalogue, useLive, useMessaging, useSession } from "../app/session";
import { translateCode } from "../i18n";
import { agentName } from "../live/state";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Age, Moment, useServerNow } from "../shared/Time";
import { titleOf } from "../talk/directory";
import { TargetDialog } from "../talk/TargetDialog";
import { CloseDialog } from "./CloseDialog";
import { isOverdue } from "./in-hand";
import { MessageList } from "./MessageList";
import { ReplyBox } from "./ReplyBox";
import { holderOf, mayReopen, obstacleTo, type Obstacle, type Writer } from "./threads";

/** Runs from the moment on at which the wait counts as long; before that it says nothing. */
export function UnansweredMark({ since }: { since: string | null }) {
  const { t } = useTranslation();
  const { unanswered_after_s: afterS } = useMessaging();
  const now = useServerNow();
  if (!isOverdue(since, now, afterS)) return null;
  return (
    <span className="badge badge-strong" data-testid="text-unanswered">
      <Icon name="clock" size={16} /> {t("texts.unanswered")} <Age since={since} />
    </span>
  );
}

function useWriter(): Writer {
  const { me } = useSession();
  const { agentId } = useLive();
  return { agentId, supervises: me.rights.supervise };
}

function StateLine({ conversation }: { conversation: Conversation }) {
  const { t } = useTranslation();
  const { dispositions } = useCatalogue();
  const { state, agent_name, agent_id, closed_at, closed_by, disposition } = conversation;
  const who = agent_name ?? agent_id;
  const result = dispositions.find((one) => one.code === disposition);
  return (
    <span className="text-state" data-testid="text-state" data-state={state}>
      {t(state === "closed" && closed_by === null ? "texts.closed_by_time" : `texts.state.${state}`)}
      {state === "open" && who !== null && `: ${who}`}
      {closed_at !== null && state === "closed" && (
        <>
          {" "}
          <Moment at={closed_at} />
        </>
      )}
      {disposition !== null && `: ${result ? titleOf(result.titles, result.code) : disposition}`}
    </span>
  );
}

function Head({ conversation }: { conversation: Conversation }) {
  const { t } = useTranslation();
  const { citizen, channel, language, our_number, unanswered_since } = conversation;
  return (
    <header className="texts-head">
      <strong className="digits" data-testid="text-citizen">
        {readableNumber(citizen)}
      </strong>
      <span className="faint">
        {t(`texts.channel.${channel}`)} → {our_number}
      </span>
      {language !== null && (
        <span className="badge" data-testid="text-language">
          <Icon name="language" size={16} /> {translateCode("language", language, language)}
        </span>
      )}
      <StateLine conversation={conversation} />
      <UnansweredMark since={unanswered_since} />
    </header>
  );
}

/** Why nothing can be written, and the way on where there is one. */
function Obstacles({ conversation, obstacle, holder }: {
  conversation: Conversation;
  obstacle: Obstacle;
  holder: string;
}) {
  const { t } = useTranslation();
  const session = useSession();
  const now = useServerNow();
  const { keep_open_h: hours } = useMessaging();
  const [busy, setBusy] = useState(false);
  const who = conversation.agent_name ?? holder;
  const reopenable = obstacle === "closed" && session.me.agent !== null && mayReopen(conversation, now, hours);
  const reopen = async (): Promise<void> => {
    setBusy(true);
    await attempt(session, () => reopenConversation(conversation.conversation_id));
    setBusy(false);
  };
  return (
    <p className="reply-obstacle" role="status" data-testid="reply-obstacle" data-why={obstacle}>
      <Icon name="info" size={18} /> {t(`texts.obstacle.${obstacle}`, { who })}
      {reopenable && (
        <button type="button" className="button button-small" disabled={busy} data-testid="text-reopen" onClick={() => void reopen()}>
          {t("texts.reopen")}
        </button>
      )}
    </p>
  );
}

function Actions({ conversation }: { conversation: Conversation }) {
  const { t } = useTranslation();
  const state = useLive();
  const [dialog, setDialog] = useState<"close" | "transfer" | null>(null);
  const contact = conversation.contact_id === null ? undefined : state.contacts[conversation.contact_id];
  const own = contact !== undefined && contact.agent_id !== null && contact.agent_id === state.agentId;
  const close = (): void => setDialog(null);
  return (
    <div className="texts-actions">
      {own && contact.medium !== "voice" && (
        <button type="button" className="button button-small" data-testid="text-transfer" onClick={() => setDialog("transfer")}>
          <Icon name="forward" size={16} /> {t("texts.transfer")}
        </button>
      )}
      <button type="button" className="button button-small" data-testid="text-close" onClick={() => setDialog("close")}>
        <Icon name="check" size={16} /> {t("texts.close")}
      </button>
      {dialog === "close" && <CloseDialog conversation={conversation} onClose={close} />}
      {dialog === "transfer" && contact !== undefined && <TargetDialog contact={contact} onClose={close} />}
    </div>
  );
}

/** The conversation was closed, or went to another, under the hands of whoever wrote. */
function KeptDraft({ text }: { text: string }) {
  const { t } = useTranslation();
  if (text.trim() === "") return null;
  return (
    <div className="reply-kept" data-testid="reply-kept">
      <p className="faint">{t("texts.draft_kept")}</p>
      <p className="text-body">{text}</p>
    </div>
  );
}

interface Properties {
  conversation: Conversation;
  onOlder: (conversationId: string, before: string) => Promise<void>;
}

export function ConversationView({ conversation, onOlder }: Properties) {
  const { drafts } = useSession();
  const writer = useWriter();
  const { conversation_id: id } = conversation;
  const [text, setText] = useState(() => drafts.get(id));
  const write = (next: string): void => {
    setText(next);
    drafts.put(id, next);
  };
  const state = useLive();
  const holder = holderOf(conversation, state.contacts);
  const obstacle = obstacleTo(conversation, holder, writer);
  // One that cannot be written to can still be closed by whoever has it.
  const own = holder !== null && holder === writer.agentId;
  const has = obstacle === null || (obstacle === "no_way_back" && (own || writer.supervises));
  return (
    <div className="texts-one" data-testid="conversation" data-conversation={id} data-state={conversation.state}>
      <div className="texts-bar">
        <Head conversation={conversation} />
        {has && <Actions conversation={conversation} />}
      </div>
      <MessageList
        conversation={conversation}
        onOlder={(before) => onOlder(id, before)}
        onTakeBack={(back) => write(text === "" ? back : `${text}\n${back}`)}
      />
      {obstacle === null ? (
        <ReplyBox conversation={conversation} text={text} onText={write} />
      ) : (
        <>
          <Obstacles conversation={conversation} obstacle={obstacle} holder={agentName(state, holder)} />
          <KeptDraft text={text} />
        </>
      )}
    </div>
  );
}
