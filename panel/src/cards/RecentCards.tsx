import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { CardSummary } from "../api/types";
import { explain, useCatalogue } from "../app/session";
import { CardServiceMarks } from "../ecall/ServiceMarks";
import { translateCode } from "../i18n";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { titleIn } from "./field-values";
import { isNarrowed, NO_FILTER } from "./filter";
import { FilterForm } from "./FilterForm";
import { OutcomeMark } from "./OutcomeMark";
import { useCards, type CardsList } from "./useCards";

interface RowProperties {
  card: CardSummary;
  selected: boolean;
  onSelect: (incidentId: string) => void;
}

function Row({ card, selected, onSelect }: RowProperties) {
  const { t } = useTranslation();
  const { types } = useCatalogue();
  return (
    <li>
      <button
        type="button"
        className="recent"
        aria-current={selected ? "true" : undefined}
        data-testid="recent-card"
        data-incident={card.incident_id}
        onClick={() => onSelect(card.incident_id)}
      >
        <span className="recent-line">
          <strong className="row-number">
            {card.caller_number === null ? t("contact.no_number") : readableNumber(card.caller_number)}
          </strong>
          <Moment at={card.opened_at} seconds={false} />
        </span>
        <span className="recent-line">
          <span className="recent-number digits">{card.number}</span>
          <span className="recent-marks">
            <CardServiceMarks card={card} />
            {card.medium !== null && card.medium !== "voice" && (
              <span className="recent-medium" data-testid="recent-medium">
                <Icon name="message" size={16} /> {translateCode("medium", card.medium, card.medium)}
              </span>
            )}
            {card.recording_count > 0 && (
              <span title={t("recordings.title")} data-testid="recent-recorded">
                <Icon name="record" size={16} />
                <span className="visually-hidden">{t("recordings.title")}</span>
              </span>
            )}
            {card.outcome !== null && <OutcomeMark outcome={card.outcome} medium={card.medium} />}
          </span>
        </span>
        {(card.type !== null || !!card.address) && (
          <span className="recent-what">
            {[card.type === null ? "" : titleIn(types, card.type), card.address ?? ""].filter((part) => part !== "").join(" · ")}
          </span>
        )}
        {card.agent_name !== null && <span className="recent-agent">{card.agent_name}</span>}
        {card.notes_excerpt !== null && card.notes_excerpt !== "" && (
          <span className="recent-notes">{card.notes_excerpt}</span>
        )}
      </button>
    </li>
  );
}

/** What is said under or instead of the list. */
function Footing({ list, searched }: { list: CardsList; searched: boolean }) {
  const { t } = useTranslation();
  if (list.error !== null) {
    return (
      <div className="empty" role="alert" data-testid="cards-error">
        <p>{explain(list.error)}</p>
        <button type="button" className="button" onClick={list.retry}>
          {t("common.retry")}
        </button>
      </div>
    );
  }
  if (list.loading) {
    return (
      <p className="empty" role="status" data-testid="cards-loading">
        {t("cards.loading")}
      </p>
    );
  }
  if (list.cards.length === 0) {
    return (
      <p className="empty" data-testid="cards-empty">
        {t(searched ? "cards.nothing_found" : "cards.empty")}
      </p>
    );
  }
  if (list.next === null) return null;
  return (
    <button type="button" className="button button-wide" data-testid="cards-more" onClick={list.loadMore}>
      {t("cards.more")}
    </button>
  );
}

interface Properties {
  selected: string | null;
  onSelect: (incidentId: string) => void;
}

export function RecentCards({ selected, onSelect }: Properties) {
  const { t } = useTranslation();
  const [query, setQuery] = useState("");
  const [filter, setFilter] = useState(NO_FILTER);
  const [filtering, setFiltering] = useState(false);
  const narrowed = isNarrowed(filter);
  const list = useCards(query, filter);
  return (
    <section className="pane pane-cards" aria-labelledby="cards-title">
      <h2 id="cards-title">
        <Icon name="card" /> {t("cards.title")}
      </h2>
      <label className="search">
        <Icon name="search" />
        <input
          type="search"
          aria-label={t("cards.search")}
          placeholder={t("cards.search_short")}
          title={t("cards.search")}
          maxLength={200}
          data-testid="card-search"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") setQuery("");
          }}
        />
        <kbd aria-hidden="true">F3</kbd>
      </label>
      <button
        type="button"
        className="link filter-toggle"
        aria-expanded={filtering}
        data-testid="filter-toggle"
        onClick={() => setFiltering(!filtering)}
      >
        {t(filtering ? "filter.hide" : "filter.show")}
        {narrowed && <span className="chip">{t("filter.on")}</span>}
      </button>
      {filtering && <FilterForm filter={filter} onChange={setFilter} />}
      <div className="recent-list" data-testid="recent-cards">
        <ul className="rows" aria-busy={list.loading}>
          {list.cards.map((card) => (
            <Row key={card.incident_id} card={card} selected={card.incident_id === selected} onSelect={onSelect} />
          ))}
        </ul>
        <Footing list={list} searched={query.trim() !== "" || narrowed} />
      </div>
    </section>
  );
}
