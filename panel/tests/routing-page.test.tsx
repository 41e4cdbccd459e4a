/**
 * The editor of the plan on screen over a fake server: loading, editing with undo, problems at
 * their fields, saving, conflicts, drafts, versions, YAML, the matrix of call takers, keyboard.
 */

import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { changeLanguage } from "../src/i18n";
import type { RoutingDocument } from "../src/routing/document";
import { setIn } from "../src/documents/paths";
import { RoutingPage } from "../src/routing/RoutingPage";
import { plan } from "./routing-samples";
import { FakeAPI, FakeLive, expectAccessible, stage } from "./routing-stage";

// The check for barriers takes seconds on a busy machine; a test that passes never waits for this.
vi.setConfig({ testTimeout: 60_000 });

const SECTIONS = ["skills", "agents", "schedules", "entries", "prompts", "directory", "sites", "general", "history"];

let api: FakeAPI;
let live: FakeLive;

function answer(version: number, document: RoutingDocument = plan(), author = "Zane") {
  return { version, newest: version, saved_at: "2026-11-23T14:00:00Z", author, comment: "winter", document };
}

beforeEach(() => {
  api = new FakeAPI();
  live = new FakeLive();
  api.on("GET /api/routing", { body: answer(5) });
  api.on("POST /api/routing/check", { body: { problems: [] } });
  api.on("PUT /api/routing", { body: { version: 6 } });
  api.on("GET /api/routing/versions", { body: { versions: [], next: null } });
  api.install();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

async function open(): Promise<ReturnType<typeof stage>> {
  const shown = stage(<RoutingPage onClose={() => undefined} />, live);
  await screen.findByTestId("queue-sentence");
  return shown;
}

function type(label: RegExp | string, value: string): void {
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
}

const savedDocument = (): RoutingDocument =>
  (api.askedFor("PUT /api/routing").at(-1)?.body as { document: RoutingDocument }).document;

it("edits the beginnings of numbers that may be typed in one line, and shows what is wrong there", async () => {
  await open();
  await userEvent.click(screen.getByTestId("section-general"));
  const denied = screen.getByLabelText("Denied beginnings");
  expect(denied).toHaveValue("90 +979");
  const wrong = { path: "general.dialling.deny[2]", code: "bad_prefix", text: "", severity: "error", params: { prefix: "x" } };
  api.on("POST /api/routing/check", { body: { problems: [wrong] } });
  await userEvent.type(denied, ", x");
  expect(denied).toHaveValue("90 +979, x");
  await waitFor(() => expect(denied).toHaveAccessibleDescription(/Write the beginning “x” as digits/));
  api.on("POST /api/routing/check", { body: { problems: [] } });
  await userEvent.clear(denied);
  await userEvent.type(denied, "90  +882 ");
  await userEvent.tab();
  expect(denied).toHaveValue("90 +882");
  type("Allowed beginnings", "+371 1");
  await waitFor(() => expect(denied).not.toHaveAccessibleDescription(/Write the beginning/));
  await userEvent.click(screen.getByTestId("save"));
  await userEvent.click(await screen.findByTestId("save-confirm"));
  await waitFor(() => expect(api.askedFor("PUT /api/routing")).toHaveLength(1));
  expect(savedDocument().general.dialling).toEqual({ allow: ["+371", "1"], deny: ["90", "+882"] });
});

describe("opening", () => {
  it("shows the plan, its version, and how the first queue works", async () => {
    await open();
    expect(screen.getByTestId("routing-version")).toHaveTextContent(/Version 5, Zane/);
    expect(screen.getByTestId("queue-sentence")).toHaveTextContent(/after 40 s also the queue “office”/);
    expect(within(screen.getByTestId("queue-steps")).getAllByRole("listitem")).toHaveLength(5);
    expect(screen.getByTestId("save")).toBeDisabled();
  });

  it.each([
    [403, "forbidden", /do not have the right/],
    [503, "database_unavailable", /database does not answer/],
    [0, "", /server does not answer/],
  ])("says why it cannot (%d), and tries again", async (status, error, text) => {
    api.on("GET /api/routing", { status, body: { code: error } });
    stage(<RoutingPage onClose={() => undefined} />, live);
    expect(await screen.findByTestId("routing-failed")).toHaveTextContent(text);
    await expectAccessible();
    api.on("GET /api/routing", { body: answer(5) });
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByTestId("queue-sentence");
  });

  it("shows an empty plan with what is missing in each part", async () => {
    const empty = plan({ queues: [], skills: [], sites: [], schedules: [], entries: [], prompts: [], directory: [], agents: [] });
    api.on("GET /api/routing", { body: answer(0, empty) });
    stage(<RoutingPage onClose={() => undefined} />, live);
    expect(await screen.findByTestId("items-empty")).toHaveTextContent("There are no queues yet");
    for (const section of ["skills", "schedules", "entries", "prompts", "directory", "sites"]) {
      await userEvent.click(screen.getByTestId(`section-${section}`));
      expect(screen.getByTestId("items-empty")).not.toHaveTextContent(/^$/);
    }
  });

  it.each(["lv", "ru"] as const)("has all texts of every part in %s", async (language) => {
    await changeLanguage(language);
    await open();
    for (const section of SECTIONS) {
      await userEvent.click(screen.getByTestId(`section-${section}`));
      expect(screen.getByTestId("routing").textContent).not.toMatch(/routing\.|people\.|\{\{|undefined/);
    }
  });

  it.each(SECTIONS)("has no barrier in the part %s", async (section) => {
    await open();
    await userEvent.click(screen.getByTestId(`section-${section}`));
    await expectAccessible();
  });
});

describe("editing", () => {
  it("changes the sentence while typing, and undoes by Ctrl+Z", async () => {
    await open();
    type("Alarm after", "45");
    expect(screen.getByTestId("queue-sentence")).toHaveTextContent("after 45 s supervisors");
    await userEvent.keyboard("{Control>}z{/Control}");
    expect(screen.getByTestId("queue-sentence")).toHaveTextContent("after 30 s supervisors");
    expect(screen.getByLabelText("Alarm after")).toHaveValue("30");
    await userEvent.keyboard("{Control>}{Shift>}z{/Shift}{/Control}");
    expect(screen.getByLabelText("Alarm after")).toHaveValue("45");
  });

  it("leaves Ctrl+Z alone while the page is out of sight", async () => {
    const { container } = await open();
    type("Alarm after", "45");
    container.querySelector<HTMLElement>(".page")?.setAttribute("hidden", "");
    fireEvent.keyDown(document.body, { key: "z", ctrlKey: true });
    expect(screen.getByLabelText("Alarm after")).toHaveValue("45");
  });

  it("tells bounds while typing, and blocks saving", async () => {
    await open();
    type("Class", "12");
    expect(screen.getByLabelText("Class")).toBeInvalid();
    expect(screen.getAllByText("Choose a value from 0 to 9.")).not.toHaveLength(0);
    type("Class", "9a");
    expect(screen.getByText("This is not a number.")).toBeVisible();
    expect(screen.getByLabelText("Class")).toHaveValue("9a");
    type("Class", "12");
    await userEvent.click(screen.getByTestId("save"));
    expect(screen.getByTestId("save-blocked")).toBeVisible();
    expect(screen.getByTestId("save-confirm")).toBeDisabled();
  });

  it("shows the server's problems at the field and jumps to them", async () => {
    const problems = [
      { path: "entries[0].queue", code: "emergency_class_low", text: "x", severity: "error", params: { number: "112", highest: 9, queue: "office", queue_class: 5 } },
      { path: "prompts[0].texts.ru", code: "from_the_future", text: "Mend this somehow.", severity: "warning", params: {} },
    ];
    api.on("POST /api/routing/check", { body: { problems } });
    await open();
    const list = await screen.findByTestId("problem-list");
    expect(list).toHaveTextContent("Errors: 1, warnings: 1");
    await userEvent.click(within(list).getByRole("button", { name: /Numbers and services › “112” › Queue/ }));
    expect(screen.getByTestId("section-entries")).toHaveAttribute("aria-current", "page");
    await waitFor(() => expect(document.activeElement).toHaveAttribute("data-path", "entries/0/queue"));
    expect(document.activeElement).toHaveAccessibleDescription(/queues of the highest class, 9/);
    await userEvent.click(within(list).getByRole("button", { name: /Mend this somehow/ }));
    await waitFor(() => expect(document.activeElement).toHaveAttribute("lang", "ru"));
  });

  it("adds, renames with all references, and removes an item", async () => {
    await open();
    await userEvent.type(screen.getByTestId("item-add-name"), "Night Desk");
    expect(screen.getByText(/small letters a–z/)).toBeVisible();
    await userEvent.clear(screen.getByTestId("item-add-name"));
    await userEvent.type(screen.getByTestId("item-add-name"), "night{Enter}");
    expect(screen.getAllByTestId("item")).toHaveLength(4);
    await userEvent.click(screen.getAllByTestId("item")[1] ?? document.body);
    await userEvent.clear(screen.getByTestId("item-name"));
    await userEvent.type(screen.getByTestId("item-name"), "desk{Enter}");
    await userEvent.click(screen.getAllByTestId("item")[0] ?? document.body);
    expect(screen.getByTestId("queue-sentence")).toHaveTextContent("also the queue “desk”");
    await userEvent.click(screen.getByTestId("item-remove"));
    expect(screen.getAllByTestId("item")).toHaveLength(3);
  });

  it("adds and removes steps", async () => {
    await open();
    await userEvent.click(screen.getAllByRole("button", { name: "Add a step" })[0] ?? document.body);
    expect(screen.getByTestId("queue-sentence")).toHaveTextContent("without any of the skills");
    expect(within(screen.getByTestId("queue-steps")).getAllByRole("listitem")).toHaveLength(6);
    await userEvent.click(screen.getAllByRole("button", { name: "Remove line 2" })[0] ?? document.body);
    expect(within(screen.getByTestId("queue-steps")).getAllByRole("listitem")).toHaveLength(5);
  });

  it("edits exceptions of a schedule", async () => {
    await open();
    await userEvent.click(screen.getByTestId("section-schedules"));
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Open" }), "spans");
    await userEvent.click(screen.getByRole("button", { name: "Add a time" }));
    await userEvent.click(screen.getByTestId("save"));
    await userEvent.click(screen.getByTestId("save-confirm"));
    await waitFor(() => expect(api.askedFor("PUT /api/routing")).toHaveLength(1));
    expect(savedDocument().schedules[0]?.exceptions[0]?.open).toHaveLength(2);
  });
});

describe("call takers", () => {
  it("have skills at levels, walked by the arrow keys and found by name", async () => {
    await open();
    await userEvent.click(screen.getByTestId("section-agents"));
    const cell = screen.getByLabelText("Anna Bērziņa: level of Latvian");
    expect(cell).toHaveValue("5");
    cell.focus();
    await userEvent.keyboard("{ArrowRight}");
    expect(screen.getByLabelText("Anna Bērziņa: level of Russian")).toHaveFocus();
    await userEvent.keyboard("{ArrowDown}7");
    expect(screen.getByLabelText("Boriss Kalniņš: level of Russian")).toHaveValue("7");
    fireEvent.change(cell, { target: { value: "11" } });
    expect(cell).toBeInvalid();
    await userEvent.type(screen.getByTestId("agents-filter"), "boriss");
    expect(screen.getAllByTestId("agent-row")).toHaveLength(1);
    expect(screen.getByTestId("show-changes")).toHaveTextContent("Changes: 1");
  });

  it("are members of queues", async () => {
    await open();
    await userEvent.click(screen.getByTestId("section-agents"));
    await userEvent.click(screen.getByTestId("agents-queues"));
    await userEvent.click(screen.getByLabelText("Anna Bērziņa: queue office"));
    await userEvent.click(screen.getByLabelText("Boriss Kalniņš: all queues"));
    await expectAccessible();
    await userEvent.click(screen.getByTestId("agents-other"));
    await userEvent.selectOptions(screen.getByLabelText("Boriss Kalniņš: site"), "riga");
    await userEvent.click(screen.getByTestId("save"));
    await userEvent.click(screen.getByTestId("save-confirm"));
    await waitFor(() => expect(api.askedFor("PUT /api/routing")).toHaveLength(1));
    expect(savedDocument().agents).toMatchObject([{ queues: ["emergency", "office"] }, { queues: null, site: "riga" }]);
  });
});

describe("saving", () => {
  it("lists what changes, and sends the plan with the version it began from", async () => {
    await open();
    type("Alarm after", "45");
    await userEvent.click(screen.getByTestId("save"));
    const dialog = screen.getByTestId("save-dialog");
    expect(within(dialog).getByTestId("change")).toHaveTextContent("Queues › emergency › Alarm afterBefore30After45");
    await expectAccessible(dialog);
    await userEvent.type(screen.getByTestId("save-comment"), "calm");
    await userEvent.click(screen.getByTestId("save-confirm"));
    expect(await screen.findByTestId("toast")).toHaveTextContent("Saved as version 6.");
    const [asked] = api.askedFor("PUT /api/routing");
    expect(asked?.headers.get("If-Match")).toBe('"5"');
    expect(asked?.body).toMatchObject({ comment: "calm" });
    expect(screen.getByTestId("save")).toBeDisabled();
    expect(Object.keys(localStorage).filter((key) => key.startsWith("ccserver.routing."))).toEqual([]);
  });

  it("keeps everything when the server cannot save", async () => {
    api.on("PUT /api/routing", { status: 503, body: { code: "database_unavailable" } });
    await open();
    type("Alarm after", "45");
    await userEvent.click(screen.getByTestId("save"));
    await userEvent.type(screen.getByTestId("save-comment"), "calm");
    await userEvent.click(screen.getByTestId("save-confirm"));
    expect(await screen.findByTestId("save-failed")).toHaveTextContent(/database does not answer.*Your changes are kept/);
    expect(screen.getByTestId("save-comment")).toHaveValue("calm");
  });

  it("keeps a draft over a reload", async () => {
    const { unmount } = await open();
    type("Alarm after", "45");
    unmount();
    await open();
    expect(screen.getByLabelText("Alarm after")).toHaveValue("45");
    await userEvent.click(screen.getByTestId("show-changes"));
    await userEvent.click(screen.getByTestId("discard"));
    expect(screen.getByLabelText("Alarm after")).toHaveValue("30");
  });
});

describe("a conflict", () => {
  const theirs = (path: readonly (string | number)[], value: unknown): void => {
    const document = setIn(plan(), path, value);
    api.on("PUT /api/routing", () => {
      api.on("GET /api/routing", { body: answer(6, document, "Pēteris") });
      api.on("PUT /api/routing", { body: { version: 7 } });
      return { status: 412, body: { code: "conflict" } };
    });
    api.on("GET /api/routing/versions", {
      body: { versions: [{ version: 6, saved_at: "2026-11-23T14:30:00Z", author: "Pēteris", comment: "night" }, { version: 5, saved_at: null, author: "Zane", comment: "" }], next: null },
    });
  };
  const save = async (): Promise<void> => {
    await userEvent.click(screen.getByTestId("save"));
    await userEvent.type(screen.getByTestId("save-comment"), "calm");
    await userEvent.click(screen.getByTestId("save-confirm"));
    await screen.findByTestId("clash");
  };

  it("is told with who saved, and both changes are kept where they do not meet", async () => {
    theirs(["queues", 0, "escalate_after_s"], 90);
    await open();
    type("Alarm after", "45");
    await save();
    expect(within(screen.getByTestId("clash-versions")).getAllByRole("listitem")).toHaveLength(1);
    expect(screen.getByTestId("clash-versions")).toHaveTextContent(/Version 6, Pēteris.*night/);
    await expectAccessible(screen.getByRole("dialog"));
    await userEvent.click(screen.getByTestId("clash-mine"));
    expect(screen.getByTestId("save-comment")).toHaveValue("calm");
    await userEvent.click(screen.getByTestId("save-confirm"));
    await waitFor(() => expect(api.askedFor("PUT /api/routing")).toHaveLength(2));
    expect(api.askedFor("PUT /api/routing")[1]?.headers.get("If-Match")).toBe('"6"');
    expect(savedDocument().queues[0]).toMatchObject({ alarm_after_s: 45, escalate_after_s: 90 });
  });

  it("shows side by side what both changed, to be chosen", async () => {
    theirs(["queues", 0, "alarm_after_s"], 20);
    await open();
    type("Alarm after", "45");
    await save();
    const choice = within(screen.getByTestId("clash-choice"));
    expect(choice.getByRole("radio", { name: /Mine.*45/ })).toBeChecked();
    await userEvent.click(choice.getByRole("radio", { name: /Theirs.*20/ }));
    await userEvent.click(screen.getByTestId("clash-mine"));
    await waitFor(() => expect(screen.getByLabelText("Alarm after")).toHaveValue("20"));
  });

  it("can be ended with theirs, and undo brings mine back", async () => {
    theirs(["queues", 0, "escalate_after_s"], 90);
    await open();
    type("Alarm after", "45");
    await save();
    await userEvent.click(screen.getByTestId("clash-theirs"));
    await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
    expect(screen.getByLabelText("Alarm after")).toHaveValue("30");
    await userEvent.click(screen.getByTestId("undo"));
    expect(screen.getByLabelText("Alarm after")).toHaveValue("45");
    expect(screen.getByLabelText("Everybody after")).toHaveValue("90");
  });

  it("is found at opening too, when a draft began from an older version", async () => {
    const { unmount } = await open();
    type("Alarm after", "45");
    unmount();
    api.on("GET /api/routing", { body: answer(6, setIn(plan(), ["queues", 0, "escalate_after_s"], 90)) });
    stage(<RoutingPage onClose={() => undefined} />, live);
    await screen.findByTestId("clash");
    await userEvent.click(screen.getByTestId("clash-mine"));
    expect(screen.getByLabelText("Alarm after")).toHaveValue("45");
    expect(screen.getByLabelText("Everybody after")).toHaveValue("90");
  });
});

describe("a version of a colleague", () => {
  it("is shown at once when nothing was changed here", async () => {
    await open();
    api.on("GET /api/routing", { body: answer(6, setIn(plan(), ["queues", 0, "alarm_after_s"], 20)) });
    act(() => live.tellVersion(6));
    await waitFor(() => expect(screen.getByLabelText("Alarm after")).toHaveValue("20"));
  });

  it("waits for a draft, and closes its windows when the page goes out of sight", async () => {
    const { container } = await open();
    type("Everybody after", "90");
    api.on("GET /api/routing", { body: answer(6, setIn(plan(), ["queues", 0, "alarm_after_s"], 20)) });
    act(() => live.tellVersion(6));
    await userEvent.click(within(await screen.findByTestId("outdated")).getByRole("button"));
    await screen.findByTestId("clash");
    act(() => container.querySelector<HTMLElement>(".page")?.setAttribute("hidden", ""));
    await waitFor(() => expect(screen.queryByTestId("clash")).toBeNull());
    expect(screen.getByLabelText("Everybody after")).toHaveValue("90");
  });
});

describe("history", () => {
  beforeEach(() => {
    const head = { saved_at: "2026-11-23T14:00:00Z", author: "Zane", comment: "winter" };
    api.on("GET /api/routing/versions", { body: { versions: [{ ...head, version: 5 }, { ...head, version: 4 }], next: 4 } });
    api.on("GET /api/routing/versions?before=4", { body: { versions: [{ ...head, version: 3 }], next: null } });
    const changes = [{ path: "queues[emergency].queue_class", before: 5, after: 9 }];
    api.on("GET /api/routing/versions/4", { body: { ...answer(4), changes } });
  });

  it("lists versions with their differences, older ones on demand", async () => {
    await open();
    await userEvent.click(screen.getByTestId("section-history"));
    await waitFor(() => expect(screen.getAllByTestId("version")).toHaveLength(2));
    await userEvent.click(screen.getByRole("button", { name: "Differences of version 4" }));
    expect(await screen.findByTestId("change")).toHaveTextContent("Queues › emergency › ClassBefore5After9");
    await userEvent.click(screen.getByRole("button", { name: "Show older" }));
    await waitFor(() => expect(screen.getAllByTestId("version")).toHaveLength(3));
    await expectAccessible();
  });

  it("restores a version after a question", async () => {
    api.on("POST /api/routing/versions/4/restore", () => {
      api.on("GET /api/routing", { body: answer(6) });
      return { body: { version: 6 } };
    });
    await open();
    await userEvent.click(screen.getByTestId("section-history"));
    await userEvent.click(await screen.findByRole("button", { name: "Restore version 4" }));
    await userEvent.click(screen.getByTestId("restore-confirm"));
    await waitFor(() => expect(screen.getByTestId("routing-version")).toHaveTextContent("Version 6"));
    expect(api.askedFor("POST /api/routing/versions/4/restore")[0]?.headers.get("If-Match")).toBe('"5"');
  });

  it("is not restored over unsaved changes", async () => {
    await open();
    type("Alarm after", "45");
    await userEvent.click(screen.getByTestId("section-history"));
    expect(await screen.findByRole("button", { name: "Restore version 4" })).toBeDisabled();
  });
});

describe("YAML", () => {
  it("is read by the server, compared, and becomes the draft", async () => {
    await open();
    api.on("POST /api/routing/check", {
      body: { problems: [], document: setIn(plan(), ["queues", 0, "alarm_after_s"], 45) },
    });
    await userEvent.click(screen.getByTestId("import"));
    const file = new File(["queues: []"], "plan.yaml", { type: "application/yaml" });
    await userEvent.upload(screen.getByTestId("import-file"), file);
    await waitFor(() => expect(screen.getByTestId("import-text")).toHaveValue("queues: []"));
    await userEvent.click(screen.getByTestId("import-check"));
    expect(await screen.findByTestId("change")).toHaveTextContent("Before30After45");
    await expectAccessible(screen.getByRole("dialog"));
    const asked = api.askedFor("POST /api/routing/check").find((one) => one.headers.get("Content-Type") === "application/yaml");
    expect(asked?.body).toBe("queues: []");
    await userEvent.click(screen.getByTestId("import-take"));
    expect(screen.getByLabelText("Alarm after")).toHaveValue("45");
    expect(api.askedFor("PUT /api/routing")).toEqual([]);
    await userEvent.click(screen.getByTestId("undo"));
    expect(screen.getByLabelText("Alarm after")).toHaveValue("30");
  });

  it("that is broken is told by line and column", async () => {
    await open();
    api.on("POST /api/routing/check", { status: 400, body: { code: "bad_yaml", detail: "Expected YAML.", line: 3, column: 7 } });
    await userEvent.click(screen.getByTestId("import"));
    fireEvent.change(screen.getByTestId("import-text"), { target: { value: "a: [" } });
    await userEvent.click(screen.getByTestId("import-check"));
    expect(await screen.findByTestId("import-failed")).toHaveTextContent("Line 3, column 7");
  });

  it("is downloaded from the server", async () => {
    await open();
    expect(screen.getByTestId("export")).toHaveAttribute("href", "/api/routing.yaml");
  });
});
