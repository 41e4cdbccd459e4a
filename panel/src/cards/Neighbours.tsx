/** "This may be the same incident": one key joins; the words say why it is thought so. */

import { useTranslation } from "react-i18next";
import { mergeInto } from "../api/cards";
import type { Card, Proposal } from "../api/types";
import { attempt, useSession } from "../app/session";
import { metres } from "../shared/format";
import { Icon } from "../shared/Icon";
import { CardLine } from "./CardLine";
import { currentPlace } from "./PlaceSection";

/** The id that the workplace's shortcut looks for. */
export const JOIN_TESTID = "neighbour-join";

/** `byCar`: our own place is what a car told, so the distance is as good as that. */
function Reasons({ proposal, byCar }: { proposal: Proposal; byCar: boolean }) {
  const { t } = useTranslation();
  const reasons = [
    proposal.distance_m === null ? null : t("related.distance", { distance: metres(proposal.distance_m) }),
    proposal.distance_m !== null && byCar ? t("related.from_car") : null,
    proposal.minutes === null ? null : t("related.minutes", { minutes: Math.round(proposal.minutes) }),
    proposal.same_type ? t("related.same_type") : null,
    proposal.same_number ? t("related.same_number") : null,
  ];
  return <span className="faint">{reasons.filter((one) => one !== null).join(" · ")}</span>;
}

interface Properties {
  card: Card;
  proposals: readonly Proposal[];
  onOpen: (incidentId: string) => void;
}

export function Neighbours({ card, proposals, onOpen }: Properties) {
  const { t } = useTranslation();
  const session = useSession();
  const join = async (into: string): Promise<void> => {
    await session.saving.settle();
    if (!(await attempt(session, () => mergeInto(card.incident_id, into)))) return;
    session.toasts.show("info", t("related.joined"));
    onOpen(into);
  };
  if (proposals.length === 0) return null;
  const byCar = currentPlace(card)?.source === "msd";
  const [first, ...more] = proposals.map((proposal, index) => (
    <li key={proposal.card.incident_id} className="neighbour" data-testid="neighbour" data-incident={proposal.card.incident_id}>
      <button type="button" className="link" onClick={() => onOpen(proposal.card.incident_id)}>
        <CardLine card={proposal.card} />
      </button>
      <Reasons proposal={proposal} byCar={byCar} />
      <button
        type="button"
        className="button button-small"
        data-testid={index === 0 ? JOIN_TESTID : "neighbour-join-other"}
        onClick={() => void join(proposal.card.incident_id)}
      >
        <Icon name="join" size={16} /> {t("related.join")} {index === 0 && <kbd aria-hidden="true">⇧F3</kbd>}
      </button>
    </li>
  ));
  return (
    <section className="neighbours" aria-label={t("related.title")} data-testid="neighbours">
      <h3>
        <Icon name="join" /> {t("related.title")}
      </h3>
      <ul className="rows">{first}</ul>
      {/* The likeliest is shown; all of them would push down what the card itself says. */}
      {more.length > 0 && (
        <details data-testid="neighbours-more">
          <summary>{t("related.more", { number: more.length })}</summary>
          <ul className="rows">{more}</ul>
        </details>
      )}
    </section>
  );
}
