/** Earlier incidents of the same number and of the same place. */

import { useTranslation } from "react-i18next";
import type { CardSummary, Related } from "../api/types";
import { Icon } from "../shared/Icon";
import { CardLine } from "./CardLine";

interface Properties {
  related: Related;
  onOpen: (incidentId: string) => void;
}

function Earlier({ title, cards, testid, onOpen }: { title: string; cards: CardSummary[]; testid: string; onOpen: Properties["onOpen"] }) {
  if (cards.length === 0) return null;
  return (
    <details className="history" data-testid={testid}>
      <summary>
        {title} <span className="chip">{cards.length}</span>
      </summary>
      <ul className="rows">
        {cards.map((card) => (
          <li key={card.incident_id}>
            <button type="button" className="link" data-incident={card.incident_id} onClick={() => onOpen(card.incident_id)}>
              <CardLine card={card} />
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

export function History({ related, onOpen }: Properties) {
  const { t } = useTranslation();
  const none = related.same_number.length === 0 && related.same_place.length === 0;
  return (
    <section className="card-part" aria-labelledby="history-title" data-testid="history">
      <h3 id="history-title">
        <Icon name="back" /> {t("history.title")}
      </h3>
      {none && <p className="faint">{t("history.none")}</p>}
      <Earlier title={t("history.same_number")} cards={related.same_number} testid="history-number" onOpen={onOpen} />
      <Earlier title={t("history.same_place")} cards={related.same_place} testid="history-place" onOpen={onOpen} />
    </section>
  );
}
