/** A card's recordings: the call's own, and one for each party that was asked in, told apart by name. */

import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { CardContact, RecordingInfo } from "../src/api/types";
import { faults } from "./axe";
import { openWorkplace, startServer, type FakeServer } from "./fake-server";
import { card, NOW, summary } from "./samples";

let server: FakeServer;

beforeEach(() => {
  server = startServer();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

function recording(id: string, party: Partial<RecordingInfo["party"]> | null, change: Partial<RecordingInfo> = {}): RecordingInfo {
  return {
    recording_id: id,
    state: "sealed",
    duration_s: 12,
    sha256: "ab",
    size: 99,
    started_at: NOW,
    error: null,
    party: party && { kind: "service", number: null, name: "", agent_id: null, agent_name: null, ...party },
    ...change,
  };
}

async function opened(recordings: RecordingInfo[]): Promise<HTMLElement[]> {
  const contact: CardContact = {
    contact_id: "c1",
    medium: "voice",
    queue: "emergency",
    priority: 0,
    caller_number: "+37126123456",
    caller_number_hidden: false,
    called_number: "112",
    arrived_at: NOW,
    answered_at: NOW,
    ended_at: NOW,
    agent_id: "agent-101",
    agent_name: "Anna Bērziņa",
    outcome: "ended",
    recordings,
    service: null,
    test: false,
  };
  server.on("GET /api/cards", { body: { cards: [summary()], next: null } });
  server.on("GET /api/cards/i1", { body: card({ contacts: [contact] }) });
  await openWorkplace(server);
  await userEvent.click(await screen.findByTestId("recent-card"));
  return await screen.findAllByTestId("recording");
}

it("names whose each recording is: directory, number, colleague, or the kind alone", async () => {
  await opened([
    recording("r0", null),
    recording("r1", { name: "nmpd", number: "113" }),
    recording("r2", { kind: "agent", agent_id: "agent-101", agent_name: "Old name" }),
    recording("r3", { kind: "agent", agent_id: "agent-999", agent_name: "Zane" }),
    recording("r4", { kind: "outside", number: "67000113", name: "67000113" }),
    recording("r5", { kind: "interpreter" }),
  ]);
  await waitFor(() => expect(screen.getAllByTestId("recording-title")[1]).toHaveTextContent("Ambulance"));
  const titles = screen.getAllByTestId("recording-title").map((title) => title.textContent);
  const wanted = [
    "The call",
    "Consultation: Ambulance 113",
    "Consultation: Anna Bērziņa",
    "Consultation: Zane",
    "Consultation: 67000113",
    "Consultation: interpreter",
  ];
  wanted.forEach((words, index) => expect(titles[index]?.replace(/\u00a0/g, " ")).toContain(words));
  expect(await faults(screen.getByTestId("recordings"))).toEqual([]);
});

it("says who is on which side, and plays the party's own file", async () => {
  const [own, other] = await opened([recording("r0", null), recording("r1", { name: "nmpd", number: "113" })]);
  if (!own || !other) throw new Error("two recordings");
  expect(own).toHaveTextContent("Left: caller");
  await waitFor(() => expect(other).toHaveTextContent("Left: Ambulance 113"));
  expect(other).toHaveTextContent("Right: what this party hears");
  expect(within(other).getByTestId("player-audio")).toHaveAttribute("src", "/api/recordings/r1/audio");
  const label = within(other).getByTestId("player").getAttribute("aria-label");
  expect(label).toBe("Player of the recording: Consultation: Ambulance 113");
});

it("says of which one that it could not be stored", async () => {
  const [, other] = await opened([
    recording("r0", null),
    recording("r1", { name: "nmpd", number: "113" }, { state: "failed", error: "no space left", duration_s: null }),
  ]);
  expect(other).toHaveTextContent("Consultation");
  expect(other).toHaveTextContent("could not be stored");
});
