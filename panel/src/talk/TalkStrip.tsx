/** The conversation in hand: who is with whom, and everything that can be done with it. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ContactMsg } from "../api/types";
import type { ContactAction } from "../api/contacts";
import { useLive, usePhone, useSession } from "../app/session";
import { agentName, ownAgent } from "../live/state";
import { TestBanner } from "../ecall/ServiceMarks";
import { duration } from "../shared/format";
import { Icon, type IconName } from "../shared/Icon";
import { Age, useServerNow } from "../shared/Time";
import { doOn, hangUp, toggleHold, toggleMute } from "../workplace/actions";
import type { Seat } from "../workplace/seat";
import { CallerNumber, Key, MediaWarning } from "../workplace/strip-parts";
import { Marks, SilenceNotice } from "./Marks";
import { Parties } from "./Parties";
import { isMuted, isResponsible, mayLeave, othersOf, stageOf, type Stage } from "./stage";

/** From here on a person in need has heard music for too long. */
const HOLD_WARN_S = 30;

/** Milliseconds of the server's clock since which the citizen is held, by its word or by our watch. */
function useHeldSince(contact: ContactMsg): number | null {
  const now = useServerNow();
  const [seen, setSeen] = useState<number | null>(null);
  if (contact.on_hold && seen === null) setSeen(now);
  if (!contact.on_hold && seen !== null) setSeen(null);
  if (!contact.on_hold) return null;
  return contact.held_since === null ? (seen ?? now) : Date.parse(contact.held_since);
}

function HoldTime({ since }: { since: number }) {
  const { t } = useTranslation();
  const held = Math.max(0, (useServerNow() - since) / 1000);
  const long = held >= HOLD_WARN_S;
  return (
    <p className={long ? "hold-time hold-long" : "hold-time"} data-testid="hold-time" data-long={long}>
      <Icon name={long ? "warning" : "pause"} size={18} /> {t("call.held_for")}{" "}
      <span className="digits">{duration(held)}</span>
      {/* Said once, when it becomes too long, and not with every second. */}
      <span role="alert">{long && ` – ${t("call.held_long")}`}</span>
    </p>
  );
}

export function MuteButton({ seat, muted }: { seat: Seat; muted: boolean }) {
  const { t } = useTranslation();
  const session = useSession();
  return (
    <button
      type="button"
      className={muted ? "button button-large button-muted" : "button button-large"}
      aria-pressed={muted}
      data-testid="call-mute"
      onClick={() => void toggleMute(session, seat)}
    >
      <Icon name={muted ? "mic-off" : "mic"} /> {t(muted ? "call.unmute" : "call.mute")} <Key>⇧F4</Key>
    </button>
  );
}

interface ActionProperties {
  contact: ContactMsg;
  action: ContactAction;
  icon: IconName;
  label: string;
  shortcut: string;
  primary?: boolean;
}

function ActionButton({ contact, action, icon, label, shortcut, primary = false }: ActionProperties) {
  const session = useSession();
  return (
    <button
      type="button"
      className={primary ? "button button-large button-primary" : "button button-large"}
      data-testid={`call-${action}`}
      onClick={() => void doOn(session, contact, action)}
    >
      <Icon name={icon} /> {label} <Key>{shortcut}</Key>
    </button>
  );
}

/**
 * No hang-up here: the citizen is in the music. First back to them, or on to the other one; the
 * button stands apart from where "hang up" was, so that a late click ends no call.
 */
function ConsultActions({ contact, stage }: { contact: ContactMsg; stage: Stage }) {
  const { t } = useTranslation();
  const answered = stage === "consult";
  return (
    <>
      <ActionButton contact={contact} action="cancel" icon="back" shortcut="F8" primary={!answered}
        label={t(answered ? "consult.back" : "consult.cancel")} />
      {answered && (
        <>
          <ActionButton contact={contact} action="swap" icon="swap" shortcut="F4" label={t("consult.swap")} />
          <ActionButton contact={contact} action="complete" icon="forward" shortcut="F9" label={t("consult.complete")} />
          <ActionButton contact={contact} action="merge" icon="join" shortcut="F10" primary label={t("consult.merge")} />
        </>
      )}
    </>
  );
}

