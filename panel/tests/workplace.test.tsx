/** The whole panel over a fake server: login, the pop, answering, notes, refusals, a lost session. */

import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "../src/app/App";
import { startServer, openWorkplace, type FakeServer } from "./fake-server";
import { agent, card, contact, me, summary } from "./samples";

let server: FakeServer;

const soon = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

function offeredContact() {
  const offer = { offer_id: "o1", deadline: soon(15) };
  return contact({ state: "offered", agent_id: "agent-101", offer, arrived_at: soon(-3) });
}

function sayOffer(): void {
  server.say(
    { type: "contact", seq: 2, contact: offeredContact() },
    { type: "agent", seq: 3, agent: agent({ state: "reserved" }) },
  );
}

function sayTalking(): void {
  const talking = contact({ state: "talking", agent_id: "agent-101" });
  server.say(
    { type: "contact", seq: 4, contact: talking },
    { type: "agent", seq: 5, agent: agent({ state: "talking" }) },
  );
}

beforeEach(() => {
  server = startServer();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("login", () => {
  beforeEach(() => {
    server.on("GET /api/me", { status: 401, body: { code: "signed_out" } });
  });

  it.each([
    [401, "wrong_credentials", /wrong/],
    [429, "too_many_attempts", /Too many attempts/],
    [500, "internal", /fault at the server/],
  ])("says what %d means and empties the password", async (status, error, text) => {
    server.on("POST /api/login", { status, body: { code: error, detail: "" } });
    render(<App />);
    await userEvent.type(await screen.findByTestId("login-name"), "anna");
    await userEvent.type(screen.getByTestId("login-password"), "secret");
    await userEvent.click(screen.getByTestId("login-submit"));
    await waitFor(() => expect(screen.getByTestId("login-error")).toHaveTextContent(text));
    expect(screen.getByTestId("login-password")).toHaveValue("");
  });

  it("opens the workplace in the language of the account", async () => {
    const account = { ...me().account, language: "lv" as const };
    server.on("POST /api/login", () => {
      server.on("GET /api/me", { body: me({ account }) });
      return { body: { account } };
    });
    render(<App />);
    await userEvent.type(await screen.findByTestId("login-name"), "anna");
    await userEvent.type(screen.getByTestId("login-password"), "secret{Enter}");
    expect(await screen.findByTestId("presence-ready")).toHaveTextContent("Gatavs");
    expect(document.documentElement.lang).toBe("lv");
  });

  it("switches the language of the screen", async () => {
    render(<App />);
    await userEvent.click(await screen.findByTestId("language-ru"));
    expect(screen.getByTestId("login-submit")).toHaveTextContent("Войти");
  });
});

describe("presence", () => {
  it("goes not ready with a reason from the menu, by keyboard", async () => {
    const asked: unknown[] = [];
    server.on("PUT /api/agent/presence", (body) => {
      asked.push(body);
      return {};
    });
    await openWorkplace(server);
    await userEvent.keyboard("{F7}");
    expect(screen.getByTestId("presence-not-ready")).toHaveFocus();
    await userEvent.keyboard("{Enter}{ArrowDown}{Enter}");
    await waitFor(() => expect(asked).toEqual([{ kind: "not_ready", reason: "training" }]));
  });

  it("shows the state, and a change that waits for the end of the call", async () => {
    await openWorkplace(server);
    const presence_pending = { kind: "not_ready", reason: "break" } as const;
    server.say({ type: "agent", seq: 2, agent: agent({ state: "talking", presence_pending }) });
    expect(screen.getByTestId("own-state")).toHaveTextContent("In a call");
    expect(screen.getByTestId("presence-pending")).toHaveTextContent("after the call: Break");
  });
});

describe("offer", () => {
  it("pops with number, deadline and card, and answers a desk phone with F2", async () => {
    await openWorkplace(server);
    server.on("POST /api/contacts/c1/answer", {});
    sayOffer();
    const offer = screen.getByTestId("offer");
    expect(within(offer).getByTestId("caller-number")).toHaveTextContent("+371 2612 3456");
    expect(within(offer).getByTestId("offer-deadline")).toHaveTextContent(/To answer: 1\d s/);
    expect(screen.getByTestId("offer-answer")).toHaveFocus();
    expect(await screen.findByTestId("card")).toHaveAttribute("data-incident", "i1");
    await userEvent.keyboard("{F2}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/answer"));
  });

  it("leaves the cursor with whoever is writing", async () => {
    await openWorkplace(server);
    await userEvent.click(screen.getByTestId("card-search"));
    sayOffer();
    expect(screen.getByTestId("card-search")).toHaveFocus();
  });

  it("is rejected with F8", async () => {
    await openWorkplace(server);
    server.on("POST /api/contacts/c1/reject", {});
    sayOffer();
    await userEvent.keyboard("{F8}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/reject"));
  });

  it("says in words why an act was refused", async () => {
    await openWorkplace(server);
    server.on("POST /api/contacts/c1/answer", { status: 409, body: { code: "not_your_contact" } });
    sayOffer();
    await userEvent.click(screen.getByTestId("offer-answer"));
    expect(await screen.findByTestId("toast")).toHaveTextContent("This call is not at your seat.");
    expect(screen.getByTestId("offer-answer")).toBeEnabled();
  });

  it("takes the keyboard from a button, so that Enter answers", async () => {
    await openWorkplace(server);
    server.on("POST /api/contacts/c1/answer", {});
    screen.getByTestId("presence-ready").focus();
    sayOffer();
    await userEvent.keyboard("{Enter}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/answer"));
  });

  it("takes the card of the call before away, even if its own is not written yet", async () => {
    await openWorkplace(server);
    sayTalking();
    await screen.findByTestId("card");
    const offer = { offer_id: "o2", deadline: soon(15) };
    const next = contact({ contact_id: "c2", incident_id: null, state: "offered", agent_id: "agent-101", offer });
    server.say(
      { type: "contact_gone", seq: 6, contact_id: "c1" },
      { type: "contact", seq: 7, contact: next },
    );
    expect(screen.queryByTestId("notes")).toBeNull();
    expect(screen.getByTestId("card-none")).toHaveTextContent("not written yet");
    server.say({ type: "contact", seq: 8, contact: { ...next, incident_id: "i1" } });
    expect(await screen.findByTestId("card")).toBeVisible();
  });

  it("shows a card that changes faster than it loads, and then what changed", async () => {
    await openWorkplace(server);
    const fetches: (AbortSignal | null | undefined)[] = [];
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    vi.stubGlobal("fetch", async (path: string, init?: RequestInit) => {
      if (path === "/api/cards/i1") {
        fetches.push(init?.signal);
        await held;
        init?.signal?.throwIfAborted();
      }
      return server.fetch(path, init);
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    sayOffer();
    server.say({ type: "card", seq: 8, incident_id: "i1", contact_ids: ["c1"], number: "2026-000001" });
    act(() => {
      vi.advanceTimersByTime(1_000);
    });
    vi.useRealTimers();
    expect(fetches).toHaveLength(1);
    letGo();
    expect(await screen.findByTestId("card")).toHaveAttribute("data-incident", "i1");
    expect(fetches[0]?.aborted).toBe(false);
    await waitFor(() => expect(fetches).toHaveLength(2));
  });

  it("goes when it is withdrawn", async () => {
    await openWorkplace(server);
    sayOffer();
    server.say({ type: "offer_gone", seq: 4, offer_id: "o1", contact_id: "c1", reason: "abandoned" });
    expect(screen.queryByTestId("offer")).toBeNull();
  });
});

describe("conversation", () => {
  it("is held, resumed and ended", async () => {
    await openWorkplace(server);
    server.on("POST /api/contacts/c1/hold", {});
    server.on("POST /api/contacts/c1/hang-up", {});
    sayTalking();
    await userEvent.click(screen.getByTestId("call-hold"));
    const held = contact({ state: "held", agent_id: "agent-101", on_hold: true });
    server.say({ type: "contact", seq: 6, contact: held });
    expect(screen.getByTestId("call-resume")).toBeVisible();
    await userEvent.click(screen.getByTestId("call-hangup"));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/hang-up"));
  });

  it("is not ended by a key that was meant for the ringing", async () => {
    await openWorkplace(server);
    server.on("POST /api/contacts/c1/hang-up", {});
    sayOffer();
    const clock = vi.spyOn(performance, "now").mockReturnValue(100_000);
    sayTalking();
    clock.mockReturnValue(100_900);
    await userEvent.keyboard("{F8}");
    expect(server.asked).not.toContain("POST /api/contacts/c1/hang-up");
    clock.mockReturnValue(101_100);
    await userEvent.keyboard("{F8}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/hang-up"));
  });

  it("leaves the card open in the wrap-up, which F9 ends", async () => {
    await openWorkplace(server);
    server.on("POST /api/agent/wrap-up/end", {});
    sayTalking();
    await screen.findByTestId("card");
    server.say(
      { type: "contact_gone", seq: 6, contact_id: "c1" },
      { type: "agent", seq: 7, agent: agent({ state: "wrap_up", wrap_up_deadline: soon(30) }) },
    );
    expect(screen.getByTestId("wrap-up-left")).toHaveTextContent(/\d\d s/);
    expect(screen.getByTestId("card")).toBeVisible();
    await userEvent.keyboard("{F9}");
    await waitFor(() => expect(server.asked).toContain("POST /api/agent/wrap-up/end"));
  });
});

