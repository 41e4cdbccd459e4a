/** The text conversations at our seat, beside a call or without one: where each is, and who waits. */

import { useTranslation } from "react-i18next";
import type { ContactMsg } from "../api/types";
import { useLive } from "../app/session";
import { isUnanswered } from "../live/contact";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Key } from "../workplace/strip-parts";
import { UnansweredMark } from "./ConversationView";
import { textsInHand } from "./in-hand";

interface Properties {
  /** The card on screen. */
  open: string | null;
  onChoose: (contact: ContactMsg) => void;
}

export function TextsInHand({ open, onChoose }: Properties) {
  const { t } = useTranslation();
  const texts = textsInHand(useLive());
  if (texts.length === 0) return null;
  return (
    <section className="in-hand" aria-labelledby="in-hand-title" data-testid="in-hand">
      <h2 id="in-hand-title" className="in-hand-title">
        <Icon name="message" size={18} /> {t("texts.in_hand", { amount: texts.length })} <Key>⇧F7</Key>
      </h2>
      <ul className="in-hand-list">
        {texts.map((contact) => (
          <li key={contact.contact_id}>
            <button
              type="button"
              className="in-hand-text"
              aria-current={contact.incident_id !== null && contact.incident_id === open}
              data-testid="in-hand-text"
              data-contact={contact.contact_id}
              onClick={() => onChoose(contact)}
            >
              <span className="digits">
                {contact.caller_number === null ? t("contact.no_number") : readableNumber(contact.caller_number)}
              </span>
              {isUnanswered(contact) && <span className="texts-dot">{t("texts.unread_mark")}</span>}
              <UnansweredMark since={contact.conversation?.unanswered_since ?? null} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
