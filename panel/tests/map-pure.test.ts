/** The map's pure parts: outlines of all shapes, coordinates in both systems, colours and ages. */

import { describe, expect, it } from "vitest";
import {
  fromLKS92,
  isNear,
  lks92Text,
  parseCoordinates,
  toLKS92,
  wgs84Text,
} from "../src/map/coordinates";
import { boundsOf, distanceM, offset, outlineOf, type Outline } from "../src/map/geodesy";
import { ageOf, COLOURS, freshnessOf, headingOf, lengthText, roundedAge } from "../src/map/look";
import { MARKS_MAX, sceneOf } from "../src/map/scene";
import { nearestZoom, PALETTES, styleOf } from "../src/map/style";
import { SOURCES, type MapFile, type MapLocation, type Pair, type Shape } from "../src/map/types";
import shapes from "./shapes.json";

const VECTORS = shapes as unknown as { shape: Shape; bounds: number[] }[];

const RIGA: Pair = [56.9496, 24.1052];
const NOW = Date.parse("2026-11-26T12:00:00Z");

function metresFrom([lat, lon]: Pair, [x, y]: Outline[number]): number {
  return distanceM({ lat, lon }, { lat: y, lon: x });
}

function area(outline: Outline): number {
  const [, middle] = outline[0] ?? [0, 0];
  const metres = 111_195;
  const flat = outline.map(([x, y]) => [x * metres * Math.cos((middle * Math.PI) / 180), y * metres]);
  let doubled = 0;
  for (let at = 1; at < flat.length; at += 1) {
    const [[x1 = 0, y1 = 0], [x2 = 0, y2 = 0]] = [flat[at - 1] ?? [], flat[at] ?? []];
    doubled += x1 * y2 - x2 * y1;
  }
  return Math.abs(doubled) / 2;
}

function location(changes: Partial<MapLocation> = {}): MapLocation {
  return {
    location_id: "one",
    kind: "caller",
    source: "aml",
    lat: RIGA[0],
    lon: RIGA[1],
    shape: { type: "Circle", centre: RIGA, radius_m: 50 },
    radius_m: 50,
    confidence: null,
    observed_at: null,
    received_at: "2026-11-26T11:59:00Z",
    ...changes,
  };
}

describe("distances", () => {
  it("agree with known ones", () => {
    // A degree of latitude; Rīga to Liepāja, 195.8 km on the ellipsoid.
    expect(distanceM({ lat: 56, lon: 24 }, { lat: 57, lon: 24 })).toBeCloseTo(111_195, -1);
    const liepaja = distanceM({ lat: 56.9496, lon: 24.1052 }, { lat: 56.5047, lon: 21.0108 });
    expect(Math.abs(liepaja / 195_780 - 1)).toBeLessThan(0.005);
    expect(distanceM({ lat: 0, lon: 0 }, { lat: 0, lon: 180 })).toBeCloseTo(Math.PI * 6_371_008.8, 0);
  });

  it.each([0, 45, 90, 179, 270, 359])("are those of a place in the direction %d", (bearing) => {
    expect(metresFrom(RIGA, offset(RIGA, bearing, 12_345))).toBeCloseTo(12_345, 3);
  });
});

