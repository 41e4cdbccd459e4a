/** A conversation in hand: sharing and giving it away, who is with whom, mute, hold, wrap-up. */

import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ContactMsg } from "../src/api/types";
import { faults } from "./axe";
import { openWorkplace, startServer, type FakeServer } from "./fake-server";
import { agent, contact, me, party } from "./samples";

let server: FakeServer;

const soon = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
const own = party({ party_id: "own", kind: "agent", agent_id: "agent-101", number: null, name: "Anna" });
const colleagues = [
  agent({ state: "talking" }),
  agent({ agent_id: "agent-102", name: "Bruno Zariņš", extension: "102" }),
  agent({ agent_id: "agent-103", name: "Dace Kļava", extension: "103", state: "wrap_up" }),
];

function talking(change: Partial<ContactMsg> = {}): ContactMsg {
  return contact({ state: "talking", agent_id: "agent-101", parties: [own], ...change });
}

let seq = 10;
function say(change: Partial<ContactMsg> = {}): void {
  seq += 1;
  server.say({ type: "contact", seq, contact: talking(change) });
}

async function openTalk(change: Partial<ContactMsg> = {}): Promise<void> {
  await openWorkplace(server, { contacts: [talking(change)], agents: colleagues });
}

async function openDialog(): Promise<HTMLElement> {
  await openTalk();
  await userEvent.keyboard("{F10}");
  const dialog = screen.getByTestId("target-dialog");
  await within(dialog).findByText("Ambulance");
  return dialog;
}

