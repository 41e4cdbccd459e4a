import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { dial } from "../api/contacts";
import type { Card, CardContact, RecordingInfo } from "../api/types";
import { explain, useDirectory, useLive, useSession } from "../app/session";
import { ConversationsSection, type Wanted } from "../conversations/ConversationsSection";
import { EmergencyDataSections } from "../ecall/EmergencyDataSection";
import { translateCode } from "../i18n";
import { ownAgent } from "../live/state";
import { ServicesPanel } from "../services/ServicesPanel";
import { duration, readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { mayDial, placeCall } from "../workplace/actions";
import type { Saver } from "../saving/saver";
import { Attachments } from "./Attachments";
import { Family, MergedAway } from "./Family";
import { History } from "./History";
import { JoinDialog, SplitDialog } from "./JoinDialog";
import { Neighbours } from "./Neighbours";
import { NotesEditor } from "./NotesEditor";
import { OpenCardContext, usePresence, type OpenCard } from "./open-card";
import { OutcomeMark } from "./OutcomeMark";
import { PeopleSection } from "./PeopleSection";
import { PlaceSection } from "./PlaceSection";
import { Player } from "./Player";
import { ReasonDialog } from "./ReasonDialog";
import { recordedParty } from "./recorded-party";
import { Timeline } from "./Timeline";
import { asksForReason, useCard } from "./useCard";
import { useRelated } from "./useRelated";
import { WhatSection } from "./WhatSection";

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div className="card-fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** From arrival to answer, or to the end when nobody answered. */
function waitOf(contact: CardContact): string | null {
  const end = contact.answered_at ?? contact.ended_at;
  if (end === null) return null;
  return duration((Date.parse(end) - Date.parse(contact.arrived_at)) / 1000);
}

function Facts({ contact }: { contact: CardContact }) {
  const { t } = useTranslation();
  const waited = waitOf(contact);
  const talked =
    contact.answered_at !== null && contact.ended_at !== null
      ? duration((Date.parse(contact.ended_at) - Date.parse(contact.answered_at)) / 1000)
      : null;
  return (
    <dl className="card-facts" data-testid="card-facts">
      <Fact name={t("card.arrived")}>
        <Moment at={contact.arrived_at} />
      </Fact>
      <Fact name={t("card.answered")}>
        {contact.answered_at === null ? "–" : <Moment at={contact.answered_at} />}
        {waited !== null && <span className="faint"> {t("card.after", { time: waited })}</span>}
      </Fact>
      <Fact name={t("card.ended")}>
        {contact.ended_at === null ? "–" : <Moment at={contact.ended_at} />}
        {talked !== null && <span className="faint"> {t("card.talked", { time: talked })}</span>}
      </Fact>
      <Fact name={t("card.agent")}>{contact.agent_name ?? contact.agent_id ?? "–"}</Fact>
      <Fact name={t("card.medium")}>{translateCode("medium", contact.medium, contact.medium)}</Fact>
      <Fact name={t("card.called")}>{contact.called_number ?? "–"}</Fact>
    </dl>
  );
}

function RecordingItem({ recording }: { recording: RecordingInfo }) {
  const { t } = useTranslation();
  const state = useLive();
  const directory = useDirectory();
  const { party } = recording;
  const who = party === null ? null : recordedParty(party, state, directory) || t(`party.kind.${party.kind}`);
  const title = who === null ? t("recordings.call") : t("recordings.consultation", { who });
  return (
    <div className="recording" data-testid="recording" data-recording={recording.recording_id}>
      <h4 className="recording-title" data-testid="recording-title">
        {title} {recording.started_at !== null && <Moment at={recording.started_at} />}
      </h4>
      <Player recording={recording} title={title} party={who} />
    </div>
  );
}

function Recordings({ card }: { card: Card }) {
  const { t } = useTranslation();
  const recordings = card.contacts.flatMap((contact) => contact.recordings);
  return (
    <section className="card-part" aria-labelledby="recordings-title" data-testid="recordings">
      <h3 id="recordings-title">
        <Icon name="record" /> {t("recordings.title")}
      </h3>
      {recordings.length === 0 && (
        <p className="faint">{t(card.status === "open" ? "recordings.pending" : "recordings.none")}</p>
      )}
      {recordings.map((recording) => (
        <RecordingItem key={recording.recording_id} recording={recording} />
      ))}
    </section>
  );
}

/** Each number of the card once, as it came. */
export function numbersOf(card: Card): string[] {
  const all = [card.caller_number, ...card.contacts.map((contact) => contact.caller_number)];
  return [...new Set(all.filter((number) => number !== null))];
}

function CallButton({ card, number }: { card: Card; number: string }) {
  const { t } = useTranslation();
  const session = useSession();
  const state = useLive();
  const [busy, setBusy] = useState(false);
  if (session.me.agent === null) return null;
  const rest = ownAgent(state) !== null && mayDial(session);
  const call = async (): Promise<void> => {
    setBusy(true);
    await placeCall(session, () => dial(card.incident_id, number));
    setBusy(false);
  };
  return (
    <button
      type="button"
      className="button button-small"
      disabled={busy || !rest}
      aria-label={t("card.call_who", { number: readableNumber(number) })}
      title={t(rest ? "card.call_hint" : "card.call_busy")}
      data-testid="card-call"
      data-number={number}
      onClick={() => void call()}
    >
      <Icon name="outbound" size={16} /> {t("card.call")}
    </button>
  );
}

function Head({ card }: { card: Card }) {
  const { t } = useTranslation();
  const others = numbersOf(card).filter((number) => number !== card.caller_number);
  return (
    <header className="card-head">
      <div>
        <p className="card-number" data-testid="card-number">
          <Icon name="card" size={18} /> {t("card.title", { number: card.number })}
        </p>
        <h2 className="card-caller" data-testid="card-caller">
          {card.caller_number === null ? t("contact.no_number") : readableNumber(card.caller_number)}
          {card.caller_number_hidden && <span className="chip">{t("contact.hidden_number")}</span>}
          {card.caller_number !== null && <CallButton card={card} number={card.caller_number} />}
        </h2>
        {others.map((number) => (
          <p key={number} className="card-other-number digits">
            {readableNumber(number)} <CallButton card={card} number={number} />
          </p>
        ))}
      </div>
      {card.outcome !== null && <OutcomeMark outcome={card.outcome} medium={card.medium} />}
    </header>
  );
}

/** Colleagues who have this card open. */
function PeopleHere({ others }: { others: OpenCard["others"] }) {
  const { t } = useTranslation();
  if (others.length === 0) return null;
  return (
    <p className="card-people" data-testid="card-people">
      <Icon name="people" size={16} /> {t("presence_card.title")} {others.map((person) => person.name).join(", ")}
    </p>
  );
}

function CardActions({ card, onOpen }: { card: Card; onOpen: (incidentId: string) => void }) {
  const { t } = useTranslation();
  const [dialog, setDialog] = useState<"join" | "split" | null>(null);
  const close = (): void => setDialog(null);
  return (
    <div className="part-actions">
      <button type="button" className="button button-small" data-testid="join-open" onClick={() => setDialog("join")}>
        <Icon name="join" size={16} /> {t("join.action")}
      </button>
      {card.contacts.length > 1 && (
        <button type="button" className="button button-small" data-testid="split-open" onClick={() => setDialog("split")}>
          <Icon name="swap" size={16} /> {t("split.action")}
        </button>
      )}
      {dialog === "join" && <JoinDialog card={card} onOpen={onOpen} onClose={close} />}
      {dialog === "split" && <SplitDialog card={card} onOpen={onOpen} onClose={close} />}
    </div>
  );
}

/** In the place of a card that its reader has to say why for. */
function ReasonAsked({ onGive }: { onGive: (reason: string) => void }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(true);
  return (
    <div className="empty empty-card" data-testid="card-outside">
      <p>{t("refused.reason_needed")}</p>
      <button type="button" className="button" data-testid="reason-ask" onClick={() => setAsking(true)}>
        {t("reason.ask")}
      </button>
      {asking && <ReasonDialog onGive={onGive} onClose={() => setAsking(false)} />}
    </div>
  );
}

interface OpenedProperties {
  card: Card;
  notes: Saver<string>;
  services: boolean;
  wanted: Wanted | null;
  onOpen: (incidentId: string) => void;
}

function Opened({ card, notes, services, wanted, onOpen }: OpenedProperties) {
  const { t } = useTranslation();
  const presence = usePresence(card);
  const related = useRelated(card);
  const open = useMemo(() => ({ card, ...presence }), [card, presence]);
  const away = card.merged_into !== null;
  const writable = useSession().me.rights["cards.edit"] && !away;
  return (
    <OpenCardContext value={open}>
      <article
        className="card"
        aria-label={t("card.title", { number: card.number })}
        data-testid="card"
        data-incident={card.incident_id}
      >
        <MergedAway card={card} onOpen={onOpen} />
        <Head card={card} />
        <PeopleHere others={presence.others} />
        {writable && <Neighbours card={card} proposals={related.proposals} onOpen={onOpen} />}
        <EmergencyDataSections card={card} />
        <ConversationsSection card={card} wanted={wanted} />
        {card.contacts.map((contact) => (
          <Facts key={contact.contact_id} contact={contact} />
        ))}
        <fieldset className="card-edit" disabled={!writable}>
          <div className="card-column">
            <WhatSection />
            <NotesEditor saver={notes} />
            <PeopleSection />
          </div>
          <div className="card-column">
            <PlaceSection />
            {services && !away && <ServicesPanel card={card} />}
          </div>
        </fieldset>
        <div className="card-parts">
          <Recordings card={card} />
          <Timeline card={card} />
          <History related={related} onOpen={onOpen} />
          <Attachments card={card} />
          <Family card={card} onOpen={onOpen} />
        </div>
        {writable && <CardActions card={card} onOpen={onOpen} />}
      </article>
    </OpenCardContext>
  );
}

interface Properties {
  incidentId: string;
  onOpen: (incidentId: string) => void;
  /** At a service's own desk the services stand elsewhere, and only its own. */
  services?: boolean;
  /** The text conversation that its reader wants to see. */
  wanted?: Wanted | null;
}

export function CardView({ incidentId, onOpen, services = true, wanted = null }: Properties) {
  const { t } = useTranslation();
  const { opened, error, retry, explainRead } = useCard(incidentId);
  if (opened === null && asksForReason(error)) return <ReasonAsked onGive={explainRead} />;
  if (opened === null) {
    return (
      <div className="empty empty-card" role="status" data-testid="card-loading">
        <p>{error === null ? t("card.loading") : explain(error)}</p>
        {error !== null && (
          <button type="button" className="button" onClick={retry}>
            {t("common.retry")}
          </button>
        )}
      </div>
    );
  }
  return <Opened card={opened.card} notes={opened.notes} services={services} wanted={wanted} onOpen={onOpen} />;
}
