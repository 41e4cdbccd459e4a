/** API keys on the page of people: made, shown once, revoked. */

import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PeoplePage } from "../src/people/PeoplePage";
import type { ApiKey } from "../src/people/keys-api";
import { FakeAPI, FakeLive, expectAccessible, stage } from "./routing-stage";

// The check for barriers takes seconds on a busy machine; a test that passes never waits for this.
vi.setConfig({ testTimeout: 60_000 });

const KEY: ApiKey = {
  key_id: "0123456789ab",
  name: "CAD of VUGD",
  service: "vugd",
  scopes: ["events", "incidents.read"],
  created_at: "2026-03-01T08:00:00.000Z",
  created_by: "root",
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
};
const SCOPES = ["incidents.read", "events"];

let api: FakeAPI;

beforeEach(() => {
  api = new FakeAPI();
  api.on("GET /api/people", { body: { people: [] } });
  api.on("GET /api/keys", { body: { keys: [KEY], scopes: SCOPES } });
  api.install();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

async function open(): Promise<void> {
  stage(<PeoplePage onClose={() => undefined} />, new FakeLive(), { keys: true });
  await screen.findByTestId("key");
}

describe("keys", () => {
  it("are there only for those who have the right", async () => {
    stage(<PeoplePage onClose={() => undefined} />);
    await screen.findByText("Nobody was found.");
    expect(screen.queryByTestId("keys")).toBeNull();
  });

  it("are made with a name and scopes, and shown once", async () => {
    api.on("POST /api/keys", { status: 201, body: { key: KEY, token: "cck_x_secret" } });
    await open();
    await expectAccessible();
    await userEvent.click(screen.getByTestId("key-add"));
    expect(screen.getByTestId("key-make")).toBeDisabled();
    await userEvent.type(screen.getByTestId("key-name"), " CAD ");
    await userEvent.click(screen.getByTestId("key-scope-events"));
    await userEvent.click(screen.getByTestId("key-make"));
    expect(await screen.findByTestId("key-token")).toHaveValue("cck_x_secret");
    expect(api.askedFor("POST /api/keys")[0]?.body).toEqual({ name: "CAD", scopes: ["events"] });
    await waitFor(() => expect(api.askedFor("GET /api/keys")).toHaveLength(2));
    await userEvent.click(screen.getByTestId("key-taken"));
    expect(document.body.innerHTML).not.toContain("cck_x_secret");
  });

  it("say why one cannot be made", async () => {
    api.on("POST /api/keys", { status: 503, body: { code: "database_unavailable" } });
    await open();
    await userEvent.click(screen.getByTestId("key-add"));
    await userEvent.type(screen.getByTestId("key-name"), "CAD");
    await userEvent.click(screen.getByTestId("key-scope-events"));
    await userEvent.click(screen.getByTestId("key-make"));
    expect(await screen.findByTestId("key-failed")).toHaveTextContent("database does not answer");
  });

  it("are revoked after a question", async () => {
    api.on("DELETE /api/keys/0123456789ab", { body: { key: KEY } });
    await open();
    await userEvent.click(screen.getByTestId("key-revoke"));
    api.on("GET /api/keys", { body: { keys: [{ ...KEY, revoked_at: KEY.created_at }], scopes: SCOPES } });
    await userEvent.click(screen.getByTestId("key-revoke-confirm"));
    await waitFor(() => expect(screen.getByTestId("key-revoke")).toBeDisabled());
    expect(screen.getByTestId("key")).toHaveTextContent("revoked");
  });
});
