/** Joins this card to one that is searched for, or takes contacts out into a card of their own. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { mergeInto, setParent, splitOff } from "../api/cards";
import type { Card, CardSummary } from "../api/types";
import { attempt, useSession } from "../app/session";
import { translateCode } from "../i18n";
import { Dialog } from "../shared/Dialog";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { CardLine } from "./CardLine";
import { contactLabel } from "./field-values";
import { useCards } from "./useCards";

interface Properties {
  card: Card;
  onOpen: (incidentId: string) => void;
  onClose: () => void;
}

/** What can be done with a card that was found. */
type Act = "merge" | "parent";

export function JoinDialog({ card, onOpen, onClose }: Properties) {
  const { t } = useTranslation();
  const session = useSession();
  const [query, setQuery] = useState("");
  const list = useCards(query);
  const found = list.cards.filter((one) => one.incident_id !== card.incident_id && one.merged_into === null);
  const act = async (kind: Act, other: CardSummary): Promise<void> => {
    await session.saving.settle();
    const work =
      kind === "merge"
        ? () => mergeInto(card.incident_id, other.incident_id)
        : () => setParent(card.incident_id, other.incident_id);
    if (!(await attempt(session, work))) return;
    onClose();
    if (kind === "merge") onOpen(other.incident_id);
  };
  return (
    <Dialog title={t("join.title", { number: card.number })} onClose={onClose} testid="join-dialog">
      <p className="faint">{t("join.hint")}</p>
      <label className="search">
        <Icon name="search" />
        <input
          type="search"
          aria-label={t("cards.search")}
          placeholder={t("cards.search_short")}
          maxLength={200}
          data-testid="join-search"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </label>
      <ul className="rows join-list" aria-busy={list.loading}>
        {found.map((one) => (
          <li key={one.incident_id} className="neighbour" data-testid="join-found" data-incident={one.incident_id}>
            <CardLine card={one} />
            <button type="button" className="button button-small" data-testid="join-merge" onClick={() => void act("merge", one)}>
              {t("join.merge")}
            </button>
            <button type="button" className="button button-small" data-testid="join-parent" onClick={() => void act("parent", one)}>
              {t("join.parent")}
            </button>
          </li>
        ))}
        {found.length === 0 && !list.loading && <li className="faint">{t("cards.nothing_found")}</li>}
      </ul>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          {t("common.cancel")}
        </button>
      </div>
    </Dialog>
  );
}

export function SplitDialog({ card, onOpen, onClose }: Properties) {
  const { t } = useTranslation();
  const session = useSession();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  // One has to stay: a card without contacts is no card.
  const possible = chosen.length > 0 && chosen.length < card.contacts.length;
  const split = async (): Promise<void> => {
    await attempt(session, async () => {
      const made = await splitOff(card.incident_id, [...chosen]);
      onClose();
      onOpen(made.incident_id);
    });
  };
  return (
    <Dialog title={t("split.title", { number: card.number })} onClose={onClose} testid="split-dialog">
      <p className="faint">{t("split.hint")}</p>
      <ul className="rows">
        {card.contacts.map((contact) => (
          <li key={contact.contact_id}>
            <label className="split-contact">
              <input
                type="checkbox"
                data-testid="split-contact"
                checked={chosen.includes(contact.contact_id)}
                onChange={(event) =>
                  setChosen(
                    event.target.checked
                      ? [...chosen, contact.contact_id]
                      : chosen.filter((one) => one !== contact.contact_id),
                  )
                }
              />{" "}
              {contactLabel(contact)} · {translateCode("medium", contact.medium, contact.medium)} ·{" "}
              <Moment at={contact.arrived_at} />
            </label>
          </li>
        ))}
      </ul>
      <div className="dialog-actions">
        <button type="button" className="button button-primary" disabled={!possible} data-testid="split-do" onClick={() => void split()}>
          {t("split.do")}
        </button>
        <button type="button" className="button" onClick={onClose}>
          {t("common.cancel")}
        </button>
      </div>
    </Dialog>
  );
}
