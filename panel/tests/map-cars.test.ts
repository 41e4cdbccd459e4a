/** Cars on the map: where each came from, which message moves it, and what it doubts itself. */

import { describe, expect, it } from "vitest";
import { bearingOf, offset } from "../src/map/geodesy";
import { compassPoint, isTrusted } from "../src/map/look";
import { createMark, updateMark } from "../src/map/marks";
import { sceneOf, type Mark, type Scene } from "../src/map/scene";
import { trailsOf } from "../src/map/trails";
import type { MapLocation, Pair } from "../src/map/types";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const A: Pair = [57.0, 24.4];

/** So many metres north of A. */
function north(metres: number): Pair {
  const [lon, lat] = offset(A, 0, metres);
  return [lat, lon];
}

function car(id: string, place: Pair, change: Partial<MapLocation> = {}): MapLocation {
  return {
    location_id: id,
    kind: "caller",
    source: "msd",
    lat: place[0],
    lon: place[1],
    shape: { type: "Circle", centre: place, radius_m: 150 },
    radius_m: 150,
    confidence: 0.95,
    observed_at: null,
    received_at: "2026-11-26T11:59:50Z",
    contact_id: "c1",
    data: { trusted: true, direction_deg: 0 },
    ...change,
  };
}

function scene(locations: MapLocation[], change: Partial<Parameters<typeof sceneOf>[0]> = {}): Scene {
  const input = { locations, current: null, conflicts: [], candidates: [], units: [], ...change };
  return sceneOf(input, NOW, { location: ({ location_id }) => location_id, conflict: () => "" });
}

function cars({ marks }: Scene): Mark[] {
  return marks.filter(({ kind }) => kind === "car");
}

describe("a trail", () => {
  it("goes from the oldest place to the car", () => {
    const recent = [north(-100), north(-300)];
    const [trail] = trailsOf([car("one", A, { data: { recent } })]);
    expect(trail?.points.map(({ lat }) => lat)).toEqual([north(-300)[0], north(-100)[0], A[0]]);
  });

  it("grows by each message, and not by the same place again", () => {
    const [trail] = trailsOf([car("one", A), car("two", north(2)), car("three", north(50))]);
    expect(trail?.points).toHaveLength(2);
    expect(trail?.newest.location_id).toBe("three");
  });

  it("belongs to one car", () => {
    const trails = trailsOf([car("one", A), car("two", north(500), { contact_id: "c2" })]);
    expect(trails.map(({ contactId }) => contactId)).toEqual(["c1", "c2"]);
  });

  it.each([[null], ["x"], [[["a", "b"], [1], 7, null]]])("bears %j in place of earlier places", (recent) => {
    expect(trailsOf([car("one", A, { data: { recent } })])[0]?.points).toHaveLength(1);
  });

  it("is made of nothing but cars", () => {
    expect(trailsOf([car("one", A, { source: "aml" }), car("two", A, { contact_id: null })])).toEqual([]);
  });
});

describe("a car on the map", () => {
  it("is one mark that a new message moves, with its trail behind it", () => {
    const before = scene([car("one", A)]);
    const after = scene([car("one", A), car("two", north(80))]);
    expect(cars(before).map(({ key, lat }) => [key, lat])).toEqual([["car/c1", A[0]]]);
    expect(cars(after).map(({ key, lat }) => [key, lat])).toEqual([["car/c1", north(80)[0]]]);
    expect(after.marks.filter(({ kind }) => kind === "trail").map(({ lat }) => lat)).toEqual([A[0]]);
    expect(before.trails.features).toHaveLength(0);
    expect(after.trails.features).toHaveLength(1);
  });

  it("stands beside other cars", () => {
    const all = scene([car("one", A), car("two", north(60), { contact_id: "c2" }), car("three", north(10))]);
    expect(cars(all).map(({ key }) => key)).toEqual(["car/c2", "car/c1"]);
  });

  it("keeps an older place that a person chose, or that contradicts another", () => {
    const locations = [car("one", A), car("two", north(9_000))];
    for (const change of [{ current: "one" }, { conflicts: [["one", "two"]] as [string, string][] }]) {
      const all = scene(locations, change);
      expect(cars(all).map(({ text }) => text)).toEqual(["two"]);
      expect(all.marks.filter(({ kind }) => kind === "location").map(({ text, heading }) => [text, heading])).toEqual([["one", null]]);
    }
  });

  it("is drawn hollow where the car doubts the place, and turns its arrow", () => {
    const doubtful = car("one", A, { data: { trusted: false, direction_deg: 200 } });
    expect(isTrusted(doubtful)).toBe(false);
    const [mark] = cars(scene([doubtful]));
    if (!mark) throw new Error("no car");
    const element = createMark();
    updateMark(element, mark);
    expect(element.dataset.trusted).toBe("false");
    expect(element.querySelector<SVGElement>(".map-mark-heading")?.style.rotate).toBe("200deg");
    expect(element.querySelector(".map-mark-car")).not.toBeNull();
    updateMark(element, { ...mark, heading: null, trusted: true });
    expect(element.dataset.trusted).toBe("true");
    expect(element.querySelector(".map-mark-heading")).toBeNull();
  });
});

describe("directions", () => {
  it.each([0, 45, 90, 135, 200, 359])("are those of a place in the direction %d", (bearing) => {
    const [lon, lat] = offset(A, bearing, 500);
    expect(bearingOf({ lat: A[0], lon: A[1] }, { lat, lon })).toBeCloseTo(bearing, 0);
  });

  it.each([[0, "n"], [22, "n"], [23, "ne"], [180, "s"], [338, "n"], [359, "n"]])("%d° is called %s", (degrees, name) => {
    expect(compassPoint(degrees)).toBe(name);
  });
});
