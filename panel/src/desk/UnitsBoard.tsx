/** The service's crews: what each does, and sending them to the incident that is in sight. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { attempt, useSession } from "../app/session";
import { addUnit, changeUnit, newKey } from "../services/api";
import type { DeskLine, Unit } from "../services/types";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import type { Desk } from "./useDesk";

const CALL_SIGN_MAX = 32;
const KIND_MAX = 32;

function AddUnit({ service, onAdded }: { service: string; onAdded: (unit: Unit) => void }) {
  const { t } = useTranslation();
  const session = useSession();
  const [callSign, setCallSign] = useState("");
  const [kind, setKind] = useState("");
  const [unitId, setUnitId] = useState(newKey);
  const [busy, setBusy] = useState(false);
  const add = async (): Promise<void> => {
    if (busy || callSign.trim() === "") return;
    setBusy(true);
    const facts = { call_sign: callSign.trim(), kind: kind.trim(), capacity: null, active: true };
    const done = await attempt(session, async () => onAdded(await addUnit(service, unitId, facts)));
    setBusy(false);
    if (!done) return;
    setCallSign("");
    setUnitId(newKey());
  };
  return (
    <form
      className="unit-add"
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <label>
        {t("desk.call_sign")}
        <input value={callSign} maxLength={CALL_SIGN_MAX} data-testid="unit-call-sign" onChange={(event) => setCallSign(event.target.value)} />
      </label>
      <label>
        {t("desk.kind")}
        <input value={kind} maxLength={KIND_MAX} data-testid="unit-kind" onChange={(event) => setKind(event.target.value)} />
      </label>
      <button type="submit" className="button button-small" disabled={busy || callSign.trim() === ""} data-testid="unit-add">
        <Icon name="add" size={16} /> {t("desk.unit_add")}
      </button>
    </form>
  );
}

interface RowProperties {
  unit: Unit;
  open: DeskLine | null;
  desk: Desk;
  mayTell: boolean;
}

function Row({ unit, open, desk, mayTell }: RowProperties) {
  const { t } = useTranslation();
  const session = useSession();
  const here = unit.involved_in.find((one) => one.involvement_id === open?.involvement.involvement_id);
  const elsewhere = unit.involved_in.filter((one) => one !== here);
  const [confirming, setConfirming] = useState(false);
  const assign = (): void => {
    if (open === null) return;
    if (elsewhere.length > 0 && !confirming) {
      setConfirming(true);
      return;
    }
    setConfirming(false);
    desk.tell({
      involvementId: open.involvement.involvement_id,
      unitId: unit.unit_id,
      state: "assigned",
      confirm: elsewhere.length > 0,
    });
  };
  const setActive = (active: boolean): void => {
    const facts = { call_sign: unit.call_sign, kind: unit.kind, capacity: unit.capacity, active };
    void attempt(session, async () => desk.unitChanged(await changeUnit(unit, facts)));
  };
  const assignable = open !== null && here === undefined && unit.active && open.involvement.state !== "withdrawn";
  return (
    <li className="unit" data-testid="unit" data-unit={unit.call_sign} data-bound={unit.involved_in.length > 0}>
      <span className="unit-name">
        <strong>{unit.call_sign}</strong> <span className="faint">{unit.kind}</span>
      </span>
      <span>
        {unit.involved_in.length === 0 && t(unit.active ? "desk.unit_free" : "desk.unit_inactive")}
        {unit.involved_in.map((one) => (
          <span key={one.involvement_id} className="fact">
            {t(`service.unit_state.${one.state}`)} <Moment at={one.since} seconds={false} />
          </span>
        ))}
      </span>
      {mayTell && (
        <span className="acts">
          {assignable && (
            <button
              type="button"
              className={confirming ? "button button-small button-danger" : "button button-small"}
              data-testid="unit-assign"
              onClick={assign}
            >
              {t(confirming ? "desk.assign_anyway" : "desk.assign")}
            </button>
          )}
          {unit.involved_in.length === 0 && (
            <button type="button" className="button button-small" data-testid="unit-active" onClick={() => setActive(!unit.active)}>
              {t(unit.active ? "desk.unit_retire" : "desk.unit_return")}
            </button>
          )}
        </span>
      )}
    </li>
  );
}

export function UnitsBoard({ service, desk, open, mayTell }: { service: string; desk: Desk; open: DeskLine | null; mayTell: boolean }) {
  const { t } = useTranslation();
  return (
    <section className="pane desk-units" aria-labelledby="units-title" data-testid="units">
      <h2 id="units-title">
        <Icon name="people" /> {t("desk.units")} <span className="count">{desk.units.length}</span>
      </h2>
      {desk.units.length === 0 && !desk.loading && <p className="empty">{t("desk.no_units")}</p>}
      <ul className="rows">
        {desk.units.map((unit) => (
          <Row key={unit.unit_id} unit={unit} open={open} desk={desk} mayTell={mayTell} />
        ))}
      </ul>
      {mayTell && <AddUnit service={service} onAdded={desk.unitChanged} />}
    </section>
  );
}
