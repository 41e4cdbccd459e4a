/** What a service URN, a VIN, a car's clock and its octets mean for people; what can be done with a car. */

import { describe, expect, it } from "vitest";
import { decodeContact } from "../src/api/decode";
import { decodeCar, decodeEmergencyData, type CarData, type RequestState } from "../src/api/ecall";
import type { Card } from "../src/api/types";
import { callBackObstacle, clearObstacle, requestObstacle, type Actor } from "../src/ecall/acts";
import { eCallKind, isTest, namedService } from "../src/ecall/service";
import { reasonWords } from "../src/i18n";
import { blockOf, byDanger, cameFrom, clockOf, groupedHex, groupedVIN, itemLines, linesOf, placesOf } from "../src/ecall/words";
import { timelineLines } from "../src/cards/timeline-lines";
import { livePlaces } from "../src/ecall/live-places";
import { car, cardContact, dataItem, msd, VIN } from "./ecall-samples";
import { agent, card, contact, item } from "./samples";

describe("a service URN", () => {
  it.each([
    ["urn:service:sos.ecall.automatic", "automatic"],
    ["urn:service:sos.ecall.manual", "manual"],
    ["URN:Service:SOS.eCall.Manual", "manual"],
    ["urn:service:sos.ecall", "unknown"],
    ["urn:service:sos.ecall.tomorrow", "unknown"],
    ["urn:service:test.sos.ecall", "test"],
    ["urn:service:test.sos.ecall.automatic", "test"],
    ["urn:service:sos", null],
    ["urn:service:sos.ecallish", null],
    ["urn:service:counseling", null],
    ["sip:112@example.org", null],
    ["", null],
    [null, null],
  ])("%s is an eCall: %s", (service, kind) => {
    expect(eCallKind({ service, test: false })).toBe(kind);
  });

  it("is less than what the car itself says", () => {
    const vehicle = car({ kind: "manual" });
    expect(eCallKind({ service: "urn:service:sos.ecall", test: false, vehicle })).toBe("manual");
    expect(eCallKind({ service: null, test: false, vehicle })).toBe("manual");
  });

  it.each([
    ["urn:service:sos.police", "police"],
    ["urn:service:sos.fire.forest", "fire"],
    ["urn:service:sos.animal-control", "animal_control"],
    ["urn:service:test.sos.ambulance", "ambulance"],
    ["urn:service:sos", null],
    ["urn:service:sos.ecall.manual", null],
    ["urn:service:sos.unheard-of", null],
    [null, null],
  ])("%s asks for %s", (service, name) => {
    expect(namedService(service)).toBe(name);
  });

  it("of a test is a test, whoever says it", () => {
    expect(isTest({ service: "urn:service:test.sos.fire", test: false })).toBe(true);
    expect(isTest({ service: "urn:service:sos.fire", test: true })).toBe(true);
    expect(isTest({ service: "urn:service:sos.ecall.automatic", test: false, vehicle: car() })).toBe(false);
  });
});

describe("what a car says", () => {
  it("is read aloud in groups", () => {
    expect(groupedVIN(VIN)).toBe("WVW ZZZ1JZ X W000001");
    expect(groupedVIN("WVW")).toBe("WVW");
    expect(groupedVIN(`${VIN}++`)).toBe("WVW ZZZ1JZ X W000001 ++");
    expect(groupedHex("0231cafe")).toBe("02 31 ca fe");
    expect(groupedHex("")).toBe("");
  });

  it.each([
    ["2026-11-23T14:59:52.000Z", "ok"],
    ["2026-11-24T14:59:00.000Z", "ok"],
    ["2026-11-21T00:00:00.000Z", "absurd"],
    ["2106-01-01T00:00:00.000Z", "absurd"],
    ["no time", "absurd"],
    [null, "failed"],
  ])("by its clock of %s is %s", (sent_at, state) => {
    expect(clockOf(msd({ sent_at }))).toBe(state);
  });

  it("tells where it came from", () => {
    const [latest] = cameFrom(msd({ lat: 57, lon: 24, recent: [[56.999, 24]] }));
    expect(latest?.distance).toBeCloseTo(111, 0);
    expect(latest?.bearing).toBeCloseTo(180, 0);
    expect(cameFrom(msd({ lat: 57, lon: 24, recent: [[57, 24]] }))).toEqual([]);
    expect(cameFrom(msd({ lat: null, lon: null }))).toEqual([]);
  });

  it("puts what endangers responders first", () => {
    expect(byDanger(["gasolineTankPresent", "dieselTankPresent", "hydrogenStorage"])).toEqual([
      "hydrogenStorage",
      "gasolineTankPresent",
      "dieselTankPresent",
    ]);
  });
});

