/** The editor of how texts are handled: snippets with what they take on the way, layouts, saving. */

import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import i18next from "i18next";
import { beforeEach, describe, expect, it } from "vitest";
import { itemsOf, type AnyDocument } from "../src/documents/kind";
import { fieldName, type Spec } from "../src/documents/specs";
import { changeLanguage } from "../src/i18n";
import { codeProblem, FIELD_KINDS, LAYOUTS, LISTS } from "../src/messaging/document";
import { MESSAGING } from "../src/messaging/kind";
import { MessagingPage, SECTIONS } from "../src/messaging/MessagingPage";
import { ACKNOWLEDGEMENT, FORMS, GENERAL } from "../src/messaging/specs";
import { FakeAPI, FakeLive, expectAccessible, stage } from "./routing-stage";

const titles = (text: string) => ({ lv: text, ru: text, en: text });

function document_(): AnyDocument {
  return MESSAGING.completed({
    snippets: [
      { code: "where", titles: titles("Where?"), texts: { lv: "Kur Jūs esat?", ru: "Где вы?", en: "Where are you?" } },
      { code: "safe", titles: titles("Safe?"), texts: titles("Safe?") },
    ],
    templates: [{ code: "app", titles: titles("App"), prefix: "APP", fields: [{ name: "type", titles: titles("Type") }] }],
  });
}

let api: FakeAPI;
let live: FakeLive;

beforeEach(async () => {
  localStorage.clear();
  await changeLanguage("en");
  api = new FakeAPI();
  live = new FakeLive();
  api.install();
  api.on("GET /api/messaging/current", {
    body: { version: 3, newest: 3, saved_at: "2026-03-01T08:00:00Z", author: "Zane", comment: "", document: document_() },
  });
  api.on("POST /api/messaging/check", { body: { problems: [] } });
  api.on("PUT /api/messaging", { body: { version: 4 } });
  api.on("GET /api/messaging/versions", { body: { versions: [], next: null } });
});

async function open(): Promise<void> {
  stage(<MessagingPage onClose={() => undefined} />, live);
  await screen.findByTestId("messaging-version");
  await screen.findAllByTestId("item");
}

async function save(): Promise<AnyDocument> {
  await userEvent.click(screen.getByTestId("save"));
  await userEvent.click(await screen.findByTestId("save-confirm"));
  await waitFor(() => expect(api.askedFor("PUT /api/messaging")).toHaveLength(1));
  const [asked] = api.askedFor("PUT /api/messaging");
  expect(asked?.headers.get("If-Match")).toBe('"3"');
  return (asked?.body as { document: AnyDocument }).document;
}

