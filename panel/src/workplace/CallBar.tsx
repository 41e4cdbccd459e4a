/**
 * What rings or is talked, while a page covers the workplace: the call goes on, and this bar says
 * so, with the few acts that cannot wait for the way back.
 */

import { useTranslation } from "react-i18next";
import { useLive, usePhone, useSession } from "../app/session";
import { ServiceMarks } from "../ecall/ServiceMarks";
import { agentName } from "../live/state";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Age, Countdown } from "../shared/Time";
import { isResponsible, othersOf, stageOf } from "../talk/stage";
import { talkTitle } from "../talk/TalkStrip";
import { answer, finishWrapUp, hangUp, reject } from "./actions";
import { offerTitle } from "./CallPanel";
import { isTextOffer, type Seat } from "./seat";
import { Key } from "./strip-parts";

function numberOf(seat: Seat): string | null {
  if (seat.kind === "talk") return seat.contact.caller_number;
  if (seat.kind === "offer") return seat.contact?.caller_number ?? seat.offer.caller_number;
  if (seat.kind === "backup_offer" || seat.kind === "backup_talk") return seat.call.remote;
  return null;
}

/** A car, a service or a test is told from an ordinary call also here. */
function Asked({ seat }: { seat: Seat }) {
  if (seat.kind !== "talk" && seat.kind !== "offer") return null;
  return seat.contact === null ? null : <ServiceMarks asked={seat.contact} />;
}

/** One sentence on what is going on. */
function Title({ seat }: { seat: Seat }) {
  const { t } = useTranslation();
  const state = useLive();
  switch (seat.kind) {
    case "talk": {
      const { contact } = seat;
      const stage = stageOf(contact, othersOf(contact, state.agentId, state));
      const key = talkTitle(contact, stage, isResponsible(contact, state.agentId));
      return t(key, { who: agentName(state, contact.agent_id) });
    }
    case "offer":
      return t(offerTitle(seat.offer, seat.contact));
    case "backup_offer":
      return t("offer.backup");
    case "backup_talk":
      return t("call.backup");
    default:
      return t("wrap_up.title");
  }
}

function Timer({ seat }: { seat: Seat }) {
  if (seat.kind === "talk") return <Age since={seat.contact.arrived_at} />;
  if (seat.kind === "offer") return <Countdown deadline={seat.offer.deadline} />;
  if (seat.kind === "wrap_up" && seat.deadline !== null) return <Countdown deadline={seat.deadline} />;
  return null;
}

/** In a consultation there is nothing to end from here: the way back shows all its buttons. */
function Acts({ seat }: { seat: Seat }) {
  const { t } = useTranslation();
  const session = useSession();
  const state = useLive();
  const { call } = usePhone();
  if (seat.kind === "offer" || seat.kind === "backup_offer") {
    const text = isTextOffer(seat);
    return (
      <>
        <button
          type="button"
          className="button button-answer"
          disabled={!text && call?.stage === "answering"}
          data-testid="bar-answer"
          onClick={() => void answer(session, seat)}
        >
          <Icon name={text ? "message" : "phone"} /> {t(text ? "offer.accept" : "offer.answer")} <Key>F2</Key>
        </button>
        <button type="button" className="button" data-testid="bar-reject" onClick={() => void reject(session, seat)}>
          {t("offer.reject")} <Key>F8</Key>
        </button>
      </>
    );
  }
  if (seat.kind === "wrap_up") {
    return (
      <button type="button" className="button" data-testid="bar-done" onClick={() => void finishWrapUp(session)}>
        {t("wrap_up.done")} <Key>F9</Key>
      </button>
    );
  }
  let label = t("call.hang_up");
  if (seat.kind === "talk") {
    const stage = stageOf(seat.contact, othersOf(seat.contact, state.agentId, state));
    if (stage === "consult" || stage === "consult_ringing") return null;
    if (!isResponsible(seat.contact, state.agentId)) label = t("call.leave");
    else if (stage === "conference") label = t("call.end_all");
  }
  return (
    <button type="button" className="button button-hangup" data-testid="bar-hangup" onClick={() => void hangUp(session, seat)}>
      <Icon name="hangup" /> {label} <Key>F8</Key>
    </button>
  );
}

export function CallBar({ seat, onBack }: { seat: Seat; onBack: () => void }) {
  const { t } = useTranslation();
  if (seat.kind === "idle") return null;
  const number = numberOf(seat);
  const offered = seat.kind === "offer" || seat.kind === "backup_offer";
  return (
    <section className={offered ? "callbar callbar-offer" : "callbar"} aria-label={t("page.call_bar")} data-testid="call-bar" data-kind={seat.kind}>
      <p className="callbar-text" role={offered ? "alert" : "status"}>
        <Icon name={offered ? "bell" : "phone"} /> <strong><Title seat={seat} /></strong>
        {number !== null && <span className="digits">{readableNumber(number)}</span>}
        <Asked seat={seat} />
      </p>
      <span className="callbar-timer"><Timer seat={seat} /></span>
      <span className="strip-actions">
        <Acts seat={seat} />
        <button type="button" className="button button-primary" data-testid="bar-back" onClick={onBack}>
          <Icon name="back" /> {t("page.back_to_call")} <Key>Esc</Key>
        </button>
      </span>
    </section>
  );
}