beforeEach(() => {
  server = startServer();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("add or transfer", () => {
  it("opens by key with the cursor in the search, and is sound for screen readers", async () => {
    const dialog = await openDialog();
    expect(screen.getByTestId("target-search")).toHaveFocus();
    expect(await faults(dialog)).toEqual([]);
  });

  it("consults a colleague who was typed and entered, and closes", async () => {
    server.on("POST /api/contacts/c1/consult", {});
    await openDialog();
    await userEvent.keyboard("bruno{Enter}");
    await waitFor(() => expect(screen.queryByTestId("target-dialog")).toBeNull());
    expect(server.sent("POST /api/contacts/c1/consult")).toEqual({ target: { kind: "agent", agent_id: "agent-102" } });
  });

  it("transfers at once with Shift, and adds with Ctrl", async () => {
    server.on("POST /api/contacts/c1/transfer", {});
    server.on("POST /api/contacts/c1/invite", {});
    await openDialog();
    await userEvent.keyboard("113{Shift>}{Enter}{/Shift}");
    await waitFor(() => expect(screen.queryByTestId("target-dialog")).toBeNull());
    expect(server.sent("POST /api/contacts/c1/transfer")).toEqual({ target: { kind: "directory", name: "nmpd" } });
    await userEvent.keyboard("{F10}polish{Control>}{Enter}{/Control}");
    await waitFor(() => expect(screen.queryByTestId("target-dialog")).toBeNull());
    expect(server.sent("POST /api/contacts/c1/invite")).toEqual({ target: { kind: "directory", name: "polish" } });
  });

  it("calls a number as typed", async () => {
    server.on("POST /api/contacts/c1/consult", {});
    await openDialog();
    await userEvent.keyboard("+371 2900-0000");
    await userEvent.click(screen.getByTestId("target-consult"));
    await waitFor(() =>
      expect(server.sent("POST /api/contacts/c1/consult")).toEqual({ target: { kind: "number", number: "+37129000000" } }),
    );
  });

  it("sends to a queue by Enter, for nothing else can be done with one", async () => {
    server.on("POST /api/contacts/c1/transfer", {});
    await openDialog();
    await userEvent.keyboard("office");
    expect(screen.getByTestId("target-consult")).toBeDisabled();
    expect(screen.getByTestId("target-invite")).toBeDisabled();
    await userEvent.keyboard("{Enter}");
    await waitFor(() =>
      expect(server.sent("POST /api/contacts/c1/transfer")).toEqual({ target: { kind: "queue", queue: "office" } }),
    );
  });

  it("shows who is free as it changes, and never puts another in the chosen one's place", async () => {
    await openDialog();
    await userEvent.keyboard("bruno");
    server.say({ type: "agent", seq: 20, agent: { ...colleagues[1], state: "talking" } });
    const option = screen.getByTestId("choice");
    expect(option).toHaveTextContent("In a call");
    expect(option).toHaveAttribute("aria-disabled", "true");
    expect(screen.getByTestId("target-consult")).toBeDisabled();
    await userEvent.keyboard("{Enter}");
    expect(server.asked).not.toContain("POST /api/contacts/c1/consult");
  });

  it("is walked through by arrows, over who is busy", async () => {
    await openDialog();
    const chosen = (): string | null =>
      document.querySelector('[aria-selected="true"]')?.getAttribute("data-choice") ?? null;
    expect(chosen()).toBe("directory:nmpd");
    await userEvent.keyboard("{ArrowDown}{ArrowDown}{ArrowDown}");
    expect(chosen()).toBe("queue:emergency");
    await userEvent.keyboard("{ArrowUp}");
    expect(chosen()).toBe("agent:agent-102");
    const search = screen.getByTestId("target-search");
    const active = document.getElementById(search.getAttribute("aria-activedescendant") ?? "");
    expect(active).toHaveTextContent("Bruno");
  });

  it("stays open and says why when it was refused", async () => {
    server.on("POST /api/contacts/c1/consult", { status: 409, body: { code: "no_trunk" } });
    await openDialog();
    await userEvent.keyboard("{Enter}");
    expect(await screen.findByTestId("toast")).toHaveTextContent("No outgoing line is set up");
    expect(screen.getByTestId("target-dialog")).toBeVisible();
  });

  it("goes with the conversation", async () => {
    await openDialog();
    server.say({ type: "contact_gone", seq: 20, contact_id: "c1" });
    expect(screen.queryByTestId("target-dialog")).toBeNull();
  });
});

describe("consultation", () => {
  it("can be cancelled while it rings, and nothing else", async () => {
    server.on("POST /api/contacts/c1/cancel", {});
    await openTalk({ on_hold: true, state: "held", parties: [own, party({ state: "ringing" })] });
    const call = screen.getByTestId("call");
    expect(call).toHaveAttribute("data-stage", "consult_ringing");
    expect(within(call).queryByTestId("call-merge")).toBeNull();
    expect(within(call).queryByTestId("call-hangup")).toBeNull();
    await userEvent.click(screen.getByTestId("call-cancel"));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/cancel"));
    expect(await faults(call)).toEqual([]);
  });

  it("tells who is with whom", async () => {
    await openTalk({ on_hold: true, state: "held", parties: [own, party()] });
    expect(screen.getByTestId("party-citizen")).toHaveTextContent("on hold");
    expect(screen.getByTestId("party")).toHaveTextContent("NMPD service · 113 talking");
    say({ parties: [own, party({ state: "held" })] });
    expect(screen.getByTestId("party-citizen")).toHaveTextContent("talking");
    expect(screen.getByTestId("party")).toHaveTextContent("on hold");
    expect(screen.getByTestId("call")).toHaveAttribute("data-stage", "consult");
  });

  it("names a service as the directory does, and a dialled number once", async () => {
    const dialled = party({ party_id: "p2", kind: "outside", name: "+37129000000", number: "+37129000000" });
    await openTalk({ parties: [own, party({ name: "nmpd" }), dialled] });
    const [service, outside] = screen.getAllByTestId("party");
    await waitFor(() => expect(service).toHaveTextContent("Ambulance service · 113"));
    expect(outside).toHaveTextContent(/^\+371 2900 0000 outside number\s?talking/);
  });

  it.each([
    ["F4", "swap"],
    ["F9", "complete"],
    ["F10", "merge"],
  ])("%s is %s", async (key, action) => {
    server.on(`POST /api/contacts/c1/${action}`, {});
    await openTalk({ on_hold: true, state: "held", parties: [own, party()] });
    await userEvent.keyboard(`{${key}}`);
    await waitFor(() => expect(server.asked).toContain(`POST /api/contacts/c1/${action}`));
  });

  it("has F8 for the way back, which never ends the call by a press too many", async () => {
    server.on("POST /api/contacts/c1/cancel", {});
    server.on("POST /api/contacts/c1/hang-up", {});
    const clock = vi.spyOn(performance, "now").mockReturnValue(100_000);
    await openTalk({ on_hold: true, state: "held", parties: [own, party()] });
    clock.mockReturnValue(102_000);
    await userEvent.keyboard("{F8}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/cancel"));
    say();
    clock.mockReturnValue(102_500);
    await userEvent.keyboard("{F8}");
    expect(server.asked).not.toContain("POST /api/contacts/c1/hang-up");
  });
});

describe("conference", () => {
  it("drops one party by its button", async () => {
    server.on("POST /api/contacts/c1/parties/p1/drop", {});
    await openTalk({ parties: [own, party(), party({ party_id: "p2", kind: "interpreter", name: "Ewa", number: null })] });
    expect(screen.getByTestId("call-state")).toHaveTextContent("Conference");
    const rows = screen.getAllByTestId("party");
    expect(rows).toHaveLength(2);
    await userEvent.click(screen.getByRole("button", { name: "Remove NMPD from the conversation" }));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/parties/p1/drop"));
  });

  it("can be left to the others by F9, and its end is called the end for everybody", async () => {
    server.on("POST /api/contacts/c1/complete", {});
    await openTalk({ parties: [own, party()] });
    expect(screen.getByTestId("call-hangup")).toHaveTextContent("End for everybody");
    expect(screen.getByTestId("call-complete")).toHaveTextContent("Leave the conversation");
    await userEvent.keyboard("{F9}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/complete"));
  });

  it("is not left to an interpreter alone", async () => {
    await openTalk({ parties: [own, party({ kind: "interpreter" })] });
    expect(screen.queryByTestId("call-complete")).toBeNull();
    await userEvent.keyboard("{F9}");
    expect(server.asked.filter((name) => name.startsWith("POST"))).toEqual([]);
  });

  it("shows whose microphone is off", async () => {
    await openTalk({ parties: [own, party({ muted: true })] });
    expect(screen.getByTestId("party-muted")).toHaveTextContent("Microphone off");
    expect(screen.getByTestId("call-mute")).toHaveAttribute("aria-pressed", "false");
    say({ muted: true, parties: [{ ...own, muted: true }, party()] });
    expect(screen.queryByTestId("party-muted")).toBeNull();
    expect(screen.getByTestId("call-mute")).toHaveAttribute("aria-pressed", "true");
  });

  it("is only left by who assists, and not held or transferred", async () => {
    server.on("POST /api/contacts/c1/hang-up", {});
    await openTalk({ agent_id: "agent-102", participants: ["agent-101"] });
    expect(screen.getByTestId("call-state")).toHaveTextContent("You assist Bruno Zariņš");
    expect(screen.queryByTestId("call-hold")).toBeNull();
    expect(screen.queryByTestId("call-add")).toBeNull();
    await userEvent.keyboard("{F4}{F10}");
    expect(screen.queryByTestId("target-dialog")).toBeNull();
    expect(server.asked.filter((name) => name.startsWith("POST"))).toEqual([]);
    await userEvent.click(screen.getByTestId("call-hangup"));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/hang-up"));
  });
});

