/** The page of people over a fake server: list, add, change, passwords, removal, refusals. */

import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { changeLanguage } from "../src/i18n";
import type { Person } from "../src/people/api";
import { PeoplePage } from "../src/people/PeoplePage";
import { changeOf, complaintsOf, emptyForm, formOf, newPerson } from "../src/people/person-form";
import { FakeAPI, expectAccessible, stage } from "./routing-stage";

// The check for barriers takes seconds on a busy machine; a test that passes never waits for this.
vi.setConfig({ testTimeout: 60_000 });

const ANNA: Person = {
  login: "anna",
  name: "Anna Bērziņa",
  role: "system_admin",
  language: "lv",
  agent_id: "agent-101",
  extension: "101",
  device: "sip",
  service: null,
};
const BORIS: Person = { ...ANNA, login: "boris", name: "Boriss Kalniņš", role: "call_taker", agent_id: "agent-102", extension: "102" };
const NO_SEAT: Person = { ...ANNA, login: "zane", name: "Zane Liepa", role: "supervisor", agent_id: null, extension: null, device: null };

let api: FakeAPI;

beforeEach(() => {
  api = new FakeAPI();
  api.on("GET /api/people", { body: { people: [ANNA, BORIS, NO_SEAT] } });
  api.install();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

async function open(): Promise<void> {
  stage(<PeoplePage onClose={() => undefined} />);
  await waitFor(() => expect(screen.getAllByTestId("person")).toHaveLength(3));
}

function type(field: string, value: string): void {
  fireEvent.change(screen.getByTestId(`person-${field}`), { target: { value } });
}

async function fillNew(): Promise<void> {
  await userEvent.click(screen.getByTestId("person-add"));
  type("login", "Ilze");
  type("name", "Ilze Ozola");
  type("extension", "103");
  type("password", "correct horse");
}

describe("the list", () => {
  it("shows accounts with their seats, found by name or number", async () => {
    await open();
    expect(screen.getByText("no seat")).toBeVisible();
    await expectAccessible();
    await userEvent.type(screen.getByTestId("people-filter"), "102");
    expect(screen.getByTestId("person")).toHaveTextContent(/Boriss Kalniņš.*boris.*Call taker.*102/);
    await userEvent.type(screen.getByTestId("people-filter"), "x");
    expect(screen.getByText("Nobody was found.")).toBeVisible();
  });

  it.each([
    [403, "forbidden", /do not have the right/],
    [503, "database_unavailable", /database does not answer/],
    [0, "", /server does not answer/],
  ])("says why it cannot be shown (%d), and tries again", async (status, error, text) => {
    api.on("GET /api/people", { status, body: { code: error } });
    stage(<PeoplePage onClose={() => undefined} />);
    expect(await screen.findByTestId("people-failed")).toHaveTextContent(text);
    api.on("GET /api/people", { body: { people: [ANNA] } });
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByTestId("person");
  });

  it.each(["lv", "ru"] as const)("has all texts in %s", async (language) => {
    await changeLanguage(language);
    await open();
    await userEvent.click(screen.getByTestId("person-add"));
    await userEvent.click(screen.getByTestId("person-save"));
    expect(document.body.textContent).not.toMatch(/people\.|routing\.|document\.|\{\{/);
  });
});

describe("adding", () => {
  it("sends the account with its seat, and reads the list anew", async () => {
    api.on("POST /api/people", { status: 201, body: { person: {} } });
    await open();
    await fillNew();
    await expectAccessible();
    await userEvent.click(screen.getByTestId("person-save"));
    expect(await screen.findByTestId("toast")).toHaveTextContent("Ilze Ozola was added.");
    expect(api.askedFor("POST /api/people")[0]?.body).toEqual({
      login: "ilze",
      name: "Ilze Ozola",
      role: "call_taker",
      language: "lv",
      password: "correct horse",
      extension: "103",
      device: "browser",
    });
    await waitFor(() => expect(api.askedFor("GET /api/people")).toHaveLength(2));
  });

  it("tells what is missing at the fields, and sends nothing", async () => {
    await open();
    await userEvent.click(screen.getByTestId("person-add"));
    expect(screen.queryByTestId("person-login-complaint")).toBeNull();
    await userEvent.click(screen.getByTestId("person-save"));
    for (const field of ["login", "name", "extension", "password"]) {
      expect(screen.getByTestId(`person-${field}`)).toBeInvalid();
      expect(screen.getByTestId(`person-${field}-complaint`)).toBeVisible();
    }
    expect(api.askedFor("POST /api/people")).toEqual([]);
    await expectAccessible();
  });

  it("shows the server's refusal at its field, and keeps what was typed", async () => {
    api.on("POST /api/people", {
      status: 422,
      body: { code: "invalid_account", detail: "An extension has two to six digits.", field: "extension" },
    });
    await open();
    await fillNew();
    await userEvent.click(screen.getByTestId("person-save"));
    expect(await screen.findByTestId("person-extension-complaint")).toHaveTextContent("two to six digits");
    expect(screen.getByTestId("person-password")).toHaveValue("correct horse");
    type("extension", "104");
    expect(screen.queryByTestId("person-extension-complaint")).toBeNull();
  });

  it("says that somebody has the login or number already", async () => {
    api.on("POST /api/people", { status: 409, body: { code: "account_exists", detail: "" } });
    await open();
    await fillNew();
    await userEvent.click(screen.getByTestId("person-save"));
    expect(await screen.findByTestId("person-failed")).toHaveTextContent("is taken");
  });
});

describe("changing", () => {
  it("sends only what differs", async () => {
    api.on("PATCH /api/people/boris", { body: { person: {} } });
    await open();
    await userEvent.click(screen.getByRole("button", { name: "Change Boriss Kalniņš" }));
    expect(screen.getByTestId("person-save")).toBeDisabled();
    await userEvent.selectOptions(screen.getByTestId("person-role"), "supervisor");
    await userEvent.click(screen.getByTestId("person-save"));
    await screen.findByTestId("toast");
    expect(api.askedFor("PATCH /api/people/boris")[0]?.body).toEqual({ role: "supervisor" });
  });

  it("offers the services of the catalogue for a dispatcher", async () => {
    api.on("GET /api/catalogue", { body: { version: 1, catalogue: { services: [{ code: "fire" }] } } });
    await open();
    await userEvent.click(screen.getByRole("button", { name: "Change Zane Liepa" }));
    await userEvent.selectOptions(screen.getByTestId("person-role"), "service_dispatcher");
    type("service", "police");
    fireEvent.blur(screen.getByTestId("person-service"));
    expect(await screen.findByTestId("person-service-complaint")).toHaveTextContent("no such service");
    await expectAccessible();
    type("service", "fire");
    expect(screen.queryByTestId("person-service-complaint")).toBeNull();
  });

  it("says why a role cannot be changed", async () => {
    api.on("PATCH /api/people/anna", { status: 409, body: { code: "last_admin", detail: "" } });
    await open();
    await userEvent.click(screen.getByRole("button", { name: "Change Anna Bērziņa" }));
    await userEvent.selectOptions(screen.getByTestId("person-role"), "supervisor");
    await userEvent.click(screen.getByTestId("person-save"));
    expect(await screen.findByTestId("person-failed")).toHaveTextContent("At least one administrator must stay.");
  });

  it("sets a new password that is long enough", async () => {
    api.on("PATCH /api/people/boris", { body: { person: {} } });
    await open();
    await userEvent.click(screen.getByRole("button", { name: "New password for Boriss Kalniņš" }));
    type("password", "short");
    await userEvent.click(screen.getByTestId("password-save"));
    expect(screen.getByTestId("person-password-complaint")).toHaveTextContent("at least 10");
    await expectAccessible();
    type("password", "correct horse");
    await userEvent.click(screen.getByTestId("password-save"));
    expect(await screen.findByTestId("toast")).toHaveTextContent("Boriss Kalniņš has a new password.");
    expect(api.askedFor("PATCH /api/people/boris")[0]?.body).toEqual({ password: "correct horse" });
  });

  it("removes somebody after a question, but not oneself", async () => {
    api.on("DELETE /api/people/boris", { body: {} });
    await open();
    expect(screen.getByRole("button", { name: "Remove Anna Bērziņa" })).toBeDisabled();
    await userEvent.click(screen.getByRole("button", { name: "Remove Boriss Kalniņš" }));
    await userEvent.click(within(screen.getByTestId("person-remove")).getByTestId("person-remove-confirm"));
    expect(await screen.findByTestId("toast")).toHaveTextContent("Boriss Kalniņš was removed.");
  });
});

describe("the form", () => {
  it("makes no seat without a number, and needs one for a call taker", () => {
    const form = { ...emptyForm(), login: "zane", name: "Zane", password: "correct horse" };
    expect(complaintsOf(form, true)).toEqual({ extension: "extension_needed" });
    expect(newPerson({ ...form, role: "supervisor" })).not.toHaveProperty("device");
  });

  it.each([
    ["short", "password_short"],
    ["x".repeat(257), "password_long"],
    ["aaaaaaaaaaaa", "password_same"],
    ["longlogin-12", "password_login"],
  ])("refuses the password %.12j", (password, code) => {
    const form = { ...emptyForm(), login: "LongLogin-12", name: "Z", extension: "103", password };
    expect(complaintsOf(form, true)).toEqual({ password: code });
  });

  it("asks for the service of a dispatcher, who has no seat", () => {
    const form = { ...emptyForm(), login: "uldis", name: "Uldis", password: "correct horse", role: "service_dispatcher" as const };
    expect(complaintsOf(form, true)).toEqual({ service: "service" });
    expect(complaintsOf({ ...form, service: "fire", extension: "103" }, true)).toEqual({ extension: "no_seat" });
    const dispatcher = { ...form, service: " fire " };
    expect(complaintsOf(dispatcher, true)).toEqual({});
    expect(complaintsOf(dispatcher, true, ["fire", "police"])).toEqual({});
    expect(complaintsOf(dispatcher, true, ["police"])).toEqual({ service: "service_unknown" });
    expect(newPerson(dispatcher)).toMatchObject({ role: "service_dispatcher", service: "fire" });
    expect(newPerson({ ...dispatcher, role: "supervisor" })).not.toHaveProperty("service");
    expect(changeOf(NO_SEAT, { ...formOf(NO_SEAT), role: "service_dispatcher", service: "fire" })).toEqual({
      role: "service_dispatcher",
      service: "fire",
    });
  });

  it("gives a seat, takes it away, and says nothing of what stays", () => {
    expect(changeOf(BORIS, formOf(BORIS))).toEqual({});
    expect(changeOf(NO_SEAT, { ...formOf(NO_SEAT), extension: "104" })).toEqual({ extension: "104", device: "browser" });
    expect(changeOf(BORIS, { ...formOf(BORIS), extension: "" })).toEqual({ extension: null });
  });
});

it("is checked by a tool that does find barriers", async () => {
  render(<input />);
  await expect(expectAccessible()).rejects.toThrow(/label/);
});
