/** The strip over the card: what rings, who is talked with, what is left to do. */

import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ContactMsg } from "../api/types";
import { useDirectory, useLive, usePhone, useSession } from "../app/session";
import { TestBanner } from "../ecall/ServiceMarks";
import { MISSED_OFFERS } from "../live/notices";
import { agentName, isText, ownAgent, type Offer } from "../live/state";
import { Icon, type IconName } from "../shared/Icon";
import { Age, Countdown, CountdownBar } from "../shared/Time";
import { queueTitle } from "../talk/directory";
import { partyName } from "../talk/party-name";
import { Marks, SilenceNotice } from "../talk/Marks";
import { MuteButton, TalkStrip } from "../talk/TalkStrip";
import { answer, changePresence, finishWrapUp, hangUp, prolongWrapUp, reject } from "./actions";
import { isTextOffer, type OfferSeat, type Seat } from "./seat";
import { CallerNumber, Key, MediaWarning } from "./strip-parts";

function isWriting(): boolean {
  return document.activeElement?.closest("input, textarea, select, dialog") != null;
}

/** Whoever is writing keeps the cursor: an Enter meant for the notes must not answer a call. */
function useFocusUnlessWriting(wanted: boolean) {
  const button = useRef<HTMLButtonElement>(null);
  // Asked before the offer's card takes the place of the one with the field that is written in.
  const [wrote] = useState(isWriting);
  useEffect(() => {
    if (wanted && !wrote && !isWriting()) button.current?.focus();
  }, [wanted, wrote]);
  return button;
}

interface OfferProperties {
  seat: Extract<Seat, { kind: "offer" | "backup_offer" }>;
  /** Shown beside a conversation: it takes neither the cursor nor the keys of a call. */
  aside?: boolean;
}

/** Whose conversation we are asked into, and who is in it already. */
function Company({ contact }: { contact: ContactMsg }) {
  const { t } = useTranslation();
  const state = useLive();
  const directory = useDirectory();
  const ids = [contact.state === "offered" ? null : contact.agent_id, ...contact.participants];
  const names = ids.filter((id) => id !== null).map((id) => agentName(state, id));
  const outside = contact.parties
    .filter((party) => party.agent_id === null)
    .map((party) => partyName(party, state, directory));
  const all = [...names, ...outside].filter((name) => name !== "");
  if (all.length === 0) return null;
  return <span data-testid="offer-company">{t("offer.with", { who: all.join(", ") })}</span>;
}

function OfferFacts({ contact, offer }: { contact: ContactMsg | null; offer: Offer | null }) {
  const { t } = useTranslation();
  const directory = useDirectory();
  return (
    <p className="strip-facts">
      {contact && offer?.kind === "answer" && (
        <span>
          {t("offer.waiting_for")} <Age since={contact.arrived_at} />
        </span>
      )}
      {contact && <span>{queueTitle(directory, contact.queue)}</span>}
      {contact && <span>{t("waiting.priority", { value: contact.priority })}</span>}
      {offer && (
        <span data-testid="offer-deadline">
          {t("offer.time_left")} <Countdown deadline={offer.deadline} /> {t("common.seconds")}
        </span>
      )}
      {contact && <Company contact={contact} />}
    </p>
  );
}

const OFFER_ICONS = { answer: "bell", assist: "people", outbound: "outbound" } as const;

function offerIcon(offer: Offer | null, text: boolean): IconName {
  if (text) return "message";
  return offer ? OFFER_ICONS[offer.kind] : "parachute";
}

/** The sentence over an offer, as a key of the translations. */
export function offerTitle(offer: Offer | null, contact: ContactMsg | null): string {
  if (offer === null) return "offer.backup";
  if (contact !== null && isText(contact)) return "offer.text";
  if (offer.kind !== "answer") return `offer.${offer.kind}`;
  return contact?.direction === "outbound" ? "offer.outbound" : "offer.incoming";
}