describe("mute", () => {
  it("of a desk phone is the server's, by Shift and F4", async () => {
    server.on("POST /api/contacts/c1/mute", {});
    server.on("POST /api/contacts/c1/unmute", {});
    await openTalk();
    await userEvent.keyboard("{Shift>}{F4}{/Shift}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/mute"));
    expect(server.asked).not.toContain("POST /api/contacts/c1/hold");
    say({ muted: true });
    expect(screen.getByTestId("call-mute")).toHaveAttribute("aria-pressed", "true");
    await userEvent.click(screen.getByTestId("call-mute"));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/unmute"));
  });
});

describe("hold", () => {
  it("shows how long the citizen hears music, and warns when it is too long", async () => {
    await openTalk({ state: "held", on_hold: true, held_since: soon(-5) });
    expect(screen.getByTestId("hold-time")).toHaveTextContent(/on hold for 0:0\d$/);
    say({ state: "held", on_hold: true, held_since: soon(-31) });
    expect(screen.getByTestId("hold-time")).toHaveAttribute("data-long", "true");
    expect(screen.getByTestId("hold-time")).toHaveTextContent("go back to the caller");
  });

  it("counts by itself where the server does not tell since when", async () => {
    await openTalk();
    expect(screen.queryByTestId("hold-time")).toBeNull();
    say({ state: "held", on_hold: true });
    expect(screen.getByTestId("hold-time")).toHaveTextContent(/0:0\d/);
    say();
    expect(screen.queryByTestId("hold-time")).toBeNull();
  });
});

