/** What a car or a telephone sent with its call, on the card and during the conversation. */

import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { CarData } from "../api/ecall";
import type { Card, CardContact, ContactMsg } from "../api/types";
import { explain, useLive } from "../app/session";
import { ownContact } from "../live/state";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { CarActs } from "./CarActs";
import { CarFacts, MoreCarFacts } from "./CarFacts";
import { Messages, OtherItems } from "./OtherData";
import { eCallKind, isTest } from "./service";
import { ServiceMarks, TestBanner } from "./ServiceMarks";
import { isRefused, useEmergencyData } from "./useEmergencyData";

/** Tags of the timeline that tell of data which came with a call. */
const DATA_TAG = /^(emergency_data|msd_|location_unreachable|cleared_down)/;

function entriesOf(card: Card, contactId: string): number {
  return card.timeline.filter(({ tag, contact_id }) => contact_id === contactId && DATA_TAG.test(tag)).length;
}

/** Whether it is worth asking: ordinary calls cost no request. */
function mayHaveData(card: Card, contact: CardContact, live: ContactMsg | undefined): boolean {
  const asked = contact.service !== null || contact.test || live?.service != null || live?.vehicle != null;
  return asked || entriesOf(card, contact.contact_id) > 0;
}

/** What changes whenever there is something new to read. */
function versionOf(card: Card, contactId: string, car: CarData | null): string {
  const request = car?.request ?? null;
  return [entriesOf(card, contactId), car?.count, car?.data, request?.state, request?.at].join("/");
}

function NoData({ car }: { car: CarData }) {
  const { t } = useTranslation();
  if (car.data === "received") return null;
  return (
    <div className="car-missing" role="note" data-testid="car-missing" data-state={car.data}>
      <Icon name={car.data === "none" ? "no-data" : "warning"} size={28} />
      <div>
        <p className="car-missing-title">{t(car.data === "none" ? "ecall.no_data" : "ecall.unreadable")}</p>
        <p>{t("ecall.no_data_text")}</p>
      </div>
    </div>
  );
}

interface Properties {
  card: Card;
  contact: CardContact;
}

/** Of a car of which the server has nothing yet, what its call alone says. */
function carOf(contact: CardContact, live: ContactMsg | undefined, told: CarData | null, known: boolean): CarData | null {
  if (live?.vehicle) return live.vehicle;
  if (told !== null) return told;
  const kind = eCallKind(live ?? contact);
  if (kind === null || !known) return null;
  return { kind, data: "none", can_request: false, request: null, count: 0, msd: null };
}

function Section({ card, contact }: Properties) {
  const { t } = useTranslation();
  const id = useId();
  const state = useLive();
  const live = state.contacts[contact.contact_id];
  const inHand = ownContact(state)?.contact_id === contact.contact_id;
  const version = versionOf(card, contact.contact_id, live?.vehicle ?? null);
  const { data, error, retry } = useEmergencyData(contact.contact_id, card.incident_id, version);
  const car = carOf(contact, live, data?.vehicle ?? null, data !== null);
  const items = data?.items ?? [];
  const asked = { service: contact.service ?? live?.service ?? null, test: contact.test || (live?.test ?? false), vehicle: car };
  // A caller who only named a service, or who this reader is told nothing of.
  if (car === null && (isRefused(error) || (data !== null && items.length === 0 && !isTest(asked)))) return null;
  const several = card.contacts.length > 1;
  return (
    <section className="card-part car" aria-labelledby={id} data-testid="emergency-data" data-contact={contact.contact_id}>
      <h3 id={id}>
        <Icon name={car === null ? "info" : "car"} /> {t(car === null ? "ecall.title_other" : "ecall.title")}
        {several && contact.caller_number !== null && (
          <span className="digits faint">{readableNumber(contact.caller_number)}</span>
        )}
        <ServiceMarks asked={asked} />
      </h3>
      {/* Over the card it is said already. */}
      {!inHand && <TestBanner asked={asked} />}
      {data === null && error === null && car === null && (
        <p className="faint" role="status">
          {t("ecall.loading")}
        </p>
      )}
      {error !== null && !isRefused(error) && (
        <p className="car-warning" role="alert" data-testid="emergency-data-error">
          <Icon name="warning" size={18} /> {t("ecall.not_read")} {explain(error)}{" "}
          <button type="button" className="link" onClick={retry}>
            {t("common.retry")}
          </button>
        </p>
      )}
      {car !== null && (
        <>
          <NoData car={car} />
          {car.msd !== null && <CarFacts msd={car.msd} />}
          <CarActs
            car={car}
            contactId={contact.contact_id}
            incidentId={card.incident_id}
            number={contact.caller_number}
            live={live ?? null}
          />
          {car.msd !== null && <MoreCarFacts msd={car.msd} />}
        </>
      )}
      <Messages items={items} open={car !== null && car.data === "unreadable"} />
      <OtherItems items={items} open={car === null} />
    </section>
  );
}

/** One section for each contact of the card that is a car, or sent more than its voice. */
export function EmergencyDataSections({ card }: { card: Card }) {
  const { contacts } = useLive();
  return card.contacts
    .filter((contact) => mayHaveData(card, contact, contacts[contact.contact_id]))
    .map((contact) => <Section key={contact.contact_id} card={card} contact={contact} />);
}
