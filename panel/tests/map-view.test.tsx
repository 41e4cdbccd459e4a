/** The words beside the map, in a browser that cannot draw. What is drawn is proved in Chromium. */

import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { faults } from "./axe";
import { changeLanguage } from "../src/i18n";
import { CoordinateBox, MapView, type MapLocation } from "../src/map";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const now = (): number => NOW;

const AML: MapLocation = {
  location_id: "aml-1",
  kind: "caller",
  source: "aml",
  lat: 56.9496,
  lon: 24.1052,
  shape: { type: "Circle", centre: [56.9496, 24.1052], radius_m: 35 },
  radius_m: 35,
  confidence: 0.9,
  observed_at: "2026-11-26T11:59:20Z",
  received_at: "2026-11-26T11:59:30Z",
};

const MSD: MapLocation = {
  ...AML,
  location_id: "msd-1",
  kind: "incident",
  source: "msd",
  lat: 56.9596,
  shape: { type: "Point", position: [56.9596, 24.1052] },
  radius_m: null,
  data: { direction: 91 },
};

// As MapLibre does where there is no WebGL.
vi.mock("../src/map/Drawing", () => ({
  Drawing: function Drawing() {
    throw new Error("no WebGL");
  },
}));

beforeEach(() => {
  vi.stubGlobal("fetch", () =>
    Promise.resolve(new Response(JSON.stringify({ maps: [] }), { headers: { "Content-Type": "application/json" } })),
  );
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
});

afterEach(() => {
  vi.unstubAllGlobals();
});

it("says in words what the map shows, the newest first", async () => {
  const shown = { locations: [AML, MSD], current: "aml-1", conflicts: [["aml-1", "msd-1"]] as const };
  const { container } = render(<MapView {...shown} now={now} />);
  const [newest, oldest] = screen.getAllByTestId("map-place");
  expect(newest).toHaveTextContent("Incident Vehicle (eCall) · 40 s ago");
  expect(newest).toHaveTextContent("moving east");
  expect(newest).toHaveTextContent("Contradicts Phone (AML): 1.1 km apart");
  expect(oldest).toHaveTextContent("Caller Phone (AML) · ± 35 m · 40 s agocurrent");
  expect(oldest).toHaveTextContent("56.94960, 24.10520");
  expect(oldest).toHaveTextContent("LKS-92 X 311 781, Y 506 399");
  await waitFor(() => expect(screen.getByTestId("map")).toHaveAttribute("data-state", "lost"));
  expect(await faults(container)).toEqual([]);
});

it("keeps the words and says so where nothing can be drawn", async () => {
  render(<MapView locations={[AML]} current="aml-1" conflicts={[]} now={now} />);
  expect(await screen.findByText(/cannot be drawn/)).toBeVisible();
  expect(screen.getByTestId("map-place")).toHaveTextContent("56.94960, 24.10520");
  await userEvent.click(screen.getByTestId("map-go"));
  await userEvent.click(screen.getByTestId("map-home"));
  expect(screen.getByTestId("map-place")).toBeVisible();
});

it("has nowhere to go back to without a current location", () => {
  render(<MapView locations={[]} current={null} conflicts={[]} now={now} />);
  expect(screen.getByText("No location yet.")).toBeVisible();
  expect(screen.getByTestId("map-home")).toBeDisabled();
});

it("takes typed coordinates as a place that was picked, in both systems", async () => {
  const onPick = vi.fn();
  render(<MapView locations={[]} current={null} conflicts={[]} now={now} onPick={onPick} />);
  const field = screen.getByLabelText("Coordinates");
  await userEvent.type(field, "56,9496 24,1052{Enter}");
  expect(onPick).toHaveBeenLastCalledWith({ lat: 56.9496, lon: 24.1052 });
  expect(screen.getByTestId("map-lks92")).toHaveTextContent("X 311 781, Y 506 399");
  await userEvent.clear(field);
  await userEvent.type(field, "X 311 781, Y 506 399{Enter}");
  const [picked] = onPick.mock.lastCall as [{ lat: number; lon: number }];
  expect(picked.lat).toBeCloseTo(56.9496, 4);
  expect(picked.lon).toBeCloseTo(24.1052, 4);
});

it.each([
  ["en", "no coordinates", "no such place", "far from Latvia"],
  ["lv", "nav koordinātas", "vietas nav", "tālu no Latvijas"],
  ["ru", "не координаты", "места нет", "далеко от Латвии"],
] as const)("says in %s what is wrong with typed coordinates", async (language, unreadable, outside, far) => {
  await changeLanguage(language);
  const onPick = vi.fn();
  render(<CoordinateBox onPick={onPick} />);
  const field = screen.getByTestId("map-typed");
  const type = async (text: string): Promise<HTMLElement> => {
    await userEvent.clear(field);
    await userEvent.type(field, `${text}{Enter}`);
    return screen.getByRole("alert");
  };
  expect(await type("Rīga")).toHaveTextContent(unreadable);
  expect(field).toBeInvalid();
  expect(await type("95 24")).toHaveTextContent(outside);
  expect(onPick).not.toHaveBeenCalled();
  // Longitude first is a slip of the finger, and may be meant all the same.
  expect(await type("24.1 56.9")).toHaveTextContent(far);
  expect(onPick).toHaveBeenCalledWith({ lat: 24.1, lon: 56.9 });
});

it("copies both systems, and says so", async () => {
  const person = userEvent.setup();
  render(<CoordinateBox place={AML} onPick={() => undefined} />);
  const box = within(screen.getByTestId("map-box"));
  await person.click(box.getByTestId("map-copy"));
  expect(box.getByRole("status")).toHaveTextContent("Copied");
  expect(await navigator.clipboard.readText()).toBe("56.94960, 24.10520 (LKS-92 X 311 781, Y 506 399)");
});
