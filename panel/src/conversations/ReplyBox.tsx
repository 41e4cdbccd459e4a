/**
 * Where a reply is written. Enter makes a line, for an answer to somebody in danger must not leave
 * half finished; Ctrl+Enter sends.
 */

import { useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Conversation } from "../api/conversations";
import { useSession } from "../app/session";
import { Icon } from "../shared/Icon";
import { Key } from "../workplace/strip-parts";
import { count, PARTS_MAX, PARTS_WARN, type Count } from "./counter";
import { optionId, SnippetList } from "./SnippetList";
import { useSnippetPicker } from "./useSnippetPicker";

/** The id that the workplace looks for to put the cursor here. */
export const REPLY_TESTID = "reply";

/** Characters of ways other than SMS, which have no parts; as much as the longest SMS. */
const CHARACTERS_MAX = 1_530;

function Counter({ counted, id }: { counted: Count; id: string }) {
  const { t } = useTranslation();
  const { encoding, units, parts, unitsLeft } = counted;
  return (
    <span id={id} className="reply-counter digits" data-testid="reply-counter" data-encoding={encoding} data-parts={parts}>
      {t(`texts.units.${encoding}`, { units })} · {t("texts.units_left", { left: unitsLeft })} · {t("texts.parts", { parts })}
    </span>
  );
}

/** What a writer should know before sending; empty for an ordinary text. */
function warningOf(counted: Count | null, tooLong: boolean): string | null {
  if (tooLong) return "texts.too_long";
  return counted !== null && counted.parts >= PARTS_WARN ? "texts.long" : null;
}

interface Properties {
  conversation: Conversation;
  text: string;
  onText: (text: string) => void;
}

export function ReplyBox({ conversation, text, onText }: Properties) {
  const { t } = useTranslation();
  const { outbox, toasts } = useSession();
  const listId = useId();
  const counterId = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const [cursor, setCursor] = useState(text.length);
  /** Where the cursor is to be put; at first behind what was written before. */
  const placed = useRef<number | null>(text.length);
  const put = (box: { text: string; cursor: number }): void => {
    placed.current = box.cursor;
    onText(box.text);
    setCursor(box.cursor);
    field.current?.focus();
  };
  const picker = useSnippetPicker({ text, cursor }, conversation.language, put);
  const picking = picker.choices.length > 0;

  useLayoutEffect(() => {
    if (placed.current === null) return;
    field.current?.setSelectionRange(placed.current, placed.current);
    placed.current = null;
  }, [text, cursor]);
  useEffect(() => {
    // Whoever has just taken the conversation writes at once; nobody's cursor is taken away.
    if (document.activeElement === document.body) field.current?.focus();
  }, []);

  const counted = conversation.channel === "sms" ? count(text) : null;
  const tooLong = counted === null ? text.length > CHARACTERS_MAX : counted.parts > PARTS_MAX;
  const warning = warningOf(counted, tooLong);
  const sendable = text.trim() !== "" && !tooLong;
  const send = (): void => {
    if (!sendable) return;
    if (outbox.send(conversation.conversation_id, text.trimEnd())) put({ text: "", cursor: 0 });
    else toasts.show("error", t("texts.too_many_unsent"));
  };
  return (
    <div className="reply">
      <label className="visually-hidden" htmlFor={`${listId}-field`}>
        {t("texts.reply")}
      </label>
      <textarea
        ref={field}
        id={`${listId}-field`}
        className={tooLong ? "reply-field reply-too-long" : "reply-field"}
        rows={3}
        placeholder={t("texts.reply_placeholder")}
        aria-describedby={counterId}
        aria-invalid={tooLong}
        aria-autocomplete="list"
        {...(picking
          ? { "aria-controls": listId, "aria-activedescendant": optionId(listId, picker.selected) }
          : {})}
        data-testid={REPLY_TESTID}
        value={text}
        onChange={(event) => {
          onText(event.target.value);
          setCursor(event.target.selectionStart);
        }}
        onSelect={(event) => setCursor(event.currentTarget.selectionStart)}
        onKeyDown={(event) => {
          if (picker.onKey(event)) return;
          if (event.key === "Enter" && event.ctrlKey) {
            event.preventDefault();
            if (!event.repeat) send();
          } else if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      {picking && (
        <SnippetList listId={listId} choices={picker.choices} selected={picker.selected} onChoose={picker.choose} />
      )}
      <div className="reply-foot">
        {counted === null ? (
          <span id={counterId} className="reply-counter digits" data-testid="reply-counter">
            {t("texts.characters", { amount: text.length })}
          </span>
        ) : (
          <Counter counted={counted} id={counterId} />
        )}
        <span className="reply-warning" role="status">
          {warning !== null && (
            <span data-testid="reply-warning">
              <Icon name="warning" size={16} /> {t(warning, { max: counted === null ? CHARACTERS_MAX : PARTS_MAX })}
            </span>
          )}
          {picking && <span className="visually-hidden">{t("texts.snippets_found", { amount: picker.choices.length })}</span>}
        </span>
        <div className="reply-buttons">
          {picker.some && (
            <button type="button" className="button" data-testid="reply-snippets" onClick={picker.open}>
              <Icon name="note" size={18} /> {t("texts.snippets")} <Key>/</Key>
            </button>
          )}
          <button
            type="button"
            className="button button-primary"
            disabled={!sendable}
            data-testid="reply-send"
            onClick={send}
          >
            <Icon name="message" size={18} /> {t("texts.send")} <Key>Ctrl+Enter</Key>
          </button>
        </div>
      </div>
    </div>
  );
}
