/** One text, as the citizen or we wrote it, with all that is known of its way. */

import { memo, useId, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Conversation, Delivery, TextMessage } from "../api/conversations";
import { translateCode } from "../i18n";
import { readableNumber } from "../shared/format";
import { Icon, type IconName } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { titleOf } from "../talk/directory";
import type { Unsent } from "./outbox";
import { deliveryIcon, isLost, oddityWords, shownText } from "./threads";

/** Who wrote it, in words. */
function useWriter(message: TextMessage, conversation: Conversation): string {
  const { t } = useTranslation();
  if (message.direction === "in") return readableNumber(conversation.citizen);
  if (message.kind === "automatic") return t("texts.automatic");
  return message.author_name ?? message.author ?? t("texts.centre");
}

/** A remark in one word, explained in a sentence to whoever points at it or comes by with the Tab key. */
function Remark({ name, icon, words, why }: { name: string; icon: IconName; words: string; why: string }) {
  const id = useId();
  return (
    // The explanation must be within reach of the keyboard too.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <span className="text-remark" role="note" tabIndex={0} aria-describedby={id} data-testid={`text-${name}`}>
      <Icon name={icon} size={14} /> {words}
      <span id={id} role="tooltip" className="text-why">
        {why}
      </span>
    </span>
  );
}

function Remarks({ message }: { message: TextMessage }) {
  const { t } = useTranslation();
  const { have, total } = message.parts;
  const odd = oddityWords(message.oddities).map(({ kind, code }) => t(`texts.oddity.${kind}`, { code }));
  return (
    <>
      {!message.complete && (
        <Remark name="incomplete" icon="warning" words={t("texts.parts_have", { have, total })} why={t("texts.parts_why")} />
      )}
      {message.duplicate && <Remark name="duplicate" icon="redial" words={t("texts.duplicate")} why={t("texts.duplicate_why")} />}
      {odd.length > 0 && <Remark name="odd" icon="info" words={t("texts.odd")} why={odd.join(" ")} />}
    </>
  );
}

function DeliveryMark({ delivery }: { delivery: Delivery }) {
  const { t } = useTranslation();
  const { state, error, parts } = delivery;
  const reason = error === null ? "" : translateCode("texts.error", error, t("texts.error.other", { code: error }));
  return (
    <span
      className={isLost(delivery) ? "text-delivery text-lost" : "text-delivery"}
      data-testid="text-delivery"
      data-state={state}
    >
      <Icon name={deliveryIcon(delivery)} size={16} /> {t(`texts.delivery.${state}`)}
      {parts.total > 1 && state !== "delivered" && ` (${t("texts.parts_done", { done: parts.done, total: parts.total })})`}
      {reason !== "" && `: ${reason}`}
    </span>
  );
}

/** What an application wrote, field by field; the text itself is never hidden for good. */
function Fields({ message }: { message: TextMessage }) {
  const { t } = useTranslation();
  const fields = message.structured?.fields ?? [];
  const text = shownText(message);
  return (
    <>
      <table className="text-fields" data-testid="text-fields">
        <tbody>
          {fields.map(({ name, title, value }) => (
            <tr key={name}>
              <th scope="row">{titleOf(title, name)}</th>
              <td>{value === "" ? "–" : value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {text !== "" && (
        <details className="text-raw">
          <summary>{t("texts.as_it_came")}</summary>
          <p className="text-body">{text}</p>
        </details>
      )}
    </>
  );
}

function Body({ message, language }: { message: TextMessage; language: string | null }) {
  const { t } = useTranslation();
  const text = shownText(message);
  if (message.structured !== null && message.structured.fields.length > 0) return <Fields message={message} />;
  if (text === "") return <p className="text-body faint">{t("texts.empty_text")}</p>;
  return (
    // A reading voice speaks it in the citizen's language.
    <p className="text-body" data-testid="text-body" {...(language === null ? {} : { lang: language })}>
      {text}
    </p>
  );
}

interface Properties {
  message: TextMessage;
  conversation: Conversation;
}

/** Hundreds of them stand under a reply that is being written: a key press draws none of them anew. */
export const Bubble = memo(function Bubble({ message, conversation }: Properties) {
  const { t } = useTranslation();
  const writer = useWriter(message, conversation);
  const sentEarlier = message.direction === "in" && message.sent_at !== null ? message.sent_at : null;
  return (
    <li
      className={`bubble bubble-${message.direction} ${message.kind === "automatic" ? "bubble-automatic" : ""}`}
      data-testid="text"
      data-message={message.message_id}
      data-direction={message.direction}
      data-kind={message.kind}
    >
      <p className="text-head">
        {message.kind === "automatic" && <Icon name="robot" size={14} />}
        <span className="text-writer">{writer}</span>
        <span {...(sentEarlier === null ? {} : { title: t("texts.sent_at", { time: new Date(sentEarlier).toLocaleString() }) })}>
          <Moment at={message.at} />
        </span>
      </p>
      <Body message={message} language={message.direction === "in" ? conversation.language : null} />
      <p className="text-foot">
        <Remarks message={message} />
        {message.delivery !== null && <DeliveryMark delivery={message.delivery} />}
      </p>
    </li>
  );
});

/** A text that the server does not have yet, or has refused. */
export function UnsentBubble({ unsent, children }: { unsent: Unsent; children: ReactNode }) {
  const { t } = useTranslation();
  const { refused, tried } = unsent;
  const why = refused === null ? "" : translateCode("refused", refused.code, refused.code);
  const words = refused !== null ? t("texts.refused", { why }) : t(tried ? "texts.sending_again" : "texts.sending");
  return (
    <li className="bubble bubble-out bubble-unsent" data-testid="text-unsent" data-refused={refused !== null}>
      <p className="text-head">
        <span className="text-writer">{t("texts.you")}</span> <Moment at={unsent.at} />
      </p>
      <p className="text-body">{unsent.text}</p>
      <p className="text-foot">
        <span
          className={refused === null ? "text-delivery" : "text-delivery text-lost"}
          role={refused === null ? "status" : "alert"}
        >
          <Icon name={refused === null ? "clock" : "warning"} size={16} /> {words}
        </span>
        {refused !== null && children}
      </p>
    </li>
  );
}
