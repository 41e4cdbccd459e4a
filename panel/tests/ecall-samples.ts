/** A car as the server tells it, with one detail changed where a test needs it. */

import { decodeCar, decodeItem, decodeMSD, type CarData, type DataItem, type EmergencyData, type MSDView } from "../src/api/ecall";
import type { CardContact } from "../src/api/types";
import { NOW } from "./samples";

export const AUTOMATIC = "urn:service:sos.ecall.automatic";
export const MANUAL = "urn:service:sos.ecall.manual";
export const TEST_ECALL = "urn:service:test.sos.ecall";
export const VIN = "WVWZZZ1JZXW000001";

export function msd(change: Partial<MSDView> = {}): MSDView {
  const made = decodeMSD({
    received_at: NOW,
    sent_at: "2026-11-23T14:59:52.000Z",
    age_s: 8,
    message_identifier: 1,
    version: 3,
    automatic: true,
    test: false,
    trusted: true,
    lat: 57.01,
    lon: 24.42,
    direction_deg: 44,
    recent: [
      [57.009, 24.418],
      [57.008, 24.416],
    ],
    vin: VIN,
    make: "Volkswagen",
    model_year: 1999,
    vehicle_type: "passengerVehicleClassM1",
    energy: ["gasolineTankPresent", "electricEnergyStorage"],
    occupants: 3,
    hex: "0231cafe",
    ...change,
  });
  if (made === null) throw new Error("no message");
  return made;
}

export function car(change: Partial<CarData> = {}): CarData {
  const made = decodeCar({ kind: "automatic", data: "received", can_request: true, count: 1, msd: msd(), ...change });
  if (made === null) throw new Error("no car");
  return made;
}

export function dataItem(change: Partial<DataItem> = {}): DataItem {
  return decodeItem({ item_id: "d1", at: NOW, via: "invite", kind: "msd", size: 140, ...change });
}

export function emergencyData(change: Partial<EmergencyData> = {}): EmergencyData {
  return {
    service: AUTOMATIC,
    trunk: "operator",
    test: false,
    vehicle: car(),
    items: [dataItem({ msd: msd() })],
    ...change,
  };
}

export function cardContact(change: Partial<CardContact> = {}): CardContact {
  return {
    contact_id: "c1",
    medium: "voice",
    queue: "ecall",
    priority: 5,
    caller_number: "+37126123456",
    caller_number_hidden: false,
    called_number: "112",
    arrived_at: NOW,
    answered_at: NOW,
    ended_at: null,
    agent_id: "agent-101",
    agent_name: "Anna Bērziņa",
    outcome: "answered",
    recordings: [],
    service: AUTOMATIC,
    test: false,
    ...change,
  };
}
