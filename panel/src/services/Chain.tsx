/** How far a service is: each state with its time, and what was told out of order or in vain. */

import { useTranslation } from "react-i18next";
import { Icon } from "../shared/Icon";
import { Age, Moment } from "../shared/Time";
import { chainOf, isUnread, momentOf, refusalOf } from "./involvements";
import type { Names } from "./names";
import type { AssignedUnit, Involvement } from "./types";

export function Chain({ involvement }: { involvement: Involvement }) {
  const { t } = useTranslation();
  return (
    <ol className="service-chain" data-testid="service-chain">
      {chainOf(involvement).map(({ state, step }) => (
        <li
          key={state}
          className={step === null ? "service-link service-link-open" : "service-link"}
          data-state={state}
          data-told={step !== null}
        >
          <span>{t(`service.state.${state}`)}</span>
          {step === null ? (
            <span className="faint">–</span>
          ) : (
            <span title={step.author ?? undefined}>
              <Moment at={momentOf(step)} />
            </span>
          )}
          {step?.out_of_order === true && (
            <span className="service-early" title={t("service.out_of_order")}>
              <Icon name="info" size={14} />
              <span className="visually-hidden">{t("service.out_of_order")}</span>
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

/** What somebody has to act on; nothing while all goes well. */
export function Trouble({ involvement, names }: { involvement: Involvement; names: Names }) {
  const { t } = useTranslation();
  const refusal = refusalOf(involvement);
  if (refusal !== null) {
    return (
      <p className="service-trouble" role="alert" data-testid="service-refused">
        <Icon name="warning" size={18} /> {t("service.refused_because", { reason: refusal === "" ? "–" : names.reason(refusal) })}
      </p>
    );
  }
  if (!involvement.overdue) return null;
  return (
    <p className="service-trouble" role="alert" data-testid="service-overdue">
      <Icon name="warning" size={18} /> {t("service.overdue")} <Age since={involvement.sent_at} />
    </p>
  );
}

export function StateMark({ involvement }: { involvement: Involvement }) {
  const { t } = useTranslation();
  const { state, sent_at } = involvement;
  return (
    <span className={`badge service-state service-state-${state}`} data-testid="service-state" data-state={state}>
      {t(`service.state.${state}`)}
      {isUnread(involvement) && (
        <>
          {" "}
          <Age since={sent_at} />
        </>
      )}
    </span>
  );
}

export function UnitMark({ unit }: { unit: AssignedUnit }) {
  const { t } = useTranslation();
  return (
    <span className="service-unit" data-testid="service-unit" data-unit={unit.unit_id} data-state={unit.state}>
      <strong>{unit.call_sign}</strong> {t(`service.unit_state.${unit.state}`)} <Moment at={unit.since} />
      {unit.delayed && <span className="badge badge-strong">{t("service.unit_state.delayed")}</span>}
    </span>
  );
}
