/** The strip over the card: what rings, who is talked with, what is left to do. */

import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ContactMsg } from "../api/types";
import { useLive, usePhone, useSession } from "../app/session";
import { ownAgent } from "../live/state";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Age, Countdown, CountdownBar } from "../shared/Time";
import { answer, changePresence, finishWrapUp, hangUp, reject, toggleHold } from "./actions";
import type { Seat } from "./seat";

/** A caller's number in large type; a hidden one is marked, for the law shows it to 112. */
function CallerNumber({ number, hidden }: { number: string | null; hidden: boolean }) {
  const { t } = useTranslation();
  return (
    <span className="caller-number" data-testid="caller-number">
      {number === null ? t("contact.no_number") : readableNumber(number)}
      {hidden && <span className="chip">{t("contact.hidden_number")}</span>}
    </span>
  );
}

function Key({ children }: { children: string }) {
  return <kbd aria-hidden="true">{children}</kbd>;
}

/** Whoever is writing keeps the cursor: an Enter meant for the notes must not answer a call. */
function useFocusUnlessWriting() {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const busy = document.activeElement?.closest("input, textarea, select, dialog");
    if (!busy) button.current?.focus();
  }, []);
  return button;
}

interface OfferProperties {
  seat: Extract<Seat, { kind: "offer" | "backup_offer" }>;
}

function OfferStrip({ seat }: OfferProperties) {
  const { t } = useTranslation();
  const session = useSession();
  const { call } = usePhone();
  const [asked, setAsked] = useState(false);
  const button = useFocusUnlessWriting();
  const offer = seat.kind === "offer" ? seat.offer : null;
  const contact = seat.kind === "offer" ? seat.contact : null;
  const number = offer ? (contact?.caller_number ?? offer.caller_number) : (call?.remote ?? null);
  const answering = asked || call?.stage === "answering" || (offer !== null && call?.stage === "talking");
  const onAnswer = async (): Promise<void> => {
    setAsked(true);
    setAsked(await answer(session, seat));
  };
  return (
    <section className="strip strip-offer" aria-label={t("offer.title")} data-testid="offer">
      <div className="strip-main">
        <div role="alert">
          <p className="strip-kind">
            <Icon name={offer ? "bell" : "parachute"} /> {t(offer ? "offer.incoming" : "offer.backup")}
          </p>
          <CallerNumber number={number} hidden={contact?.caller_number_hidden ?? false} />
        </div>
        <p className="strip-facts">
          {contact && (
            <span>
              {t("offer.waiting_for")} <Age since={contact.arrived_at} />
            </span>
          )}
          {contact && <span>{t("waiting.priority", { value: contact.priority })}</span>}
          {offer && (
            <span data-testid="offer-deadline">
              {t("offer.time_left")} <Countdown deadline={offer.deadline} /> {t("common.seconds")}
            </span>
          )}
        </p>
      </div>
      <div className="strip-actions">
        <button
          ref={button}
          type="button"
          className="button button-answer"
          disabled={answering}
          data-testid="offer-answer"
          onClick={() => void onAnswer()}
        >
          <Icon name="phone" size={24} /> {t(answering ? "offer.answering" : "offer.answer")} <Key>F2</Key>
        </button>
        <button
          type="button"
          className="button button-large"
          disabled={answering}
          data-testid="offer-reject"
          onClick={() => void reject(session, seat)}
        >
          {t("offer.reject")} <Key>F8</Key>
        </button>
      </div>
      {offer && <CountdownBar deadline={offer.deadline} total={session.me.server.offer_timeout_s} />}
    </section>
  );
}

function MediaWarning() {
  const { t } = useTranslation();
  const { media, microphone, call } = usePhone();
  if (call?.stage !== "talking") return null;
  const keys = [
    ...(media === "ok" ? [] : [`media.${media}`]),
    ...(microphone === "ended" ? ["microphone.ended"] : []),
  ];
  return keys.map((key) => (
    <p key={key} className="strip-warning" role="alert" data-testid="media-warning">
      <Icon name="warning" /> {t(key)}
    </p>
  ));
}