describe("outlines", () => {
  const flat = { centre: RIGA, semi_major_m: 400, semi_minor_m: 100, orientation_deg: 90 };
  const square: Pair[] = [
    [56.94, 24.1],
    [56.94, 24.11],
    [56.95, 24.11],
    [56.95, 24.1],
    [56.94, 24.1],
  ];
  const shapes: [Shape, number][] = [
    [{ type: "Circle", centre: RIGA, radius_m: 500 }, Math.PI * 500 ** 2],
    [{ type: "Sphere", centre: RIGA, altitude_m: 20, radius_m: 500 }, Math.PI * 500 ** 2],
    [{ type: "Ellipse", ...flat }, Math.PI * 400 * 100],
    [{ type: "Ellipsoid", altitude_m: 1, vertical_axis_m: 5, ...flat }, Math.PI * 400 * 100],
    [
      {
        type: "ArcBand",
        apex: RIGA,
        inner_radius_m: 1_000,
        outer_radius_m: 3_000,
        start_angle_deg: 350,
        opening_angle_deg: 120,
      },
      (Math.PI * (3_000 ** 2 - 1_000 ** 2)) / 3,
    ],
    [{ type: "Polygon", exterior: square }, 1_112 * 606.8],
    [{ type: "Prism", base: square, altitude_m: 0, height_m: 9 }, 1_112 * 606.8],
  ];

  it.each(shapes)("of %j is a closed ring of the right area", (shape, wanted) => {
    const outline = outlineOf(shape);
    expect(outline.length).toBeGreaterThan(3);
    expect(outline.at(-1)).toEqual(outline[0]);
    expect(Math.abs(area(outline) / wanted - 1)).toBeLessThan(0.01);
  });

  it("of a point is that point, longitude first", () => {
    expect(outlineOf({ type: "Point", position: RIGA })).toEqual([[24.1052, 56.9496]]);
  });

  it("of an ellipse lies along its orientation, clockwise from north", () => {
    const [west, south, east, north] = boundsOf([outlineOf({ type: "Ellipse", ...flat })]) ?? [0, 0, 0, 0];
    expect(distanceM({ lat: RIGA[0], lon: west }, { lat: RIGA[0], lon: east })).toBeCloseTo(800, -1);
    expect(distanceM({ lat: south, lon: RIGA[1] }, { lat: north, lon: RIGA[1] })).toBeCloseTo(200, -1);
  });

  it("of an arc band keeps to its radii and to its side of the apex", () => {
    const band = {
      type: "ArcBand",
      apex: RIGA,
      inner_radius_m: 1_000,
      outer_radius_m: 3_000,
      start_angle_deg: 10,
      opening_angle_deg: 160,
    } as const;
    for (const point of outlineOf(band)) {
      const metres = metresFrom(RIGA, point);
      expect(metres).toBeGreaterThan(999.9);
      expect(metres).toBeLessThan(3_000.1);
      expect(point[0]).toBeGreaterThan(RIGA[1]);
    }
  });

  // The same file holds the server's own outlines to the same bounds.
  it.each(VECTORS)("are where the server has them: $shape", ({ shape, bounds }) => {
    const found = boundsOf([outlineOf(shape)]) ?? [0, 0, 0, 0];
    const [west, south, east, north] = bounds as [number, number, number, number];
    const size = distanceM({ lat: south, lon: west }, { lat: north, lon: east });
    for (const [ours, theirs] of [
      [{ lat: found[1], lon: found[0] }, { lat: south, lon: west }],
      [{ lat: found[3], lon: found[2] }, { lat: north, lon: east }],
    ] as const) {
      expect(distanceM(ours, theirs)).toBeLessThanOrEqual(0.005 * size);
    }
  });

  it("closes an open polygon and does not tear one apart at the antimeridian", () => {
    const corners: Pair[] = [
      [10, 179],
      [10, -179],
      [11, -179],
    ];
    const outline = outlineOf({ type: "Polygon", exterior: corners });
    expect(outline).toEqual([[179, 10], [181, 10], [181, 11], [179, 10]]); // prettier-ignore
    expect(outlineOf({ type: "Polygon", exterior: [] })).toEqual([]);
  });

  it("of nothing have no bounds", () => {
    expect(boundsOf([])).toBeNull();
  });
});

describe("LKS-92", () => {
  // By pyproj 3.7.2 (PROJ 9.5.1), EPSG:4326 to EPSG:3059.
  it.each([
    [56.9496, 24.1052, 311_780.575, 506_399.312],
    [57.5, 21.6, 375_586.77, 356_183.716],
    [55.7, 27.9, 179_585.146, 745_046.208],
  ])("of %d, %d is what PROJ says", (lat, lon, x, y) => {
    const found = toLKS92({ lat, lon });
    expect(Math.abs(found.x - x)).toBeLessThan(0.01);
    expect(Math.abs(found.y - y)).toBeLessThan(0.01);
    const back = fromLKS92(found);
    expect(distanceM(back, { lat, lon })).toBeLessThan(0.001);
  });

  it("is not written for places where it does not hold", () => {
    expect(lks92Text({ lat: 48.85, lon: 2.35 })).toBeNull();
    expect(isNear({ lat: 56.9, lon: 24.1 })).toBe(true);
  });
});