describe("the page", () => {
  it("shows the snippets and is accessible", async () => {
    await open();
    expect(screen.getAllByTestId("item").map((item) => item.textContent)).toEqual(["Where?where", "Safe?safe"]);
    await expectAccessible();
  });

  it.each(["lv", "ru"] as const)("has all texts in %s", async (language) => {
    await open();
    await changeLanguage(language);
    for (const section of SECTIONS) {
      await userEvent.click(screen.getByTestId(`section-${section}`));
      expect(document.body.textContent).not.toMatch(/messaging\.|document\.|\{\{/);
    }
  });

  it("tells in how many parts a snippet goes, in each alphabet", async () => {
    await open();
    const texts = within(screen.getByRole("group", { name: "Text" }));
    expect(screen.getByText(/13 of 320 characters. SMS parts: 1 \(all letters\)/)).toBeVisible();
    const english = texts.getByLabelText("English");
    fireEvent.change(english, { target: { value: "a".repeat(161) } });
    expect(screen.getByText(/161 of 320 characters. SMS parts: 2 \(plain letters\)/)).toBeVisible();
    const saved = await save();
    expect(itemsOf(saved, "snippets")[0]).toMatchObject({ texts: { lv: "Kur Jūs esat?", en: "a".repeat(161) } });
  });

  it("switches the acknowledgement on, and shows what the server has against its words", async () => {
    await open();
    await userEvent.click(screen.getByTestId("section-automatic_acknowledgement"));
    await userEvent.click(screen.getByLabelText("In use"));
    const path = "automatic_acknowledgement.texts.en";
    const problem = { path, code: "promise", text: "x", params: { words: "is coming" } };
    api.on("POST /api/messaging/check", { body: { problems: [problem] } });
    fireEvent.change(screen.getByLabelText("English"), { target: { value: "Help is coming" } });
    await waitFor(() => expect(screen.getByLabelText("English")).toHaveAccessibleDescription(/Leave out “is coming”/));
    await userEvent.click(screen.getByTestId("section-snippets"));
    await userEvent.click(within(screen.getByTestId("problem-list")).getByRole("button"));
    expect(screen.getByLabelText("English")).toHaveValue("Help is coming");
  });

  it("adds a value to a layout", async () => {
    await open();
    await userEvent.click(screen.getByTestId("section-templates"));
    await userEvent.click(screen.getByTestId("add-fields"));
    const [, added] = screen.getAllByTestId("part");
    if (!added) throw new Error("no second value");
    await userEvent.type(within(added).getByLabelText("Name"), "where");
    await userEvent.selectOptions(within(added).getByLabelText("Kind"), "position");
    const saved = await save();
    const [template] = itemsOf(saved, "templates");
    expect((template?.fields as unknown[])[1]).toEqual({
      name: "where",
      titles: titles(""),
      kind: "position",
      key: "",
      required: false,
    });
  });

  it("tries a text on the layouts of the draft", async () => {
    const found = {
      template: "app",
      fields: [{ name: "type", value: "fire", titles: titles("Type") }],
      latitude: 56.95,
      longitude: 24.1,
      radius_m: null,
      rest: "fast",
    };
    api.on("POST /api/messaging/read", { body: { found } });
    await open();
    await userEvent.click(screen.getByTestId("section-templates"));
    await userEvent.click(screen.getByText("Try a text"));
    await userEvent.type(screen.getByLabelText("A text as the app makes it"), "APP;fire");
    await userEvent.click(screen.getByText("Read it"));
    const told = await screen.findByTestId("try-told");
    expect(told).toHaveTextContent("Read by: AppTypefirePlace: 56.95, 24.1Left over: fast");
    const [asked] = api.askedFor("POST /api/messaging/read");
    expect(asked?.body).toMatchObject({ text: "APP;fire", templates: [{ code: "app", prefix: "APP" }] });
    await expectAccessible();

    api.on("POST /api/messaging/read", { body: { found: null } });
    await userEvent.click(screen.getByText("Read it"));
    await waitFor(() => expect(screen.getByTestId("try-told")).toHaveTextContent("It is of none of these layouts"));
  });

  it("changes what stands in no list, and says at once what is out of bounds", async () => {
    await open();
    await userEvent.click(screen.getByTestId("section-general"));
    const kept = screen.getByLabelText("Kept open for");
    fireEvent.change(kept, { target: { value: "30" } });
    expect(kept).toHaveAccessibleDescription(/Choose a value from 0.5 to 24/);
    await userEvent.click(screen.getByTestId("section-snippets"));
    await userEvent.click(within(screen.getByTestId("problem-list")).getByRole("button"));
    fireEvent.change(screen.getByLabelText("Kept open for"), { target: { value: "2.5" } });
    const languages = screen.getByLabelText("Languages");
    await userEvent.clear(languages);
    await userEvent.type(languages, "lv uk");
    await userEvent.click(screen.getByText("Add a number"));
    await userEvent.type(screen.getByLabelText("Our number"), "112");
    await userEvent.type(screen.getByLabelText("Queue"), "texts");
    expect(await save()).toMatchObject({
      keep_open_h: 2.5,
      languages: ["lv", "uk"],
      queues: [{ number: "112", queue: "texts" }],
    });
  });
});

it.each([
  ["", "required"],
  ["Where", "name_shape"],
  ["where", "name_taken"],
  ["where.now-2_x", null],
])("judges the code %j: %s", (code, problem) => {
  expect(codeProblem(code, ["where"])).toBe(problem);
});

/** Server codes (`ccserver/messaging/problems.py`). */
const CODES = `shape duplicate_name out_of_range too_many too_long bad_character bad_code bad_number title_empty
  text_empty promise unknown_language fields_none takes_all separator_empty separator_twice key_missing kind_twice
  title_missing text_missing snippet_promise languages_none place_half`.split(/\s+/);

function has(language: string, key: string): boolean {
  return [`messaging.${key}`, `document.${key}`].some((full) => i18next.exists(full, { lng: language, fallbackLng: [] }));
}

function specsOf(specs: readonly Spec[]): Spec[] {
  return specs.flatMap((spec) => {
    if (spec.kind === "parts") return [spec, ...specsOf(spec.fields)];
    return spec.kind === "rows" ? [spec, ...specsOf(spec.columns)] : [spec];
  });
}

it.each(["en", "lv", "ru"])("has every text in %s", (language) => {
  const groups = [...Object.values(FORMS).flat(), ...ACKNOWLEDGEMENT, ...GENERAL];
  const keys = [
    ...CODES.map((code) => `problem.${code}`),
    ...specsOf(groups.flatMap((group) => group.fields)).flatMap((spec) => [`field.${fieldName(spec)}`, `help.${fieldName(spec)}`]),
    ...groups.map((group) => `group.${group.name}`),
    ...SECTIONS.map((section) => `section.${section}`),
    ...LISTS.flatMap((list) => ["about", "empty", "new", "name_label", "name_help"].map((part) => `${part}.${list}`)),
    ...LAYOUTS.map((name) => `layout_kind.${name}`),
    ...FIELD_KINDS.map((name) => `field_kind.${name}`),
  ];
  expect(keys.filter((key) => !has(language, key))).toEqual([]);
});
