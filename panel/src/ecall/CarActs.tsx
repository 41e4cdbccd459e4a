/** Ask the car for new data, call it back, clear the eCall down. */

import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { dial } from "../api/contacts";
import { askForMSD, clearDown, type CarData } from "../api/ecall";
import type { ContactMsg } from "../api/types";
import { attempt, useLive, useSession } from "../app/session";
import { reasonWords } from "../i18n";
import { ownAgent } from "../live/state";
import { Dialog } from "../shared/Dialog";
import { readableNumber } from "../shared/format";
import { Icon, type IconName } from "../shared/Icon";
import { Age } from "../shared/Time";
import { placeCall } from "../workplace/actions";
import { callBackObstacle, clearObstacle, requestObstacle, type Actor, type Obstacle } from "./acts";

/** What the workplace's shortcuts look for. */
export const CLEAR_TESTID = "car-clear";
export const REQUEST_TESTID = "car-request";

interface ActProperties {
  icon: IconName;
  label: string;
  /** Said while it can be done. */
  hint: string;
  obstacle: Obstacle;
  busy: boolean;
  testid: string;
  shortcut?: string;
  danger?: boolean;
  onAct: () => void;
}

/** A button that stays where it is and says why it cannot be pressed. */
function Act({ icon, label, hint, obstacle, busy, testid, shortcut, danger = false, onAct }: ActProperties) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div className="car-act">
      <button
        type="button"
        className={danger ? "button button-danger" : "button"}
        disabled={busy || obstacle !== null}
        aria-describedby={id}
        data-testid={testid}
        onClick={onAct}
      >
        <Icon name={icon} size={18} /> {label} {shortcut !== undefined && <kbd aria-hidden="true">{shortcut}</kbd>}
      </button>
      <span id={id} className="car-why" data-testid={`${testid}-why`}>
        {obstacle === null ? hint : t(obstacle)}
      </span>
    </div>
  );
}

const REQUEST_ICONS = { asked: "clock", received: "check", refused: "warning", no_answer: "warning", failed: "warning" } as const;

/** How far the last request is, in words; read out when it changes. */
function RequestState({ car }: { car: CarData }) {
  const { t } = useTranslation();
  const { request } = car;
  if (request === null) return null;
  const { state, at, reason } = request;
  const good = state === "asked" || state === "received";
  return (
    <p className={good ? "car-line" : "car-warning"} role="status" data-testid="car-request-state" data-state={state}>
      <Icon name={REQUEST_ICONS[state]} size={18} /> {t(`ecall.request.${state}`)}
      {reason !== null && reason !== state && ` (${reasonWords(reason, reason)})`}
      {state === "asked" && (
        <span aria-hidden="true">
          {" "}
          <Age since={at} />
        </span>
      )}
    </p>
  );
}

function ClearDialog({ contactId, number, onClose }: { contactId: string; number: string | null; onClose: () => void }) {
  const { t } = useTranslation();
  const session = useSession();
  const [busy, setBusy] = useState(false);
  const clear = async (): Promise<void> => {
    setBusy(true);
    const done = await attempt(session, () => clearDown(contactId));
    setBusy(false);
    if (!done) return;
    session.toasts.show("info", t("ecall.clear.done"));
    onClose();
  };
  return (
    <Dialog title={t("ecall.clear.title")} onClose={onClose} testid="car-clear-dialog">
      <p>
        {number === null ? t("ecall.clear.text") : t("ecall.clear.text_with", { number: readableNumber(number) })}
      </p>
      <div className="dialog-actions">
        {/* The cursor comes to the first one: a key pressed by mistake ends no call. */}
        <button type="button" className="button" data-testid="car-clear-cancel" onClick={onClose}>
          {t("common.cancel")}
        </button>
        <button
          type="button"
          className="button button-danger"
          disabled={busy}
          data-testid="car-clear-confirm"
          onClick={() => void clear()}
        >
          {t("ecall.clear.confirm")}
        </button>
      </div>
    </Dialog>
  );
}

interface Properties {
  car: CarData;
  contactId: string;
  incidentId: string;
  number: string | null;
  /** Null when the contact is over. */
  live: ContactMsg | null;
}

function useActor(): Actor {
  const { me } = useSession();
  const state = useLive();
  const agentId = me.agent === null ? null : state.agentId;
  return { agentId, agent: ownAgent(state), calls: me.rights.calls, supervises: me.rights.supervise };
}

export function CarActs({ car, contactId, incidentId, number, live }: Properties) {
  const { t } = useTranslation();
  const session = useSession();
  const actor = useActor();
  const [busy, setBusy] = useState(false);
  const [clearing, setClearing] = useState(false);
  const act = async (work: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    await work();
    setBusy(false);
  };
  const ask = (): void => void act(() => attempt(session, () => askForMSD(contactId)));
  const callBack = (): void =>
    void act(async () => number !== null && placeCall(session, () => dial(incidentId, number)));
  // A service's dispatcher reads what the car says; its call is the centre's.
  if (!actor.calls && !actor.supervises) return null;
  return (
    <div className="car-acts" role="group" aria-label={t("ecall.acts")}>
      <Act
        icon="reload"
        label={t("ecall.request.action")}
        hint={t("ecall.request.hint")}
        obstacle={requestObstacle(car, live, actor)}
        busy={busy}
        testid={REQUEST_TESTID}
        shortcut="⇧F1"
        onAct={ask}
      />
      <Act
        icon="outbound"
        label={t("ecall.call_back.action")}
        hint={t("ecall.call_back.hint")}
        obstacle={callBackObstacle(number, live, actor)}
        busy={busy}
        testid="car-call-back"
        onAct={callBack}
      />
      <Act
        icon="hangup"
        label={t("ecall.clear.action")}
        hint={t("ecall.clear.hint")}
        obstacle={clearObstacle(live, actor)}
        busy={busy}
        testid={CLEAR_TESTID}
        shortcut="⇧F8"
        danger
        onAct={() => setClearing(true)}
      />
      <RequestState car={car} />
      {clearing && <ClearDialog contactId={contactId} number={number} onClose={() => setClearing(false)} />}
    </div>
  );
}