describe("other data", () => {
  it("are told in lines by their own names", () => {
    const comment = dataItem({ kind: "additional", detail: { block: "Comment", fields: { Comment: ["Goes slow", "x"] } } });
    expect(blockOf(comment)).toBe("Comment");
    expect(itemLines(comment)).toEqual([["Comment", "Goes slow"], ["Comment", "x"]]);
    expect(itemLines(dataItem({ detail: { uri: "https://lis.example/1" } }))).toEqual([["uri", "https://lis.example/1"]]);
    expect(itemLines(dataItem())).toEqual([]);
  });

  it("do not hang on a document without an end", () => {
    const deep: Record<string, unknown> = {};
    deep.deeper = deep;
    expect(linesOf(deep)).toEqual([]);
    expect(linesOf({ a: { b: [1, true, null, ""] } })).toEqual([["a.b", "1"], ["a.b", "true"]]);
  });

  it("of an older server are filled in", () => {
    expect(decodeContact({ ...contact(), vehicle: undefined } as never)).toMatchObject({
      service: null,
      test: false,
      vehicle: null,
    });
    expect(decodeCar({ msd: msd() })).toMatchObject({ kind: "unknown", data: "received", count: 1, can_request: false });
    expect(decodeCar({})).toMatchObject({ data: "none", msd: null });
    expect(decodeEmergencyData({ items: [{ item_id: "x" }] } as never).items[0]).toMatchObject({ oddities: [], error: null });
  });
});

describe("the place of a car on the line", () => {
  const contacts = [cardContact(), cardContact({ contact_id: "c2" })];
  const told = (lat: number): Card["locations"][number] => ({
    location_id: "l1", kind: "caller", source: "msd", shape: { type: "Point", position: [lat, 24.42] }, lat, lon: 24.42,
    radius_m: null, confidence: null, observed_at: null, received_at: "", contact_id: "c1", author: null, data: {},
  }); // prettier-ignore

  it("is on the map before the card has it", () => {
    const [place] = livePlaces(card({ contacts }), (id) => (id === "c1" ? car() : null));
    expect(place).toMatchObject({ contact_id: "c1", lat: 57.01, radius_m: 150, source: "msd", data: { trusted: true, direction_deg: 44 } });
    const doubtful = car({ msd: msd({ trusted: false, direction_deg: null }) });
    expect(livePlaces(card({ contacts }), (id) => (id === "c2" ? doubtful : null))[0]).toMatchObject({
      location_id: "live/c2",
      radius_m: null,
      shape: { type: "Point" },
      data: { trusted: false },
    });
  });

  it("is the card's own as soon as that has it", () => {
    const carOf = (id: string): CarData | null => (id === "c1" ? car() : null);
    expect(livePlaces(card({ contacts, locations: [told(57.01)] }), carOf)).toEqual([]);
    expect(livePlaces(card({ contacts, locations: [told(57.02)] }), carOf)).toHaveLength(1);
  });

  it("is none where the car knows none", () => {
    expect(livePlaces(card({ contacts }), () => car({ msd: msd({ lat: null, lon: null }) }))).toEqual([]);
    expect(livePlaces(card({ contacts }), () => car({ msd: null }))).toEqual([]);
    expect(livePlaces(card({ contacts }), () => null)).toEqual([]);
  });
});