describe("a caller who does not speak", () => {
  it("is unmistakable, with what to do", async () => {
    await openTalk();
    expect(screen.queryByTestId("silence-notice")).toBeNull();
    say({ silent: true });
    const notice = screen.getByTestId("silence-notice");
    expect(notice).toHaveAttribute("role", "alert");
    expect(notice).toHaveTextContent("The caller says nothing");
    expect(notice).toHaveTextContent("press 5 twice (55)");
    say({ silent: true, cannot_speak: true });
    expect(screen.getByTestId("silence-notice")).toHaveTextContent("I cannot speak");
    expect(screen.getByTestId("mark-cannot-speak")).toHaveTextContent("CANNOT SPEAK");
    expect(screen.queryByTestId("mark-silent")).toBeNull();
    say();
    expect(screen.queryByTestId("silence-notice")).toBeNull();
  });
});

describe("offer", () => {
  const offered = (change: Partial<ContactMsg> = {}): ContactMsg =>
    contact({ state: "offered", agent_id: "agent-101", offer: { offer_id: "o1", deadline: soon(15) }, ...change });

  it("carries what is special about the caller", async () => {
    await openWorkplace(server, {
      contacts: [offered({ language: "ru", redial: true, escalated: true, cannot_speak: true, participants: ["agent-102"] })],
      agents: [agent({ state: "reserved" }), ...colleagues.slice(1)],
    });
    const offer = screen.getByTestId("offer");
    expect(within(offer).getByTestId("mark-language")).toHaveTextContent("Russian");
    expect(within(offer).getByTestId("mark-redial")).toHaveTextContent("Calls again");
    expect(within(offer).getByTestId("mark-escalated")).toBeVisible();
    expect(within(offer).getByTestId("silence-notice")).toHaveAttribute("data-kind", "cannot_speak");
    expect(within(offer).getByTestId("offer-company")).toHaveTextContent("Bruno Zariņš");
    expect(await faults(offer)).toEqual([]);
  });

  it("to assist says so, and whom", async () => {
    const offers = [{ offer_id: "o1", agent_id: "agent-101", deadline: soon(15), kind: "assist" as const }];
    await openWorkplace(server, {
      contacts: [contact({ state: "talking", agent_id: "agent-102", offers })],
      agents: [agent({ state: "reserved" }), ...colleagues.slice(1)],
    });
    expect(screen.getByTestId("offer")).toHaveTextContent("A colleague asks you to join");
    expect(screen.getByTestId("offer-company")).toHaveTextContent("Bruno Zariņš");
  });

  it("of a text stands beside the conversation and leaves it its keys", async () => {
    server.on("POST /api/contacts/c5/answer", {});
    await openTalk();
    const offer = { offer_id: "o5", deadline: soon(15) };
    server.say({ type: "contact", seq: 30, contact: offered({ contact_id: "c5", medium: "sms", offer }) });
    expect(screen.getByTestId("call")).toBeVisible();
    expect(screen.getByTestId("side-offer")).toHaveTextContent("Text message for you");
    expect(screen.getByTestId("side-answer")).not.toHaveFocus();
    await userEvent.click(screen.getByTestId("side-answer"));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c5/answer"));
  });
});