describe("notes", () => {
  it("save themselves with the version they grew from, and say when", async () => {
    const saved: [unknown, string | null, string | null][] = [];
    server.on("PUT /api/cards/i1/notes", (body, headers) => {
      saved.push([body, headers.get("If-Match"), headers.get("X-CCServer")]);
      return { body: { version: 1, saved_at: "2026-11-23T15:00:00.000Z" } };
    });
    await openWorkplace(server);
    sayTalking();
    await screen.findByTestId("card");
    await userEvent.keyboard("{F6}fire");
    await waitFor(() => expect(screen.getByTestId("notes-state")).toHaveTextContent(/^Saved \d\d:00:00$/));
    expect(saved).toEqual([[{ text: "fire" }, '"0"', "1"]]);
  });

  it("stay through a lost session and are saved after the login", async () => {
    server.on("PUT /api/cards/i1/notes", { status: 401, body: { code: "signed_out" } });
    await openWorkplace(server);
    sayTalking();
    fireEvent.change(await screen.findByTestId("notes"), { target: { value: "fire" } });
    fireEvent.blur(screen.getByTestId("notes"));
    expect(await screen.findByTestId("session-expired")).toBeVisible();
    expect(screen.getByTestId("login-name")).toHaveValue("anna");
    expect(screen.getByTestId("notes")).not.toBeVisible();

    server.on("PUT /api/cards/i1/notes", { body: { version: 1, saved_at: "2026-11-23T15:00:00.000Z" } });
    server.on("POST /api/login", { body: { account: me().account } });
    await userEvent.type(screen.getByTestId("login-password"), "secret{Enter}");
    await waitFor(() => expect(screen.getByTestId("notes")).toBeVisible());
    expect(screen.getByTestId("notes")).toHaveValue("fire");
    await waitFor(() => expect(screen.getByTestId("notes-state")).toHaveAttribute("data-state", "saved"));
  });
});

