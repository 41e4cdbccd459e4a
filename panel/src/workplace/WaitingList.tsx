import { useTranslation } from "react-i18next";
import type { ContactMsg } from "../api/types";
import { useDirectory, useLive, useSession } from "../app/session";
import { translateCode } from "../i18n";
import { agentName, isText, ownAgent, waitingContacts } from "../live/state";
import { duration, readableNumber, secondsSince } from "../shared/format";
import { Icon } from "../shared/Icon";
import { useServerNow } from "../shared/Time";
import { queueTitle } from "../talk/directory";
import { Marks } from "../talk/Marks";
import { pick } from "./actions";

/** From here on a wait is marked; EU centres aim to answer within ten to fifteen seconds. */
const LONG_WAIT_S = 15;
/** Above normal: the priority that ordinary 112 calls have is 5 of 0 to 10. */
const PRIORITY_HIGH = 6;

function TakeButton({ contact }: { contact: ContactMsg }) {
  const { t } = useTranslation();
  const session = useSession();
  const own = ownAgent(useLive());
  if (!session.me.rights.pick || contact.state !== "waiting") return null;
  const free = own?.state === "idle" || own?.state === "not_ready";
  return (
    <button
      type="button"
      className="button button-small"
      disabled={!free}
      aria-label={t("waiting.take_who", { who: contact.caller_number ?? t("contact.no_number") })}
      title={t(free ? "waiting.take_hint" : "waiting.take_busy")}
      data-testid="waiting-take"
      onClick={() => void pick(session, contact)}
    >
      {t("waiting.take")}
    </button>
  );
}

function Place({ contact }: { contact: ContactMsg }) {
  const { t } = useTranslation();
  const directory = useDirectory();
  const state = useLive();
  const parachute = contact.state === "parachute";
  const called = contact.offers.map((offer) => agentName(state, offer.agent_id)).join(", ");
  return (
    <span className="row-facts">
      <span className="fact">
        <Icon name={parachute ? "parachute" : isText(contact) ? "message" : "phone"} size={16} />
        {parachute ? t("waiting.parachute") : translateCode("medium", contact.medium, contact.medium)}
      </span>
      <span className="fact" data-testid="waiting-queue">
        {queueTitle(directory, contact.queue)}
      </span>
      {contact.queue_class !== null && (
        <span className="fact">{t("waiting.class_short", { value: contact.queue_class })}</span>
      )}
      <span className={contact.priority >= PRIORITY_HIGH ? "fact fact-strong" : "fact"}>
        {t("waiting.priority_short", { value: contact.priority })}
      </span>
      {contact.state === "offered" && (
        <span className="fact">
          <Icon name="bell" size={16} /> {called || agentName(state, contact.agent_id)}
        </span>
      )}
    </span>
  );
}

function Row({ contact, place }: { contact: ContactMsg; place: number }) {
  const { t } = useTranslation();
  const waited = secondsSince(contact.arrived_at, useServerNow());
  const long = waited > LONG_WAIT_S;
  const offered = contact.state === "offered";
  return (
    <li
      className={`row ${long ? "row-long" : ""} ${offered ? "row-offered" : ""}`}
      data-testid="waiting-row"
      data-contact={contact.contact_id}
      data-state={contact.state}
      data-long={long}
      data-escalated={contact.escalated}
    >
      <span className="row-place" aria-hidden="true">{place}</span>
      <span className="row-body">
        <span className="row-number">
          {contact.caller_number === null ? t("contact.no_number") : readableNumber(contact.caller_number)}
        </span>
        <Place contact={contact} />
        <span className="row-marks">
          <Marks contact={contact} />
          {contact.shortage !== null && contact.state === "waiting" && (
            <span className="row-shortage" data-testid="waiting-shortage">
              {translateCode("shortage", contact.shortage, contact.shortage)}
            </span>
          )}
          <TakeButton contact={contact} />
        </span>
      </span>
      <span className="row-age digits" data-testid="waiting-age">
        {long && <Icon name="warning" size={18} />}
        {duration(waited)}
        {long && <span className="visually-hidden">{t("waiting.long")}</span>}
      </span>
    </li>
  );
}

export function WaitingList() {
  const { t } = useTranslation();
  const contacts = waitingContacts(useLive());
  return (
    <section className="pane pane-waiting" aria-labelledby="waiting-title" data-testid="waiting-list">
      <h2 id="waiting-title">
        <Icon name="clock" /> {t("waiting.title")}
        <span className="count" data-testid="waiting-count">{contacts.length}</span>
      </h2>
      {contacts.length === 0 ? (
        <p className="empty">{t("waiting.empty")}</p>
      ) : (
        // Its buttons are those of a right: whoever has none scrolls it by keyboard, too.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached (WCAG 2.1.1)
        <ol className="rows" tabIndex={0} aria-labelledby="waiting-title">
          {contacts.map((contact, index) => (
            <Row key={contact.contact_id} contact={contact} place={index + 1} />
          ))}
        </ol>
      )}
    </section>
  );
}
