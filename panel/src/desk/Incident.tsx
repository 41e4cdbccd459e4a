/** One incident at a desk: what the card says, how far the service is, and what can be told next. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CardView } from "../cards/CardView";
import { Chain, StateMark, Trouble } from "../services/Chain";
import { nextSteps, notesOf } from "../services/involvements";
import type { Names } from "../services/names";
import { UNIT_STATES, type AssignedUnit, type DeskLine, type StepState, type UnitStepState } from "../services/types";
import { ErrorBoundary } from "../shared/ErrorBoundary";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import type { Waiting } from "./outbox";
import { ReasonDialog } from "./ReasonDialog";
import type { Desk } from "./useDesk";

const NOTE_MAX = 2_000;

/** Steps that wait for the server, and those that it refused. */
export function WaitingSteps({ steps, onDismiss }: { steps: readonly Waiting[]; onDismiss: (key: string) => void }) {
  const { t } = useTranslation();
  if (steps.length === 0) return null;
  return (
    <ul className="desk-waiting" data-testid="waiting-steps">
      {steps.map((step) => {
        const name = t(step.unitId === null ? `service.state.${step.state}` : `service.unit_state.${step.state}`);
        return (
          <li key={step.key} data-testid="waiting-step" data-refused={step.refused !== null}>
            <Icon name={step.refused === null ? "clock" : "warning"} size={16} />{" "}
            {step.refused === null
              ? t("desk.pending", { step: name })
              : t("desk.refused_step", { step: name, why: t(`refused.${step.refused.code}`, { defaultValue: step.refused.code }) })}
            {step.refused !== null && (
              <button type="button" className="button button-small" data-testid="waiting-dismiss" onClick={() => onDismiss(step.key)}>
                {t("common.close")}
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}

interface UnitProperties {
  unit: AssignedUnit;
  onTell: (state: UnitStepState) => void;
  mayTell: boolean;
}

/** The states after the one that the unit is in; the next is the usual one. */
function after(unit: AssignedUnit): UnitStepState[] {
  return UNIT_STATES.slice(UNIT_STATES.indexOf(unit.state) + 1);
}

function UnitItem({ unit, onTell, mayTell }: UnitProperties) {
  const { t } = useTranslation();
  return (
    <li className="desk-unit" data-testid="desk-unit" data-unit={unit.call_sign} data-state={unit.state}>
      <strong>{unit.call_sign}</strong> {t(`service.unit_state.${unit.state}`)} <Moment at={unit.since} />
      {unit.delayed && <span className="badge badge-strong">{t("service.unit_state.delayed")}</span>}
      {mayTell && unit.state !== "cleared" && (
        <span className="acts">
          {after(unit).map((state) => (
            <button
              key={state}
              type="button"
              className="button button-small"
              data-testid={`unit-${state}`}
              aria-label={`${unit.call_sign}: ${t(`service.unit_state.${state}`)}`}
              onClick={() => onTell(state)}
            >
              {t(`service.unit_state.${state}`)}
            </button>
          ))}
          {!unit.delayed && unit.state !== "on_scene" && (
            <button type="button" className="button button-small" data-testid="unit-delayed" onClick={() => onTell("delayed")}>
              {t("desk.delayed")}
            </button>
          )}
        </span>
      )}
    </li>
  );
}

interface Asking {
  unitId: string | null;
  state: StepState | UnitStepState;
}

interface Properties {
  line: DeskLine;
  desk: Desk;
  names: Names;
  mayTell: boolean;
  /** Whether the desk's own keys work; with a telephone at the seat they belong to the calls. */
  keys: boolean;
}

export function Incident({ line, desk, names, mayTell, keys }: Properties) {
  const { t } = useTranslation();
  const { involvement } = line;
  const [asking, setAsking] = useState<Asking | null>(null);
  const [note, setNote] = useState("");
  // Another card of the same matter may be looked into; a merge brings the right one back.
  const [shown, setShown] = useState({ from: involvement.incident_id, incidentId: involvement.incident_id });
  const shownId = shown.from === involvement.incident_id ? shown.incidentId : involvement.incident_id;
  const { involvement_id } = involvement;
  const tell = (state: StepState | UnitStepState, unitId: string | null, reason: string | null = null, text = ""): void => {
    desk.tell({ involvementId: involvement_id, unitId, state, reason, note: text });
  };
  const choose = (state: StepState): void => {
    if (state === "refused") setAsking({ unitId: null, state });
    else tell(state, null);
  };
  const own = desk.waiting.filter((step) => step.involvementId === involvement_id && step.state !== "received");
  return (
    <article className="desk-incident" data-testid="desk-incident" data-involvement={involvement_id}>
      <header className="desk-incident-head">
        <h2>
          {names.service(involvement.service)} <StateMark involvement={involvement} />
        </h2>
        {mayTell && (
          <div className="acts">
            {nextSteps(involvement).map((state, index) => (
              <button
                key={state}
                type="button"
                className={index === 0 ? "button button-primary" : "button"}
                data-testid={`desk-${state}`}
                onClick={() => choose(state)}
              >
                {t(`desk.step.${state}`)} {keys && index === 0 && <kbd>F2</kbd>}
                {keys && state === "refused" && <kbd>F8</kbd>}
              </button>
            ))}
          </div>
        )}
      </header>
      <Trouble involvement={involvement} names={names} />
      <WaitingSteps steps={own} onDismiss={desk.dismiss} />
      <Chain involvement={involvement} />
      <ul className="desk-unit-list">
        {involvement.units.map((unit) => (
          <UnitItem
            key={unit.unit_id}
            unit={unit}
            mayTell={mayTell}
            onTell={(state) => (state === "delayed" ? setAsking({ unitId: unit.unit_id, state }) : tell(state, unit.unit_id))}
          />
        ))}
      </ul>
      {notesOf(involvement).map((step) => (
        <p key={step.key} className="service-note">
          <Moment at={step.at} /> <span className="faint">{step.author}</span> {step.note}
        </p>
      ))}
      {mayTell && (
        <form
          className="desk-note"
          onSubmit={(event) => {
            event.preventDefault();
            if (note.trim() === "") return;
            tell("note", null, null, note.trim());
            setNote("");
          }}
        >
          <label>
            {t("desk.note")}
            <input value={note} maxLength={NOTE_MAX} data-testid="desk-note" onChange={(event) => setNote(event.target.value)} />
          </label>
          <button type="submit" className="button button-small" disabled={note.trim() === ""} data-testid="desk-note-send">
            {t("desk.send")}
          </button>
        </form>
      )}
      <ErrorBoundary resetKey={shownId}>
        <CardView
          key={shownId}
          incidentId={shownId}
          services={false}
          onOpen={(incidentId) => setShown({ from: involvement.incident_id, incidentId })}
        />
      </ErrorBoundary>
      {asking !== null && (
        <ReasonDialog
          title={t(asking.unitId === null ? "desk.refuse_title" : "desk.delay_title")}
          reasons={asking.unitId === null ? names.refusals : names.delays}
          names={names}
          onClose={() => setAsking(null)}
          onChosen={(reason, text) => {
            tell(asking.state, asking.unitId, reason, text);
            setAsking(null);
          }}
        />
      )}
    </article>
  );
}
