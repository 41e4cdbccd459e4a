/** Where it is: the address with how to get in, the map with every place that was told, the one that counts. */

import { useCallback, useId, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { AddressBox } from "../addresses/AddressBox";
import { addLocation, chooseLocation } from "../api/cards";
import type { Address } from "../api/addresses";
import type { CarData } from "../api/ecall";
import type { AddressValue, Card, CardLocation, NewLocation } from "../api/types";
import { attempt, useLive, useSession } from "../app/session";
import { livePlaces } from "../ecall/live-places";
import { MapView, type MapLocation, type Position } from "../map";
import { metres } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { FieldFrame } from "./FieldFrame";
import { ADDRESS_DETAILS, NO_ADDRESS, valueText } from "./field-values";
import { useField, useOpenCardContext } from "./open-card";

const DETAIL_CHARS_MAX = 200;
/** A rule chose it, not a person. */
const PINNED = "pinned";

export function currentPlace(card: Card): CardLocation | null {
  return card.locations.find((one) => one.location_id === card.location.current) ?? null;
}

function Detail({ part, value, onChange }: { part: keyof AddressValue; value: string; onChange: (text: string) => void }) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div className="member">
      <label htmlFor={id}>{t(`field.address_of.${part}`)}</label>
      <input
        id={id}
        type="text"
        maxLength={DETAIL_CHARS_MAX}
        data-testid={`address-${part}`}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}

function AddressField({ onPlace }: { onPlace: (place: NewLocation) => void }) {
  const { t } = useTranslation();
  const { card } = useOpenCardContext();
  const field = useField("address");
  const value: AddressValue = { ...NO_ADDRESS, ...field.value };
  const near = currentPlace(card);
  const choose = (address: Address): void => {
    field.choose({ ...value, text: address.text, code: address.code });
    if (address.lat !== null && address.lon !== null) {
      onPlace({ kind: "incident", source: "address", lat: address.lat, lon: address.lon, radius_m: null });
    }
  };
  return (
    <FieldFrame field={field} label={t("field.address")} show={(one) => valueText("address", one, (code) => code)}>
      <AddressBox
        value={value.text}
        near={near}
        label={t("field.address")}
        onChoose={choose}
        onText={(text) => field.edit({ ...value, text, code: null })}
      />
      <div className="members">
        {ADDRESS_DETAILS.map((part) => (
          <Detail key={part} part={part} value={value[part]} onChange={(text) => field.edit({ ...value, [part]: text })} />
        ))}
      </div>
    </FieldFrame>
  );
}

function Told({ location, counts }: { location: CardLocation; counts: boolean }) {
  const { t } = useTranslation();
  const session = useSession();
  const { card } = useOpenCardContext();
  const pin = (): void => void attempt(session, () => chooseLocation(card.incident_id, location.location_id));
  return (
    <li className="told-place" data-testid="told-place" data-source={location.source} data-current={counts}>
      {counts ? <Icon name="check" size={16} /> : null} {t(`map.source.${location.source}`)}
      {location.radius_m !== null && <span className="faint"> ± {metres(location.radius_m)}</span>}{" "}
      <Moment at={location.observed_at ?? location.received_at} />
      {location.data.trusted === false && (
        <span className="car-doubt" data-testid="place-doubt">
          {" "}
          {t("ecall.untrusted_short")}
        </span>
      )}
      {location.author !== null && <span className="faint"> {location.author}</span>}
      {!counts && (
        <button type="button" className="link undo" data-testid="place-pin" onClick={pin}>
          {t("place.pin")}
        </button>
      )}
    </li>
  );
}

/** Every place that was told, the last first; the one that counts is marked, another can be chosen. */
function ToldPlaces({ card }: { card: Card }) {
  const { t } = useTranslation();
  const session = useSession();
  const { current, why, conflicts } = card.location;
  const unpin = (): void => void attempt(session, () => chooseLocation(card.incident_id, null));
  if (card.locations.length === 0) return <p className="faint">{t("place.none")}</p>;
  return (
    <>
      {conflicts.length > 0 && (
        <p className="banner banner-warn" role="alert" data-testid="place-conflict">
          <Icon name="warning" /> {t("place.conflict")}
        </p>
      )}
      <ul className="rows" data-testid="told-places">
        {[...card.locations].reverse().map((one) => (
          <Told key={one.location_id} location={one} counts={one.location_id === current} />
        ))}
      </ul>
      {why === PINNED && (
        <p className="faint">
          {t("place.pinned")}{" "}
          <button type="button" className="link" data-testid="place-unpin" onClick={unpin}>
            {t("place.unpin")}
          </button>
        </p>
      )}
    </>
  );
}

/** The card's places, and before it has them those of the cars on the line; the same array while nothing changes. */
function useMapLocations(card: Card): { locations: MapLocation[]; current: string | null } {
  const { contacts } = useLive();
  const carOf = (contactId: string): CarData | null => contacts[contactId]?.vehicle ?? null;
  const messages = card.contacts.map(({ contact_id: id }) => carOf(id)?.msd);
  const news = messages.map((msd) => `${msd?.received_at}/${msd?.hex}`).join();
  return useMemo(
    () => {
      const live = livePlaces(card, carOf);
      const locations = [...(card.locations as unknown as MapLocation[]), ...live];
      return { locations, current: card.location.current ?? live.at(-1)?.location_id ?? null };
    },
    // The live state is another one with every message, also of other calls.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [card, news],
  );
}

export function PlaceSection() {
  const { t } = useTranslation();
  const session = useSession();
  const { card } = useOpenCardContext();
  const { clock } = session.live;
  const now = useCallback(() => clock.now(), [clock]);
  const [mapWanted, setMapWanted] = useState(false);
  // A whole country says nothing, and to draw it costs a machine without a graphics card what the
  // sound of the call needs.
  const { locations, current } = useMapLocations(card);
  const mapped = mapWanted || locations.length > 0;
  const tell = (place: NewLocation): void => void attempt(session, () => addLocation(card.incident_id, place));
  const pick = ({ lat, lon }: Position): void => tell({ kind: "incident", source: "map", lat, lon, radius_m: null });
  return (
    <section className="card-part" aria-labelledby="place-title" data-testid="section-place">
      <h3 id="place-title">
        <Icon name="routing" /> {t("section.place")}
      </h3>
      <AddressField onPlace={tell} />
      <ToldPlaces card={card} />
      {mapped ? (
        <>
          <p className="faint">{t("place.by_map")}</p>
          <MapView
            locations={locations}
            current={current}
            conflicts={card.location.conflicts}
            onPick={pick}
            now={now}
          />
        </>
      ) : (
        <button type="button" className="button button-small" data-testid="map-open" onClick={() => setMapWanted(true)}>
          {t("place.open_map")}
        </button>
      )}
    </section>
  );
}
