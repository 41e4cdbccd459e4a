/** The catalogue's editor: the tree of types, answers and what they set, outlines from GeoJSON, saving. */

import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import i18next from "i18next";
import { beforeEach, describe, expect, it } from "vitest";
import { CataloguePage } from "../src/catalogue/CataloguePage";
import { codeProblem, DELIVERIES, LISTS, QUESTION_KINDS, SERVICE_KINDS, treeOf } from "../src/catalogue/document";
import { codeOf, extentOf, GeoJSONInvalid, readGeoJSON } from "../src/catalogue/geojson";
import { CATALOGUE } from "../src/catalogue/kind";
import { FORMS } from "../src/catalogue/specs";
import { itemsOf, type AnyDocument } from "../src/documents/kind";
import { renamed, usesOf } from "../src/documents/references";
import { fieldName, type Spec } from "../src/documents/specs";
import { changeLanguage } from "../src/i18n";
import { FakeAPI, FakeLive, expectAccessible, stage } from "./routing-stage";

const titles = (text: string) => ({ lv: text, ru: text, en: text });

function catalogue(): AnyDocument {
  return CATALOGUE.completed({
    types: [
      { code: "crash.injured", titles: titles("Crash with injured"), parent: "crash" },
      { code: "crash", titles: titles("Crash"), priority: 5, services: ["police"], questions: ["injured"] },
      { code: "fire", titles: titles("Fire"), priority: 8 },
    ],
    questions: [
      {
        code: "injured",
        titles: titles("Is anybody injured?"),
        kind: "yes_no",
        answers: [{ code: "yes", titles: titles("Yes"), type: "crash.injured" }],
      },
    ],
    services: [{ code: "police", titles: titles("Police"), kind: "police" }],
    areas: [],
  });
}

const RING = [
  [24, 56],
  [25, 56],
  [25, 57],
  [24, 56],
];

let api: FakeAPI;
let live: FakeLive;

beforeEach(async () => {
  localStorage.clear();
  await changeLanguage("en");
  api = new FakeAPI();
  live = new FakeLive();
  api.install();
  api.on("GET /api/catalogue/current", {
    body: { version: 3, newest: 3, saved_at: "2026-03-01T08:00:00Z", author: "Zane", comment: "", document: catalogue() },
  });
  api.on("POST /api/catalogue/check", { body: { problems: [] } });
  api.on("PUT /api/catalogue", { body: { version: 4 } });
  api.on("GET /api/catalogue/versions", { body: { versions: [], next: null } });
});

async function open(): Promise<void> {
  stage(<CataloguePage onClose={() => undefined} />, live);
  await screen.findByTestId("catalogue-version");
  await screen.findAllByTestId("item");
}

async function save(): Promise<AnyDocument> {
  await userEvent.click(screen.getByTestId("save"));
  await userEvent.click(await screen.findByTestId("save-confirm"));
  await waitFor(() => expect(api.askedFor("PUT /api/catalogue")).toHaveLength(1));
  const [asked] = api.askedFor("PUT /api/catalogue");
  expect(asked?.headers.get("If-Match")).toBe('"3"');
  return (asked?.body as { document: AnyDocument }).document;
}

