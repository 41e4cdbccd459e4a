/** Another card in one line: as a neighbour, as an earlier one, as a result of a search. */

import { useTranslation } from "react-i18next";
import type { CardSummary } from "../api/types";
import { useCatalogue } from "../app/session";
import { CardServiceMarks } from "../ecall/ServiceMarks";
import { readableNumber } from "../shared/format";
import { Moment } from "../shared/Time";
import { titleIn } from "./field-values";

export function CardLine({ card }: { card: CardSummary }) {
  const { t } = useTranslation();
  const { types } = useCatalogue();
  const parts = [
    card.type === null ? null : titleIn(types, card.type),
    card.address === "" ? null : card.address,
    card.caller_number === null ? null : readableNumber(card.caller_number),
  ];
  return (
    <span className="card-line">
      <strong className="digits">{card.number}</strong> <Moment at={card.opened_at} seconds={false} />{" "}
      <CardServiceMarks card={card} /> {parts.filter((part) => part !== null).join(" · ") || t("related.unknown")}
    </span>
  );
}