describe("outgoing call", () => {
  it("is placed from the card by one click: our own phone is answered by itself", async () => {
    server.on("POST /api/contacts/c7/answer", {});
    server.on("POST /api/cards/i1/call", { body: { contact_id: "c7" } });
    const wrapUp = agent({ state: "wrap_up", wrap_up_deadline: soon(30) });
    await openTalk();
    await screen.findByTestId("card");
    expect(screen.getByTestId("card-call")).toBeDisabled();
    server.say({ type: "contact_gone", seq: 20, contact_id: "c1" }, { type: "agent", seq: 21, agent: wrapUp });
    await userEvent.click(screen.getByTestId("card-call"));
    await waitFor(() => expect(server.sent("POST /api/cards/i1/call")).toEqual({ number: "+37126123456" }));
    const offer = { offer_id: "o7", deadline: soon(15) };
    const ringing = contact({ contact_id: "c7", state: "offered", direction: "outbound", agent_id: "agent-101", offer });
    server.say({ type: "contact", seq: 22, contact: ringing });
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c7/answer"));
  });

  it("that somebody else arranged waits for a hand", async () => {
    const offer = { offer_id: "o7", deadline: soon(15) };
    const ringing = contact({ contact_id: "c7", state: "offered", direction: "outbound", agent_id: "agent-101", offer });
    await openWorkplace(server, { contacts: [ringing], agents: [agent({ state: "reserved" })] });
    expect(screen.getByTestId("offer")).toHaveTextContent("Outgoing call");
    expect(server.asked).not.toContain("POST /api/contacts/c7/answer");
  });

  it("shows that it dials, and can be ended", async () => {
    server.on("POST /api/contacts/c1/hang-up", {});
    await openTalk({ state: "dialling", direction: "outbound" });
    expect(screen.getByTestId("call-state")).toHaveTextContent("Calling…");
    expect(screen.queryByTestId("call-hold")).toBeNull();
    await userEvent.click(screen.getByTestId("call-hangup"));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/hang-up"));
  });
});

it("gives more time for the wrap-up by button and key", async () => {
  server.on("POST /api/agent/wrap-up/extend", {});
  await openWorkplace(server, { agents: [agent({ state: "wrap_up", wrap_up_deadline: soon(30) })] });
  await userEvent.click(screen.getByTestId("wrap-up-extend"));
  await userEvent.keyboard("{Shift>}{F9}{/Shift}");
  await waitFor(() =>
    expect(server.asked.filter((name) => name === "POST /api/agent/wrap-up/extend")).toHaveLength(2),
  );
  expect(server.asked).not.toContain("POST /api/agent/wrap-up/end");
});

it("says plainly that offers were missed, and is ready again by one key", async () => {
  server.on("PUT /api/agent/presence", {});
  const presence = { kind: "not_ready", reason: "missed_offers" } as const;
  await openWorkplace(server, { agents: [agent({ state: "not_ready", presence, missed_offers: 3 })] });
  expect(screen.getByTestId("missed-offers")).toHaveTextContent("after 3 unanswered offers. Press F7");
  expect(screen.getByTestId("own-state")).toHaveTextContent("Missed calls");
  await userEvent.keyboard("{F7}");
  await waitFor(() => expect(server.sent("PUT /api/agent/presence")).toEqual({ kind: "ready", reason: null }));
});

it("counts the texts in hand, if there are any", async () => {
  await openWorkplace(server);
  expect(screen.queryByTestId("text-count")).toBeNull();
  server.say({ type: "agent", seq: 2, agent: agent({ contacts: ["c8", "c9"] }) });
  expect(screen.getByTestId("text-count")).toHaveTextContent("Texts: 2");
});

it("works with a server that knows nothing of all this", async () => {
  const old = { contact_id: "c1", incident_id: "i1", medium: "voice", queue: "emergency", priority: 5 };
  const rest = { state: "talking", caller_number: "+37126123456", arrived_at: soon(-9), agent_id: "agent-101", offer: null, on_hold: false };
  const account = me();
  server.on("GET /api/me", { body: { ...account, rights: undefined } });
  server.on("GET /api/directory", { status: 404, body: { code: "not_found" } });
  await openWorkplace(server, { contacts: [{ ...old, ...rest }], callbacks: undefined, alarms: undefined });
  expect(screen.getByTestId("call")).toBeVisible();
  expect(screen.queryByTestId("page-live")).toBeNull();
  await userEvent.keyboard("{F10}");
  expect(screen.getByTestId("target-dialog")).toBeVisible();
});