function HoldButton({ contact, seat }: { contact: ContactMsg; seat: Seat }) {
  const { t } = useTranslation();
  const session = useSession();
  return (
    <button
      type="button"
      className="button button-large"
      disabled={contact.state === "parachute"}
      aria-pressed={contact.on_hold}
      data-testid={contact.on_hold ? "call-resume" : "call-hold"}
      onClick={() => void toggleHold(session, seat)}
    >
      <Icon name={contact.on_hold ? "play" : "pause"} />
      {t(contact.on_hold ? "call.resume" : "call.hold")} <Key>F4</Key>
    </button>
  );
}

function HangUpButton({ seat, label }: { seat: Seat; label: string }) {
  const session = useSession();
  return (
    <button
      type="button"
      className="button button-hangup"
      data-testid="call-hangup"
      onClick={() => void hangUp(session, seat)}
    >
      <Icon name="hangup" size={24} /> {label} <Key>F8</Key>
    </button>
  );
}

interface Properties {
  contact: ContactMsg;
  seat: Seat;
  onAdd: () => void;
}

function Actions({ contact, seat, stage, onAdd }: Properties & { stage: Stage }) {
  const { t } = useTranslation();
  const state = useLive();
  const { agentId } = state;
  const phone = usePhone();
  const { phone: browser } = useSession();
  const muted = browser === null ? isMuted(contact, agentId) : phone.muted;
  const mute = (browser !== null || contact.state !== "parachute") && <MuteButton seat={seat} muted={muted} />;
  if (contact.state === "dialling") return <HangUpButton seat={seat} label={t("call.hang_up")} />;
  if (!isResponsible(contact, agentId)) {
    return (
      <>
        {mute}
        <HangUpButton seat={seat} label={t("call.leave")} />
      </>
    );
  }
  if (stage === "consult" || stage === "consult_ringing") {
    return (
      <>
        <ConsultActions contact={contact} stage={stage} />
        {mute}
      </>
    );
  }
  return (
    <>
      <HoldButton contact={contact} seat={seat} />
      {mute}
      {contact.state !== "parachute" && (
        <button type="button" className="button button-large" aria-haspopup="dialog" data-testid="call-add" onClick={onAdd}>
          <Icon name="add" /> {t("target.open")} <Key>F10</Key>
        </button>
      )}
      {stage === "conference" && mayLeave(othersOf(contact, agentId, state)) && (
        <ActionButton contact={contact} action="complete" icon="forward" shortcut="F9" label={t("call.leave")} />
      )}
      {/* Unlike a telephone put down, this ends the others' conversation too, and says so. */}
      <HangUpButton seat={seat} label={t(stage === "conference" ? "call.end_all" : "call.hang_up")} />
    </>
  );
}

/** The sentence that says what is going on, as a key of the translations. */
export function talkTitle(contact: ContactMsg, stage: Stage, responsible: boolean): string {
  if (contact.state === "dialling") return "call.dialling";
  if (stage === "consult" || stage === "consult_ringing") return `call.${stage}`;
  if (contact.on_hold) return "call.on_hold";
  if (!responsible) return "call.assisting";
  return stage === "conference" ? "call.conference" : "call.talking";
}

export function TalkStrip({ contact, seat, onAdd }: Properties) {
  const { t } = useTranslation();
  const state = useLive();
  const agent = ownAgent(state);
  const heldSince = useHeldSince(contact);
  const stage = stageOf(contact, othersOf(contact, state.agentId, state));
  const responsible = isResponsible(contact, state.agentId);
  const since = agent?.state === "talking" ? agent.since : contact.arrived_at;
  const icon = contact.state === "dialling" ? "outbound" : contact.on_hold ? "pause" : "phone";
  return (
    <section
      className={`strip ${contact.on_hold ? "strip-held" : "strip-talk"}`}
      aria-label={t("call.title")}
      data-testid="call"
      data-stage={stage}
    >
      <div className="strip-main">
        <p className="strip-kind" data-testid="call-state">
          <Icon name={icon} />{" "}
          <span role="status">
            {t(talkTitle(contact, stage, responsible), { who: agentName(state, contact.agent_id) })}
          </span>
          <span className="strip-timer" data-testid="call-timer">
            <Age since={since} />
          </span>
        </p>
        <CallerNumber number={contact.caller_number} hidden={contact.caller_number_hidden} />
        {heldSince !== null && <HoldTime since={heldSince} />}
        <p className="strip-marks">
          <Marks contact={contact} />
        </p>
        <MediaWarning />
      </div>
      <div className="strip-actions">
        <Actions contact={contact} seat={seat} stage={stage} onAdd={onAdd} />
      </div>
      <TestBanner asked={contact} />
      <SilenceNotice contact={contact} />
      <Parties contact={contact} />
    </section>
  );
}