describe("with a car", () => {
  const taker: Actor = { agentId: "agent-101", agent: agent({ state: "talking" }), calls: true, supervises: false };
  const ours = contact({ state: "talking", agent_id: "agent-101" });
  const theirs = contact({ state: "talking", agent_id: "agent-102" });

  it("one can ask for data on the line", () => {
    expect(requestObstacle(car(), ours, taker)).toBeNull();
    expect(requestObstacle(car(), null, taker)).toBe("ecall.request.why_over");
    expect(requestObstacle(car({ can_request: false }), ours, taker)).toBe("ecall.request.why_line");
    expect(requestObstacle(car(), ours, { ...taker, calls: false })).toBe("ecall.request.why_right");
  });

  it.each<[RequestState, string | null]>([
    ["asked", "ecall.request.why_asked"],
    ["received", null],
    ["refused", null],
    ["no_answer", null],
    ["failed", null],
  ])("one can ask again when the last request is %s: %s", (state, why) => {
    expect(requestObstacle(car({ request: { state, at: "", reason: null } }), ours, taker)).toBe(why);
  });

  it("one calls back when the line is free", () => {
    const idle = { ...taker, agent: agent({ state: "idle" }) };
    expect(callBackObstacle("+371", null, idle)).toBeNull();
    expect(callBackObstacle("+371", ours, idle)).toBe("ecall.call_back.why_line");
    expect(callBackObstacle(null, null, idle)).toBe("ecall.call_back.why_no_number");
    expect(callBackObstacle("+371", null, taker)).toBe("ecall.call_back.why_busy");
    expect(callBackObstacle("+371", null, { ...idle, agentId: null })).toBe("ecall.call_back.why_seat");
  });

  it("only whoever has the call, or a supervisor, clears it down", () => {
    expect(clearObstacle(ours, taker)).toBeNull();
    expect(clearObstacle(theirs, taker)).toBe("ecall.clear.why_not_yours");
    expect(clearObstacle({ ...ours, state: "offered" }, taker)).toBe("ecall.clear.why_not_yours");
    expect(clearObstacle(theirs, { ...taker, supervises: true })).toBeNull();
    expect(clearObstacle(null, taker)).toBe("ecall.clear.why_over");
  });
});

it("keeps each message of a car on the timeline", () => {
  const entries = [item("msd_received", { data: { n: 1 } }), item("msd_received", { data: { n: 2 } })];
  expect(timelineLines(entries)).toHaveLength(2);
});

describe("a location document", () => {
  it("is told by its shape, its point, how large and how certain it is, and its address", () => {
    const circle = { shape: { type: "Circle", centre: [56.9, 24.1], radius_m: 45 }, confidence: 0.95, method: "GPS", civic: {} };
    const area = { shape: { type: "Polygon", exterior: [[57, 24.5], [57, 24.6]] }, confidence: null, provided_by: "A network" };
    const address = { shape: null, civic: { RD: "Brīvības iela", HNO: "15" } };
    const item = dataItem({ kind: "location", detail: { uri: "https://lis.example/1", places: [circle, area, address] } });
    const unknown = { shape: null, at: null, radius: null, confidence: null, method: "", provider: "", address: "" };
    expect(placesOf(item)).toEqual([
      { ...unknown, shape: "Circle", at: { lat: 56.9, lon: 24.1 }, radius: 45, confidence: 0.95, method: "GPS" },
      { ...unknown, shape: "Polygon", at: { lat: 57, lon: 24.5 }, provider: "A network" },
      { ...unknown, address: "RD Brīvības iela, HNO 15" },
    ]);
    expect(itemLines(item)).toEqual([["uri", "https://lis.example/1"]]);
  });

  it.each([undefined, null, 7, [null], [{ shape: { type: 7, centre: ["x"] } }]])("with places of %j breaks nothing", (places) => {
    expect(placesOf(dataItem({ kind: "location", detail: { places } })).every(({ at }) => at === null)).toBe(true);
  });

  it("that did not come is explained by its server's own code, too", () => {
    expect(reasonWords("http_404", "?")).toBe("its server answered 404");
    expect(reasonWords("held_locationUnknown", "?")).toBe("its server says: locationUnknown");
    expect(reasonWords("sip_469", "?")).toBe("its telephone answered 469");
    expect(reasonWords("of_tomorrow", "of_tomorrow")).toBe("of_tomorrow");
  });
});