describe("the page", () => {
  it("shows the types as a tree and is accessible", async () => {
    await open();
    const names = screen.getAllByTestId("item").map((item) => item.textContent);
    expect(names).toEqual(["Crashcrash", "Crash with injuredcrash.injured", "Firefire"]);
    await expectAccessible();
  });

  it.each(["lv", "ru"] as const)("has all texts in %s", async (language) => {
    await open();
    await changeLanguage(language);
    for (const section of LISTS) {
      await userEvent.click(screen.getByTestId(`section-${section}`));
      expect(document.body.textContent).not.toMatch(/catalogue\.|document\.|\{\{/);
    }
  });

  it("saves a changed priority and an added service over the version that was seen", async () => {
    await open();
    await userEvent.click(screen.getByText("Fire"));
    const priority = screen.getByLabelText("Priority");
    await userEvent.clear(priority);
    await userEvent.type(priority, "9");
    await userEvent.selectOptions(screen.getByLabelText("Add to: Services"), "police");
    const saved = await save();
    expect(itemsOf(saved, "types")[2]).toMatchObject({ code: "fire", priority: 9, services: ["police"] });
  });

  it("says at once what is out of bounds, and does not save it", async () => {
    await open();
    fireEvent.change(screen.getByLabelText("Priority"), { target: { value: "11" } });
    expect(screen.getByLabelText("Priority")).toHaveAccessibleDescription(/Choose a value from 0 to 10/);
    await userEvent.click(screen.getByTestId("save"));
    expect(await screen.findByTestId("save-confirm")).toBeDisabled();
  });

  it("shows the server's problems beside the field, in the reader's language", async () => {
    const problem = { path: "types[1].questions[0]", code: "unknown_question", text: "x", params: { name: "gone" } };
    api.on("POST /api/catalogue/check", { body: { problems: [problem] } });
    await open();
    await waitFor(() => expect(screen.getByTestId("problem-list")).toHaveTextContent(/There is no question “gone”/));
    await userEvent.click(within(screen.getByTestId("problem-list")).getByRole("button"));
    expect(screen.getByRole("heading", { name: "Crash" })).toBeVisible();
  });

  it("adds an answer with what it sets", async () => {
    await open();
    await userEvent.click(screen.getByTestId("section-questions"));
    await userEvent.click(screen.getByTestId("add-answers"));
    const [, added] = screen.getAllByTestId("part");
    if (!added) throw new Error("no second answer");
    await userEvent.type(within(added).getByLabelText("Code"), "no");
    await userEvent.type(within(added).getByLabelText("English"), "No");
    await userEvent.selectOptions(within(added).getByLabelText("Becomes the type"), "fire");
    const saved = await save();
    const [question] = itemsOf(saved, "questions");
    expect((question?.answers as unknown[])[1]).toMatchObject({ code: "no", type: "fire", priority: null });
  });

  it("takes areas over from GeoJSON, a new one and a new outline", async () => {
    await open();
    await userEvent.click(screen.getByTestId("section-areas"));
    const text = JSON.stringify({
      type: "FeatureCollection",
      features: [
        { type: "Feature", properties: { name: "Rīga" }, geometry: { type: "Polygon", coordinates: [RING] } },
        { type: "Feature", properties: { name: "A road" }, geometry: { type: "LineString", coordinates: RING } },
      ],
    });
    fireEvent.change(screen.getByTestId("geojson-text"), { target: { value: text } });
    await userEvent.click(screen.getByTestId("geojson-take"));
    expect(await screen.findByTestId("extent")).toHaveTextContent("Polygons: 1, corners: 4. Longitude 24 to 25");
    const saved = await save();
    expect(itemsOf(saved, "areas")).toEqual([{ code: "riga", titles: titles("Rīga"), polygons: [[RING]] }]);
  });

  it("says what is wrong with a file and keeps the draft", async () => {
    await open();
    await userEvent.click(screen.getByTestId("section-areas"));
    fireEvent.change(screen.getByTestId("geojson-text"), { target: { value: "{" } });
    await userEvent.click(screen.getByTestId("geojson-take"));
    expect(screen.getByTestId("geojson-failed")).toHaveTextContent("This is no JSON.");
    expect(screen.getByTestId("save")).toBeDisabled();
  });

  it("renames a code together with what refers to it", async () => {
    await open();
    const code = screen.getByTestId("item-name");
    await userEvent.clear(code);
    await userEvent.type(code, "accident.injured{Enter}");
    const saved = await save();
    const [question] = itemsOf(saved, "questions");
    expect((question?.answers as unknown[])[0]).toMatchObject({ type: "accident.injured" });
  });
});

describe("the pure parts", () => {
  it("show types in a circle too", () => {
    const circle = [{ code: "a", parent: "b" }, { code: "b", parent: "a" }, { code: "c", parent: "c" }, { code: "d", parent: "c" }];
    expect(treeOf(circle)).toEqual([
      { index: 2, depth: 0 },
      { index: 3, depth: 1 },
      { index: 0, depth: 0 },
      { index: 1, depth: 0 },
    ]);
  });

  it("know what refers to an item", () => {
    expect(usesOf(CATALOGUE, catalogue(), "types", "crash.injured")).toBe(1);
    const after = renamed(CATALOGUE, catalogue(), "services", 0, "vp");
    expect(itemsOf(after, "types")[1]).toMatchObject({ services: ["vp"] });
  });

  it.each([
    ["", "required"],
    ["Fire", "name_shape"],
    ["fire", "name_taken"],
    ["fire.building-2_x", null],
  ])("judge the code %j: %s", (code, problem) => {
    expect(codeProblem(code, ["fire"])).toBe(problem);
  });

  it("make codes of names", () => {
    expect(codeOf("Ķekavas novads ")).toBe("kekavas_novads");
    expect(codeOf("Рига")).toBe("");
    expect(codeOf("a".repeat(100))).toHaveLength(64);
  });

  it("read every geometry with polygons, without heights and noise", () => {
    const high = RING.map(([x, y]) => [x, y, 12.5]);
    const polygon = { type: "Polygon", coordinates: [high] };
    expect(readGeoJSON(JSON.stringify(polygon))).toEqual([{ name: "", polygons: [[RING]] }]);
    const many = { type: "Feature", id: 7, geometry: { type: "GeometryCollection", geometries: [polygon, polygon] } };
    expect(readGeoJSON(JSON.stringify(many))).toEqual([{ name: "7", polygons: [[RING], [RING]] }]);
    const noisy = { type: "MultiPolygon", coordinates: [[[[24.12345678, 56]]]] };
    expect(readGeoJSON(JSON.stringify(noisy))[0]?.polygons).toEqual([[[[24.123457, 56]]]]);
  });

  it.each([
    ["", "not_json"],
    ["[]", "not_geojson"],
    ["{}", "no_polygons"],
    ['{"type":"FeatureCollection","features":7}', "not_geojson"],
    ['{"type":"FeatureCollection","features":[7]}', "not_geojson"],
    ['{"type":"Polygon","coordinates":[[[24]]]}', "bad_position"],
    ['{"type":"Polygon","coordinates":[[["24", 56]]]}', "bad_position"],
    ['{"type":"Polygon","coordinates":[[[312345, 6312345]]]}', "bad_position"],
    ['{"type":"Polygon","coordinates":{}}', "not_geojson"],
  ])("refuse %s as %s", (text, code) => {
    let refused: unknown = null;
    try {
      readGeoJSON(text);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(GeoJSONInvalid);
    expect(refused).toMatchObject({ code });
  });

  it("measure an outline, however many corners it has", () => {
    const ring = Array.from({ length: 200_000 }, (_, number) => [number / 200_000, 56] as const);
    expect(extentOf([[ring]])).toMatchObject({ corners: 200_000, west: 0, south: 56, north: 56 });
    expect(extentOf([])).toBeNull();
  });
});

/** Server codes (`ccserver/catalogue/problems.py`). */
const CODES = `shape duplicate_name out_of_range too_many too_long bad_character bad_code bad_phone title_empty
  unknown_type unknown_question unknown_hazard unknown_service unknown_area type_loop type_too_deep question_loop
  answers_missing answers_unused yes_no_codes area_empty too_many_vertices ring_short ring_open position_outside
  area_crosses_itself area_invalid title_missing types_none question_unasked service_inactive
  type_without_service swapped`.split(/\s+/);

function has(language: string, key: string): boolean {
  return [`catalogue.${key}`, `document.${key}`].some((full) => i18next.exists(full, { lng: language, fallbackLng: [] }));
}

function specsOf(specs: readonly Spec[]): Spec[] {
  return specs.flatMap((spec) => [spec, ...(spec.kind === "parts" ? specsOf(spec.fields) : [])]);
}

it.each(["en", "lv", "ru"])("has every text in %s", (language) => {
  const groups = Object.values(FORMS).flat();
  const keys = [
    ...CODES.map((code) => `problem.${code}`),
    ...specsOf(groups.flatMap((group) => group.fields)).flatMap((spec) => [`field.${fieldName(spec)}`, `help.${fieldName(spec)}`]),
    ...groups.map((group) => `group.${group.name}`),
    ...LISTS.flatMap((list) => ["section", "about", "empty", "new", "name_label", "name_help"].map((part) => `${part}.${list}`)),
    ...QUESTION_KINDS.map((name) => `question_kind.${name}`),
    ...SERVICE_KINDS.map((name) => `service_kind.${name}`),
    ...DELIVERIES.map((name) => `delivery.${name}`),
  ];
  expect(keys.filter((key) => !has(language, key))).toEqual([]);
});