describe("typed coordinates", () => {
  it.each([
    "56.9496, 24.1052",
    "56.9496,24.1052",
    "56.9496 24.1052",
    "  56.9496 ;24.1052 ",
    "56,9496 24,1052",
    "56,9496; 24,1052",
    "56,9496,24,1052",
    "N 56.9496 E 24.1052",
    "56.9496N 24.1052E",
    "56.9496° 24.1052°",
    "lat: 56.9496, lon: 24.1052",
    "56°56.976' 24°6.312'",
    "56°56'58.56\"N 24°6'18.72\"E",
    "N56° 56′ 58,56″, E24° 6′ 18,72″",
  ])("%s are WGS84", (text) => {
    const parsed = parseCoordinates(text);
    if ("fault" in parsed) throw new Error(`${text}: ${parsed.fault}`);
    expect(parsed.system).toBe("wgs84");
    expect(parsed.position.lat).toBeCloseTo(56.9496, 4);
    expect(parsed.position.lon).toBeCloseTo(24.1052, 4);
  });

  it.each([
    "311781 506399",
    "X 311 781, Y 506 399",
    "LKS-92 X 311 781, Y 506 399",
    "x=311781.4; y=506399.2",
    "506399, 311781",
    "Y 506399 X 311781",
    "E 506399 N 311781",
    "311 781 506 399",
  ])("%s are LKS-92", (text) => {
    const parsed = parseCoordinates(text);
    if ("fault" in parsed) throw new Error(`${text}: ${parsed.fault}`);
    expect(parsed.system).toBe("lks92");
    expect(distanceM(parsed.position, { lat: 56.9496, lon: 24.1052 })).toBeLessThan(2);
  });

  it("takes north first where both orders are possible, and letters over the order", () => {
    const places = ["390000 380000", "380000 390000", "Y 390000 X 380000"].map((text) => {
      const parsed = parseCoordinates(text);
      return "fault" in parsed ? null : toLKS92(parsed.position);
    });
    expect(places.map((place) => Math.round(place?.x ?? 0))).toEqual([390_000, 380_000, 380_000]);
  });

  it("keeps the sign of south and west", () => {
    expect(parseCoordinates("-33.9 -70.5")).toMatchObject({ position: { lat: -33.9, lon: -70.5 } });
    expect(parseCoordinates("33.9S 70.5W")).toMatchObject({ position: { lat: -33.9, lon: -70.5 } });
    expect(parseCoordinates("33°54'S 70°30'W")).toMatchObject({ position: { lat: -33.9, lon: -70.5 } });
  });

  it.each([
    ["", "empty"],
    ["   ", "empty"],
    ["Brīvības iela 1", "unreadable"],
    ["56.9496", "unreadable"],
    ["56,9496", "unreadable"],
    ["56.9 24.1 12", "unreadable"],
    ["X 311781 X 506399", "unreadable"],
    ["5".repeat(200), "unreadable"],
    ["91.0 24.1", "outside"],
    ["56.9 181.0", "outside"],
    ["56°61' 24°6'", "outside"],
    ["6311781 506399", "outside"],
  ])("%j is %s", (text, fault) => {
    expect(parseCoordinates(text)).toEqual({ fault });
  });

  it("reads back what it writes", () => {
    for (const place of [{ lat: 56.9496, lon: 24.1052 }, { lat: -1.5, lon: -179.99999 }, { lat: 57.9, lon: 21.1 }]) {
      for (const text of [wgs84Text(place), lks92Text(place)]) {
        if (text === null) continue;
        const parsed = parseCoordinates(text);
        if ("fault" in parsed) throw new Error(`${text}: ${parsed.fault}`);
        expect(distanceM(parsed.position, place)).toBeLessThan(1);
      }
    }
  });

  it("never throws, and answers at once", () => {
    const letters = "0123456789.,;-+°'\"NSEWXY= lkLKSatn";
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let round = 0; round < 3_000; round += 1) {
      const text = Array.from({ length: random(100) }, () => letters[random(letters.length)]).join("");
      const parsed = parseCoordinates(text);
      if ("fault" in parsed) continue;
      expect(Math.abs(parsed.position.lat)).toBeLessThanOrEqual(90);
      expect(Math.abs(parsed.position.lon)).toBeLessThanOrEqual(180);
    }
  });
});

describe("looks", () => {
  it("has a colour of its own for each source", () => {
    expect(new Set(SOURCES.map((source) => COLOURS[source])).size).toBe(SOURCES.length);
  });

  it("counts the age from the fix, and from the arrival where nobody told it", () => {
    expect(ageOf(location(), NOW)).toBe(60);
    expect(ageOf(location({ observed_at: "2026-11-26T11:50:00Z" }), NOW)).toBe(600);
    expect(ageOf(location({ observed_at: "2026-11-26T13:00:00Z" }), NOW)).toBe(0);
    expect(ageOf(location({ received_at: "never" }), NOW)).toBe(0);
  });

  it.each([
    [0, "fresh", "s", 0],
    [119.9, "fresh", "s", 119],
    [120, "fresh", "min", 2],
    [600, "ageing", "min", 10],
    [601, "old", "min", 10],
    [7_200, "old", "h", 2],
    [172_800, "old", "d", 2],
  ] as const)("calls %d s %s and %s %d", (age, freshness, unit, count) => {
    expect(freshnessOf(age)).toBe(freshness);
    expect(roundedAge(age)).toEqual({ unit, count });
  });

  it("writes lengths in the person's language", () => {
    expect(lengthText(35.4, "lv")).toBe("35 m");
    expect(lengthText(1_234, "lv")).toBe("1,2 km");
    expect(lengthText(48_400, "en")).toBe("48 km");
  });

  it.each([
    [{ direction_deg: 90 }, 90],
    [{ direction: 90 }, 90],
    [{ direction: 0 }, 0],
    [{ direction: 360 }, null],
    [{ direction: "90" }, null],
    [{}, null],
  ])("takes the heading from %j", (data, heading) => {
    expect(headingOf(location({ data }))).toBe(heading);
  });
});