export function OfferStrip({ seat, aside = false }: OfferProperties) {
  const { t } = useTranslation();
  const session = useSession();
  const { call } = usePhone();
  const [asked, setAsked] = useState(false);
  const button = useFocusUnlessWriting(!aside);
  const offer = seat.kind === "offer" ? seat.offer : null;
  const contact = seat.kind === "offer" ? seat.contact : null;
  const number = offer ? (contact?.caller_number ?? offer.caller_number) : (call?.remote ?? null);
  const text = isTextOffer(seat);
  // A text has no part in what the telephone does.
  const ringing = !aside && !text && (call?.stage === "answering" || (offer !== null && call?.stage === "talking"));
  const answering = asked || ringing;
  const onAnswer = async (): Promise<void> => {
    setAsked(true);
    setAsked(await answer(session, seat));
  };
  return (
    <section
      className="strip strip-offer"
      aria-label={t("offer.title")}
      data-testid={aside ? "side-offer" : "offer"}
      data-kind={offer?.kind ?? "backup"}
    >
      <div className="strip-main">
        <div role="alert">
          <p className="strip-kind">
            <Icon name={offerIcon(offer, text)} /> {t(offerTitle(offer, contact))}
          </p>
          <CallerNumber number={number} hidden={contact?.caller_number_hidden ?? false} />
        </div>
        {contact && (
          <p className="strip-marks">
            <Marks contact={contact} />
          </p>
        )}
        <OfferFacts contact={contact} offer={offer} />
      </div>
      <div className="strip-actions">
        <button
          ref={button}
          type="button"
          className="button button-answer"
          disabled={answering}
          data-testid={aside ? "side-answer" : "offer-answer"}
          onClick={() => void onAnswer()}
        >
          <Icon name={text ? "message" : "phone"} size={24} /> {t(answering ? "offer.answering" : text ? "offer.accept" : "offer.answer")}
          <Key>{aside ? "⇧F2" : "F2"}</Key>
        </button>
        <button
          type="button"
          className="button button-large"
          disabled={answering}
          data-testid={aside ? "side-reject" : "offer-reject"}
          onClick={() => void reject(session, seat)}
        >
          {t("offer.reject")} {!aside && <Key>F8</Key>}
        </button>
      </div>
      {contact && <TestBanner asked={contact} />}
      {contact && <SilenceNotice contact={contact} />}
      {offer && <CountdownBar deadline={offer.deadline} total={session.me.server.offer_timeout_s} />}
    </section>
  );
}

/** A call of the parachute queue: the server knows nothing of it, so only the phone can end it. */
function BackupTalkStrip({ seat }: { seat: Extract<Seat, { kind: "backup_talk" }> }) {
  const { t } = useTranslation();
  const session = useSession();
  const { muted } = usePhone();
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
        <MuteButton seat={seat} muted={muted} />
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
        <button
          type="button"
          className="button button-large"
          data-testid="wrap-up-extend"
          onClick={() => void prolongWrapUp(session)}
        >
          <Icon name="add" /> {t("wrap_up.extend")} <Key>⇧F9</Key>
        </button>
      </div>
      {deadline !== null && <CountdownBar deadline={deadline} total={session.me.server.wrap_up_s} />}
    </section>
  );
}

/** The distributor took this seat out: said plainly, with the one key that puts it back. */
function MissedStrip({ missed }: { missed: number }) {
  const { t } = useTranslation();
  const session = useSession();
  return (
    <section className="strip strip-missed" aria-label={t("call.title")} data-testid="missed-offers">
      <div className="strip-main" role="alert">
        <p className="strip-kind">
          <Icon name="warning" /> {t("missed.title")}
        </p>
        <p className="strip-facts">{missed > 0 ? t("missed.text_count", { missed }) : t("missed.text")}</p>
      </div>
      <button
        type="button"
        className="button button-primary button-large"
        data-testid="missed-ready"
        onClick={() => void changePresence(session, "ready")}
      >
        <Icon name="check" /> {t("missed.ready")} <Key>F7</Key>
      </button>
    </section>
  );
}

function IdleStrip() {
  const { t } = useTranslation();
  const session = useSession();
  const agent = ownAgent(useLive());
  if (session.me.agent === null) return null;
  const ready = agent?.presence.kind === "ready";
  if (agent?.presence.reason === MISSED_OFFERS) return <MissedStrip missed={agent.missed_offers} />;
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

interface Properties {
  seat: Seat;
  /** A text that is offered while we talk. */
  aside: OfferSeat | null;
  onAdd: () => void;
}

function Strip({ seat, onAdd }: Omit<Properties, "aside">) {
  switch (seat.kind) {
    case "offer":
      return <OfferStrip key={seat.offer.offer_id} seat={seat} />;
    case "backup_offer":
      return <OfferStrip key={seat.call.id} seat={seat} />;
    case "talk":
      return <TalkStrip key={seat.contact.contact_id} contact={seat.contact} seat={seat} onAdd={onAdd} />;
    case "backup_talk":
      return <BackupTalkStrip seat={seat} />;
    case "wrap_up":
      return <WrapUpStrip deadline={seat.deadline} />;
    case "idle":
      return <IdleStrip />;
  }
}

export function CallPanel({ seat, aside, onAdd }: Properties) {
  return (
    <>
      <Strip seat={seat} onAdd={onAdd} />
      {aside && <OfferStrip key={aside.offer.offer_id} seat={aside} aside />}
    </>
  );
}