describe("lists", () => {
  it("mark a long wait by sign and word, not by colour alone", async () => {
    await openWorkplace(server);
    server.say(
      { type: "contact", seq: 2, contact: contact({ arrived_at: soon(-20) }) },
      { type: "contact", seq: 3, contact: contact({ contact_id: "c2", arrived_at: soon(-2) }) },
    );
    const [long, short] = screen.getAllByTestId("waiting-row");
    expect(long).toHaveTextContent("long wait");
    expect(short).not.toHaveTextContent("long wait");
    expect(screen.getByTestId("waiting-count")).toHaveTextContent("2");
  });

  it("search the cards, page on, and open one", async () => {
    await openWorkplace(server);
    const paths: string[] = [];
    vi.stubGlobal("fetch", (path: string, init?: RequestInit) => {
      paths.push(path);
      return server.fetch(path, init);
    });
    server.on("GET /api/cards", { body: { cards: [summary({ caller_number: "+37129000000" })], next: "n1" } });
    await userEvent.type(screen.getByTestId("card-search"), "290");
    await waitFor(() => expect(paths).toContain("/api/cards?q=290&limit=40"));
    const row = await screen.findByTestId("recent-card");
    server.on("GET /api/cards", { body: { cards: [summary({ incident_id: "i2" })], next: null } });
    await userEvent.click(await screen.findByTestId("cards-more"));
    await waitFor(() => expect(screen.getAllByTestId("recent-card")).toHaveLength(2));
    expect(paths).toContain("/api/cards?q=290&limit=40&before=n1");
    await userEvent.click(row);
    expect(await screen.findByTestId("card")).toHaveAttribute("data-incident", "i1");
  });

  it("ask once why a card is read by somebody outside of it", async () => {
    const reasons: (string | null)[] = [];
    server.on("GET /api/cards", { body: { cards: [summary()], next: null } });
    server.on("GET /api/cards/i1", (_body, headers) => {
      reasons.push(headers.get("X-Reason"));
      if (headers.has("X-Reason")) return { body: card() };
      return { status: 403, body: { code: "reason_needed", detail: "Say why." } };
    });
    await openWorkplace(server);
    await userEvent.click(await screen.findByTestId("recent-card"));
    expect(await screen.findByTestId("reason-give")).toBeDisabled();
    await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
    expect(screen.getByTestId("card-outside")).toHaveTextContent("You do not work on this card");
    await userEvent.click(screen.getByTestId("reason-ask"));
    await userEvent.type(screen.getByTestId("reason-why"), " Sūdzība 7 ");
    await userEvent.click(screen.getByTestId("reason-give"));
    expect(await screen.findByTestId("card")).toHaveAttribute("data-incident", "i1");
    server.say({ type: "card", seq: 2, incident_id: "i1", contact_ids: [], number: "2026-000001" });
    await waitFor(() => expect(reasons).toHaveLength(3));
    expect(reasons).toEqual([null, "S%C5%ABdz%C4%ABba%207", "S%C5%ABdz%C4%ABba%207"]);
  });

  it("say that there is nothing, and that something failed", async () => {
    await openWorkplace(server);
    expect(await screen.findByTestId("cards-empty")).toHaveTextContent("no cards yet");
    server.on("GET /api/cards", { status: 503, body: { code: "database_unavailable" } });
    await userEvent.type(screen.getByTestId("card-search"), "x");
    expect(await screen.findByTestId("cards-error")).toHaveTextContent("The database does not answer");
  });
});

it("warns in full width when the connection is lost", async () => {
  await openWorkplace(server);
  act(() => server.sockets.at(-1)?.onclose?.({ code: 1006 }));
  expect(screen.getByTestId("stale-banner")).toHaveTextContent("may be out of date");
  expect(screen.getByTestId("connection")).toHaveAttribute("data-state", "reconnecting");
});

it("explains its keys", async () => {
  await openWorkplace(server);
  await userEvent.keyboard("?");
  expect(screen.getByTestId("help")).toHaveTextContent("Answer the offered call");
});

it("asks before a logout in the middle of a call", async () => {
  await openWorkplace(server);
  sayTalking();
  await userEvent.click(screen.getByTestId("logout"));
  expect(await screen.findByTestId("logout-dialog")).toHaveTextContent("You are in a call");
  expect(server.asked).not.toContain("POST /api/logout");
});
