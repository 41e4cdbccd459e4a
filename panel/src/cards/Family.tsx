/** How this card belongs to others: merged away, with absorbed ones, above or under another. */

import { useTranslation } from "react-i18next";
import { setParent } from "../api/cards";
import type { Card, CardRef, FieldName, MergedCard } from "../api/types";
import { attempt, useSession } from "../app/session";
import { sameValue } from "../saving/fields";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { kindOf, valueText } from "./field-values";
import { useFieldTitles } from "./useFieldTitles";

interface Properties {
  card: Card;
  onOpen: (incidentId: string) => void;
}

function CardLink({ head, onOpen }: { head: CardRef; onOpen: Properties["onOpen"] }) {
  return (
    <button type="button" className="link digits" data-testid="card-link" onClick={() => onOpen(head.incident_id)}>
      {head.number}
    </button>
  );
}

/** A field of an absorbed card that says something else than the card does now. */
function Difference({ card, name, value }: { card: Card; name: FieldName; value: unknown }) {
  const { t } = useTranslation();
  const { saving } = useSession();
  const titles = useFieldTitles();
  const take = (): void => {
    const saver = saving.field(card.incident_id, name);
    saver.edit(value as never);
    saver.flush();
  };
  return (
    <li className="difference" data-testid="merged-difference" data-field={name}>
      <span className="faint">{t(`field.name.${kindOf(name)}`)}:</span> {valueText(name, value, titles)}{" "}
      <button type="button" className="button button-small" data-testid="merged-take" onClick={take}>
        {t("merged.take")}
      </button>
    </li>
  );
}

function Absorbed({ card, merged }: { card: Card; merged: MergedCard }) {
  const { t } = useTranslation();
  const differences = Object.entries(merged.fields).filter(
    ([name, field]) => field != null && field.value !== null && !sameValue(field.value, card.fields[name]?.value),
  );
  return (
    <details className="history" data-testid="merged-card" data-incident={merged.incident_id}>
      <summary>
        {t("merged.from", { number: merged.number })} <Moment at={merged.at} seconds={false} />
        {differences.length > 0 && <span className="chip">{t("merged.differences", { differences: differences.length })}</span>}
      </summary>
      {merged.notes.text !== "" && <pre className="merged-notes">{merged.notes.text}</pre>}
      <ul className="rows">
        {differences.map(([name, field]) => (
          <Difference key={name} card={card} name={name as FieldName} value={field?.value} />
        ))}
      </ul>
    </details>
  );
}

/** Said over everything else: what is typed here would be read by nobody. */
export function MergedAway({ card, onOpen }: Properties) {
  const { t } = useTranslation();
  if (card.merged_into === null) return null;
  return (
    <p className="banner banner-warn" role="status" data-testid="merged-away">
      <Icon name="join" /> {t("merged.into")} <CardLink head={card.merged_into} onOpen={onOpen} />
    </p>
  );
}

export function Family({ card, onOpen }: Properties) {
  const { t } = useTranslation();
  const session = useSession();
  if (card.merged.length === 0 && card.parent === null && card.children.length === 0) return null;
  const unlink = (): void => void attempt(session, () => setParent(card.incident_id, null));
  return (
    <section className="card-part" aria-labelledby="family-title" data-testid="family">
      <h3 id="family-title">
        <Icon name="join" /> {t("merged.title")}
      </h3>
      {card.parent !== null && (
        <p>
          {t("merged.parent")} <CardLink head={card.parent} onOpen={onOpen} />{" "}
          <button type="button" className="button button-small" data-testid="unlink" onClick={unlink}>
            {t("merged.unlink")}
          </button>
        </p>
      )}
      {card.children.length > 0 && (
        <p>
          {t("merged.children")}{" "}
          {card.children.map((child) => (
            <CardLink key={child.incident_id} head={child} onOpen={onOpen} />
          ))}
        </p>
      )}
      {card.merged.map((merged) => (
        <Absorbed key={merged.incident_id} card={card} merged={merged} />
      ))}
    </section>
  );
}