describe("scenes", () => {
  const texts = { location: () => "words", conflict: (metres: number) => `${Math.round(metres)} m` };
  const nothing = { locations: [], current: null, conflicts: [], candidates: [], units: [] };

  it("mark the current location and draw the line of a conflict", () => {
    const other = location({ location_id: "two", source: "msd", lat: 57, shape: { type: "Point", position: [57, RIGA[1]] } });
    const scene = sceneOf(
      {
        ...nothing,
        locations: [location(), other],
        current: "one",
        conflicts: [["one", "two"], ["one", "gone"]],
        candidates: [{ id: "c", lat: 57, lon: 24, text: "Brīvības iela 1" }],
        units: [{ unit_id: "u", lat: 57, lon: 24, call_sign: "101" }],
      },
      NOW,
      texts,
    );
    expect(scene.marks.map(({ kind, current }) => [kind, current])).toEqual([
      ["location", true],
      ["car", false],
      ["conflict", false],
      ["candidate", false],
      ["unit", false],
    ]);
    expect(scene.areas.features).toHaveLength(1);
    expect(scene.lines.features).toHaveLength(1);
    expect(scene.marks[2]?.text).toBe("5604 m");
  });

  it("tell a move of the current location, and nothing else", () => {
    const key = (locations: MapLocation[], now = NOW): string | null =>
      sceneOf({ ...nothing, locations, current: "one" }, now, texts).currentKey;
    const before = key([location()]);
    expect(key([location(), location({ location_id: "two" })], NOW + 60_000)).toBe(before);
    expect(key([location({ lat: 56.95 })])).not.toBe(before);
    expect(key([])).toBeNull();
  });

  it("are bounded, and keep the newest", () => {
    const many = Array.from({ length: 3 * MARKS_MAX }, (_, at) => location({ location_id: String(at) }));
    const { marks } = sceneOf({ ...nothing, locations: many }, NOW, texts);
    expect(marks).toHaveLength(MARKS_MAX);
    expect(marks.at(-1)?.key).toBe(`location/${3 * MARKS_MAX - 1}`);
  });
});

describe("styles", () => {
  const file = (name: string): MapFile => ({
    name,
    url: `/map/${name}.pmtiles?v=1`,
    bytes: 1,
    bounds: [20, 55, 29, 59],
    min_zoom: 3,
    max_zoom: 9,
    attribution: "",
    built_at: "",
  });

  it("draw the base first, names last, and ask no other server", () => {
    const style = styleOf([file("base"), file("street")], "light", "https://112.example.org");
    expect(style.glyphs).toBeUndefined();
    expect(style.sprite).toBeUndefined();
    const addresses = Object.values(style.sources).map((source) => ("url" in source ? source.url : ""));
    expect(addresses).toEqual([
      "pmtiles://https://112.example.org/map/base.pmtiles?v=1",
      "pmtiles://https://112.example.org/map/street.pmtiles?v=1",
    ]);
    const types = style.layers.map(({ type }) => type);
    expect(types[0]).toBe("background");
    expect(types.slice(types.indexOf("symbol")).every((type) => type === "symbol")).toBe(true);
    expect(new Set(style.layers.map(({ id }) => id)).size).toBe(style.layers.length);
  });

  it("write the names of places once", () => {
    const last = (street: MapFile): number | undefined =>
      styleOf([file("base"), street], "dark", "https://x").layers.find(({ id }) => id === "base-place")?.maxzoom;
    expect(last(file("street"))).toBe(10);
    expect(last({ ...file("street"), bounds: [24, 56.8, 24.4, 57.1] })).toBe(24);
  });

  it("go nearer where there are streets", () => {
    expect(nearestZoom([file("base")])).toBeLessThan(nearestZoom([file("base"), file("street")]));
  });

  it("tell land, sea and nowhere apart by day and by night", () => {
    for (const { land, home, sea, nowhere } of Object.values(PALETTES)) {
      expect(new Set([land, home, sea, nowhere]).size).toBe(4);
    }
  });
});