function TalkStrip({ contact, seat }: { contact: ContactMsg; seat: Seat }) {
  const { t } = useTranslation();
  const session = useSession();
  const agent = ownAgent(useLive());
  const since = agent?.state === "talking" ? agent.since : contact.arrived_at;
  const kind = contact.on_hold ? "call.on_hold" : "call.talking";
  return (
    <section
      className={`strip ${contact.on_hold ? "strip-held" : "strip-talk"}`}
      aria-label={t("call.title")}
      data-testid="call"
    >
      <div className="strip-main">
        <p className="strip-kind" data-testid="call-state">
          <Icon name={contact.on_hold ? "pause" : "phone"} /> <span role="status">{t(kind)}</span>
          <span className="strip-timer" data-testid="call-timer">
            <Age since={since} />
          </span>
        </p>
        <CallerNumber number={contact.caller_number} hidden={contact.caller_number_hidden} />
        <MediaWarning />
      </div>
      <div className="strip-actions">
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
        <button
          type="button"
          className="button button-hangup"
          data-testid="call-hangup"
          onClick={() => void hangUp(session, seat)}
        >
          <Icon name="hangup" size={24} /> {t("call.hang_up")} <Key>F8</Key>
        </button>
      </div>
    </section>
  );
}

/** A call of the parachute queue: the server knows nothing of it, so only the phone can end it. */
function BackupTalkStrip({ seat }: { seat: Extract<Seat, { kind: "backup_talk" }> }) {
  const { t } = useTranslation();
  const session = useSession();
  return (
    <section className="strip strip-talk" aria-label={t("call.title")} data-testid="call">
      <div className="strip-main">
        <p className="strip-kind" role="status" data-testid="call-state">
          <Icon name="parachute" /> {t("call.backup")}
        </p>
        <CallerNumber number={seat.call.remote} hidden={false} />
        <MediaWarning />
      </div>
      <div className="strip-actions">
        <button
          type="button"
          className="button button-hangup"
          data-testid="call-hangup"
          onClick={() => void hangUp(session, seat)}
        >
          <Icon name="hangup" size={24} /> {t("call.hang_up")} <Key>F8</Key>
        </button>
      </div>
    </section>
  );
}

function WrapUpStrip({ deadline }: { deadline: string | null }) {
  const { t } = useTranslation();
  const session = useSession();
  return (
    <section className="strip strip-wrapup" aria-label={t("wrap_up.title")} data-testid="wrap-up">
      <div className="strip-main">
        <p className="strip-kind" role="status">
          <Icon name="note" /> {t("wrap_up.title")}
        </p>
        <p className="strip-facts">
          <span>{t("wrap_up.hint")}</span>
          {deadline !== null && (
            <span data-testid="wrap-up-left">
              {t("wrap_up.time_left")} <Countdown deadline={deadline} /> {t("common.seconds")}
            </span>
          )}
        </p>
      </div>
      <div className="strip-actions">
        <button
          type="button"
          className="button button-primary button-large"
          data-testid="wrap-up-done"
          onClick={() => void finishWrapUp(session)}
        >
          <Icon name="check" /> {t("wrap_up.done")} <Key>F9</Key>
        </button>
      </div>
      {deadline !== null && <CountdownBar deadline={deadline} total={session.me.server.wrap_up_s} />}
    </section>
  );
}

function IdleStrip() {
  const { t } = useTranslation();
  const session = useSession();
  const agent = ownAgent(useLive());
  if (session.me.agent === null) return null;
  const ready = agent?.presence.kind === "ready";
  return (
    <section className="strip strip-idle" aria-label={t("call.title")} data-testid="idle">
      <p className="strip-facts">
        <Icon name={ready ? "check" : "info"} />
        {t(ready ? "idle.ready" : "idle.not_ready")}
      </p>
      {!ready && (
        <button
          type="button"
          className="button button-primary"
          data-testid="idle-ready"
          onClick={() => void changePresence(session, "ready")}
        >
          {t("presence.ready")} <Key>F7</Key>
        </button>
      )}
    </section>
  );
}

export function CallPanel({ seat }: { seat: Seat }) {
  switch (seat.kind) {
    case "offer":
      return <OfferStrip key={seat.offer.offer_id} seat={seat} />;
    case "backup_offer":
      return <OfferStrip key={seat.call.id} seat={seat} />;
    case "talk":
      return <TalkStrip contact={seat.contact} seat={seat} />;
    case "backup_talk":
      return <BackupTalkStrip seat={seat} />;
    case "wrap_up":
      return <WrapUpStrip deadline={seat.deadline} />;
    case "idle":
      return <IdleStrip />;
  }
}
