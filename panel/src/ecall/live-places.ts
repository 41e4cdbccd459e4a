/**
 * Where cars on the line say they are, before the card has it: the live message is there first, and a map that
 * waits for the database is late. Pure.
 */

import type { CarData, MSDView } from "../api/ecall";
import type { Card } from "../api/types";
import type { MapLocation } from "../map";

/** What a car means that trusts its position (EN 15722). */
const TRUSTED_RADIUS_M = 150;

/** The message tells the same place in other steps; a centimetre is no other place. */
const SAME_DEGREES = 1e-7;

function isTold(card: Card, contactId: string, { lat, lon }: MSDView): boolean {
  return card.locations.some(
    (one) =>
      one.source === "msd" &&
      one.contact_id === contactId &&
      Math.abs(one.lat - (lat ?? 0)) < SAME_DEGREES &&
      Math.abs(one.lon - (lon ?? 0)) < SAME_DEGREES,
  );
}

/** As the server will write it (`from_msd`). */
function placeOf(contactId: string, msd: MSDView, lat: number, lon: number): MapLocation {
  const { trusted, direction_deg, recent, received_at } = msd;
  return {
    location_id: `live/${contactId}`,
    kind: "caller",
    source: "msd",
    lat,
    lon,
    shape: trusted ? { type: "Circle", centre: [lat, lon], radius_m: TRUSTED_RADIUS_M } : { type: "Point", position: [lat, lon] },
    radius_m: trusted ? TRUSTED_RADIUS_M : null,
    confidence: null,
    observed_at: null,
    received_at,
    contact_id: contactId,
    data: { trusted, recent, ...(direction_deg === null ? {} : { direction_deg }) },
  };
}

/** Of each car of the card its newest place, where the card does not have that yet. */
export function livePlaces(card: Card, carOf: (contactId: string) => CarData | null): MapLocation[] {
  return card.contacts.flatMap(({ contact_id }) => {
    const msd = carOf(contact_id)?.msd ?? null;
    if (msd?.lat == null || msd.lon === null || isTold(card, contact_id, msd)) return [];
    return [placeOf(contact_id, msd, msd.lat, msd.lon)];
  });
}
