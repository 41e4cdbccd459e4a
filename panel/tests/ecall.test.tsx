/** The eCall desk: what the call taker sees of a car in the queue, in the offer, in the call and on the card. */

import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EmergencyData } from "../src/api/ecall";
import type { Card } from "../src/api/types";
import { changeLanguage } from "../src/i18n";
import { faults } from "./axe";
import { openWorkplace, startServer, type FakeServer } from "./fake-server";
import { agent, card, contact, item, me, NOW, summary } from "./samples";
import { AUTOMATIC, car, cardContact, dataItem, emergencyData, MANUAL, msd, TEST_ECALL, VIN } from "./ecall-samples";

const DATA = "GET /api/contacts/c1/emergency-data";
let server: FakeServer;
const user = userEvent.setup();

beforeEach(() => {
  server = startServer();
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const TALKING = { state: "talking" as const, agent_id: "agent-101", service: AUTOMATIC, vehicle: car() };

/** The card of an eCall; `live`: what the live connection tells of its contact, null when it is over. */
async function openCard(
  live: Parameters<typeof contact>[0] | null = TALKING,
  told: Partial<EmergencyData> = {},
  change: Partial<Card> = {},
): Promise<HTMLElement> {
  const asked = live?.service ?? AUTOMATIC;
  const contacts = [cardContact({ service: asked, test: asked === TEST_ECALL })];
  server.on("GET /api/cards", { body: { cards: [summary()], next: null } });
  server.on("GET /api/cards/i1", { body: card({ contacts, ...change }) });
  server.on(DATA, { body: emergencyData({ service: asked, ...told }) });
  const busy = live === null ? {} : { state: "talking" as const, contact_id: "c1" };
  await openWorkplace(server, { contacts: live === null ? [] : [contact(live)], agents: [agent(busy)] });
  if (live === null) await user.click(await screen.findByTestId("recent-card"));
  return await screen.findByTestId("emergency-data");
}

describe("marks", () => {
  it.each([
    [AUTOMATIC, "automatic", "eCall AUTO"],
    [MANUAL, "manual", "eCall MANUAL"],
    [TEST_ECALL, "test", "eCall TEST"],
  ])("tell in the waiting list that %s is %s", async (service, kind, words) => {
    await openWorkplace(server, { contacts: [contact({ service })] });
    const mark = within(await screen.findByTestId("waiting-row")).getByTestId("mark-ecall");
    expect(mark).toHaveAttribute("data-kind", kind);
    expect(mark).toHaveTextContent(words);
  });

  it("name the service that was asked for, and nothing of an ordinary call", async () => {
    const contacts = [contact({ service: "urn:service:sos.fire" }), contact({ contact_id: "c2", service: "urn:service:sos" })];
    await openWorkplace(server, { contacts });
    await screen.findAllByTestId("waiting-row");
    expect(screen.getAllByTestId("mark-service").map((one) => one.textContent)).toEqual([" Fire and rescue"]);
    expect(screen.queryByTestId("mark-ecall")).toBeNull();
    expect(screen.queryByTestId("mark-no-data")).toBeNull();
  });

  it("say on the offer that no data came, and that data cannot be read", async () => {
    const offered = { state: "offered" as const, service: MANUAL };
    const offers = [{ offer_id: "o1", agent_id: "agent-101", deadline: "2099-01-01T00:00:00Z", kind: "answer" as const }];
    await openWorkplace(server, {
      contacts: [contact({ ...offered, offers, vehicle: car({ kind: "manual", data: "none", msd: null, count: 0 }) })],
    });
    const offer = await screen.findByTestId("offer");
    expect(within(offer).getByTestId("mark-ecall")).toHaveTextContent("eCall MANUAL");
    expect(within(offer).getByTestId("mark-no-data")).toHaveTextContent("NO DATA RECEIVED");
    const unreadable = car({ kind: "manual", data: "unreadable", msd: null, count: 0 });
    server.say({ type: "contact", seq: 2, contact: contact({ ...offered, offers, vehicle: unreadable }) });
    expect(within(offer).getByTestId("mark-unreadable")).toHaveTextContent("DATA UNREADABLE");
  });

  it("say on the list of cards which were cars", async () => {
    server.on("GET /api/cards", { body: { cards: [summary({ service: TEST_ECALL, test: true })], next: null } });
    await openWorkplace(server);
    expect(within(await screen.findByTestId("recent-card")).getByTestId("mark-ecall")).toHaveTextContent("eCall TEST");
  });
});

describe("a test call", () => {
  it("cannot be taken for a real one, in the call and later on the card", async () => {
    const section = await openCard({ ...TALKING, service: TEST_ECALL, test: true, vehicle: car({ kind: "test" }) });
    expect(screen.getByTestId("test-banner")).toHaveTextContent("TEST: nobody needs help");
    expect(within(section).getByTestId("mark-ecall")).toHaveTextContent("eCall TEST");
    server.say({ type: "contact_gone", seq: 5, contact_id: "c1" });
    expect(within(section).getByTestId("test-banner")).toHaveTextContent("TEST: nobody needs help");
  });

  it("of a plain caller is marked too", async () => {
    await openWorkplace(server, { contacts: [contact({ service: "urn:service:test.sos.police", test: true })] });
    expect(await screen.findByTestId("mark-test")).toHaveTextContent("TEST CALL");
    expect(screen.queryByTestId("mark-ecall")).toBeNull();
  });

  it("is not what a real eCall is", async () => {
    await openCard();
    expect(screen.queryByTestId("test-banner")).toBeNull();
  });
});

describe("a car on the card", () => {
  it("is told whole: place, direction, vehicle, people, energy", async () => {
    const section = await openCard();
    // The messages below have octets, too.
    const at = (testid: string): HTMLElement | undefined => within(section).getAllByTestId(testid)[0];
    expect(at("car-position")).toHaveTextContent("57.01000, 24.42000");
    expect(section).toHaveTextContent("within 150 m");
    expect(at("car-direction")).toHaveTextContent("44°, north-east");
    expect(at("car-trail")).toHaveTextContent(/m to the south-west; \d+ m to the south-west/);
    expect(at("car-vin")).toHaveTextContent("WVW ZZZ1JZ X W000001");
    expect(at("car-make")).toHaveTextContent("Volkswagen, model year 1999");
    expect(at("car-type")).toHaveTextContent("Passenger car (M1)");
    expect(at("car-occupants")).toHaveTextContent("3");
    expect(at("car-raised")).toHaveTextContent("AUTO");
    expect(at("car-message")).toHaveTextContent("no. 1, version 3");
    const energies = within(section).getAllByTestId("car-energy");
    expect(energies.map((one) => one.dataset.energy)).toEqual(["electricEnergyStorage", "gasolineTankPresent"]);
    expect(energies[0]).toHaveTextContent("high-voltage battery");
    expect(at("car-hex")).toHaveTextContent("02 31 ca fe");
  });

  it("plainly says what it does not know, and what it doubts", async () => {
    const unknown = { direction_deg: null, make: null, model_year: null, vehicle_type: null, occupants: null, recent: [] };
    const doubtful = msd({ ...unknown, trusted: false, energy: [], sent_at: null, vin: "WVWZZZ1JZ?W000001" });
    const section = await openCard({ ...TALKING, vehicle: car({ msd: doubtful }) });
    expect(within(section).getByTestId("car-untrusted")).toHaveTextContent("NOT CERTAIN");
    for (const fact of ["direction", "make", "type", "occupants", "energies"]) {
      expect(within(section).getByTestId(`car-${fact}`)).toHaveTextContent("not known");
    }
    expect(within(section).getByTestId("car-age")).toHaveAttribute("data-clock", "failed");
    expect(within(section).queryByTestId("car-trail")).toBeNull();
  });

  it("without a place says so", async () => {
    const section = await openCard({ ...TALKING, vehicle: car({ msd: msd({ lat: null, lon: null, trusted: false }) }) });
    expect(within(section).getByTestId("car-no-position")).toHaveTextContent("does not know where it is");
    expect(within(section).queryByTestId("car-position")).toBeNull();
  });

  it("tells oddities in words, and what those who know the standard want", async () => {
    const oddities = [
      { code: "structure_cut", detail: "in numberOfOccupants" },
      { code: "of_tomorrow", detail: "" },
      { code: "clock", detail: "1" },
    ];
    const section = await openCard({ ...TALKING, vehicle: car({ msd: msd({ oddities }) }) });
    const told = within(section).getByTestId("car-oddities");
    expect(told).toHaveTextContent("The message is cut");
    expect(told).toHaveTextContent("of_tomorrow");
    // The clock is told of beside the age.
    expect([...told.querySelectorAll("[data-code]")].map((one) => one.getAttribute("data-code"))).toEqual([
      "structure_cut",
      "of_tomorrow",
    ]);
    const exactly = within(told).getByTestId("car-exactly");
    expect(exactly).not.toHaveAttribute("open");
    expect(exactly).toHaveTextContent("structure_cut: in numberOfOccupants");
  });

  it("says why something cannot be read, and a code of tomorrow stands for itself", async () => {
    const items = [
      dataItem({ item_id: "d1", error: "Version 9 is not known.", fault: { code: "msd_version", params: { version: 9 } } }),
      dataItem({ item_id: "d2", kind: "control", error: "New.", fault: { code: "of_tomorrow", params: {} } }),
      dataItem({ item_id: "d3", kind: "other", error: "Said by an older server." }),
    ];
    const section = await openCard(TALKING, { items });
    const notes = await within(section).findAllByTestId("data-item-error");
    expect(notes.map((note) => note.dataset.code)).toEqual(["msd_version", "of_tomorrow", "unknown"]);
    expect(notes[0]).toHaveTextContent("The message is of version 9, which is not known here.");
    expect(notes[1]).toHaveTextContent("cannot be read: of_tomorrow");
    expect(notes[2]).toHaveTextContent("cannot be read: Said by an older server.");
  });

  it("has what counts above what can be done, and the rest below", async () => {
    const section = await openCard();
    const order = [...section.querySelectorAll("[data-testid]")].map((one) => one.getAttribute("data-testid"));
    const at = ["car-place", "car-occupants", "car-energies", "car-request", "car-vin", "car-octets"].map((id) => order.indexOf(id));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(at[0]).toBeGreaterThan(-1);
  });

  it("says where it was hit, and shows data that nobody knows as octets", async () => {
    const decoded = { locationOfImpact: "front", rolloverDetected: true, deltaV: { deltaVX: -40, deltaVY: 3 } };
    const section = await openCard({
      ...TALKING,
      vehicle: car({ msd: msd({ additional: { oid: "8.1", decoded, hex: "00", cut: false } }) }),
    });
    const additional = within(section).getByTestId("car-additional");
    expect(additional).toHaveTextContent("from the front");
    expect(additional).toHaveTextContent("Rolled over");
    expect(additional).toHaveTextContent("-40 km/h along, 3 km/h across");
    const raw = { oid: "7.7", decoded: null, hex: "abcd", cut: true };
    server.say({ type: "contact", seq: 3, contact: contact({ ...TALKING, vehicle: car({ msd: msd({ additional: raw }) }) }) });
    expect(within(section).getByTestId("car-additional")).toHaveTextContent("cut short");
    expect(within(section).getByTestId("car-additional")).toHaveTextContent("ab cd");
  });

  it.each(["none", "unreadable"] as const)("whose data are %s still has its section", async (data) => {
    const vehicle = car({ data, msd: null, count: 0, can_request: false });
    const items = data === "none" ? [] : [dataItem({ error: "The message ends too early.", hex: "0102" })];
    const section = await openCard({ ...TALKING, vehicle }, { vehicle, items });
    expect(within(section).getByTestId("car-missing")).toHaveAttribute("data-state", data);
    expect(within(section).queryByTestId("car-facts")).toBeNull();
    if (data === "unreadable") {
      const row = await within(section).findByTestId("car-message-row");
      expect(row).toHaveTextContent("The message ends too early.");
      expect(row).toHaveTextContent("01 02");
      expect(within(section).getByTestId("car-messages")).toHaveAttribute("open");
    }
  });

  it("of a line that carries no data is an eCall without data", async () => {
    const section = await openCard(null, { vehicle: null, items: [] });
    expect(await within(section).findByTestId("car-missing")).toHaveTextContent("No data received from the car");
    expect(within(section).getByTestId("mark-no-data")).toBeInTheDocument();
  });

  it("copies its VIN", async () => {
    const writeText = vi.fn(() => Promise.resolve());
    const section = await openCard();
    Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
    await user.click(within(section).getByRole("button", { name: "Copy the VIN" }));
    expect(writeText).toHaveBeenCalledWith(VIN);
  });

  it("has no accessibility faults", async () => {
    const section = await openCard(TALKING, {
      items: [dataItem({ msd: msd() }), dataItem({ item_id: "d2", kind: "other", error: "bad", hex: "00" })],
    });
    await within(section).findByTestId("data-others");
    expect(await faults(section)).toEqual([]);
  });

  it.each(["lv", "ru"] as const)("speaks %s", async (language) => {
    const section = await openCard();
    await changeLanguage(language);
    await waitFor(() =>
      expect(within(section).getByTestId("car-type")).toHaveTextContent(
        language === "lv" ? "Vieglā automašīna" : "Легковой автомобиль",
      ),
    );
    expect(section).not.toHaveTextContent("ecall.");
  });
});

describe("what came with the call", () => {
  it("is all there: each message with its time, other data with their words", async () => {
    const items = [
      dataItem({ msd: msd() }),
      dataItem({ item_id: "d2", via: "info", msd: msd({ message_identifier: 2, trusted: false }) }),
      dataItem({ item_id: "d3", kind: "additional", detail: { block: "Comment", fields: { Comment: ["Two dogs in it"] } } }),
      dataItem({ item_id: "d4", kind: "location", error: "This is no XML.", text: "<pres", content_type: "application/pidf+xml" }),
    ];
    const section = await openCard(TALKING, { items });
    await user.click(await within(section).findByText("All messages of the car (2)"));
    const rows = within(section).getAllByTestId("car-message-row");
    expect(rows.map((row) => within(row).getAllByRole("cell")[2]?.textContent)).toEqual(["1", "2"]);
    expect(rows[1]).toHaveTextContent("not certain");
    await user.click(within(section).getByText("Other data that came (2)"));
    const [comment, broken] = within(section).getAllByTestId("data-item");
    expect(comment).toHaveTextContent("Two dogs in it");
    expect(broken).toHaveAttribute("data-readable", "false");
    expect(broken).toHaveTextContent("cannot be read: This is no XML.");
    expect(broken).toHaveTextContent("<pres");
  });

  it("of a telephone stands on its card without a car", async () => {
    const live = { state: "talking" as const, agent_id: "agent-101", service: "urn:service:sos.police" };
    const items = [dataItem({ kind: "location_reference", detail: { uri: "https://lis.example/1" } })];
    const section = await openCard(live, { service: live.service, vehicle: null, items });
    expect(await within(section).findByTestId("data-item")).toHaveTextContent("https://lis.example/1");
    expect(section).toHaveTextContent("Data that came with the call");
    expect(within(section).queryByTestId("car-request")).toBeNull();
  });

  it("has no place on the card of whoever only asked for a service", async () => {
    const service = "urn:service:sos.police";
    server.on(DATA, { body: emergencyData({ service, vehicle: null, items: [] }) });
    server.on("GET /api/cards/i1", { body: card({ contacts: [cardContact({ service })] }) });
    await openWorkplace(server, { contacts: [contact({ state: "talking", agent_id: "agent-101", service })] });
    await screen.findByTestId("card");
    await waitFor(() => expect(server.asked).toContain(DATA));
    await waitFor(() => expect(screen.queryByTestId("emergency-data")).toBeNull());
  });

  it("is not asked for of an ordinary call", async () => {
    server.on("GET /api/cards/i1", { body: card({ contacts: [cardContact({ service: null })] }) });
    await openWorkplace(server, { contacts: [contact({ state: "talking", agent_id: "agent-101" })] });
    await screen.findByTestId("card");
    expect(server.asked).not.toContain(DATA);
    expect(screen.queryByTestId("emergency-data")).toBeNull();
  });

  it("is read anew when there is more", async () => {
    await openCard();
    await waitFor(() => expect(server.asked).toContain(DATA));
    const items = [dataItem({ msd: msd() }), dataItem({ item_id: "d2", msd: msd({ message_identifier: 2 }) })];
    server.on(DATA, { body: emergencyData({ items }) });
    server.say({ type: "contact", seq: 2, contact: contact({ ...TALKING, vehicle: car({ count: 2 }) }) });
    expect(await screen.findByText("All messages of the car (2)")).toBeInTheDocument();
  });

  it("that cannot be read now says so, keeps what is known, and tries again", async () => {
    server.on("GET /api/cards/i1", { body: card({ contacts: [cardContact()] }) });
    server.on(DATA, { status: 503, body: { code: "http_503" } });
    await openWorkplace(server, { contacts: [contact(TALKING)], agents: [agent({ state: "talking" })] });
    const section = await screen.findByTestId("emergency-data");
    expect(await within(section).findByTestId("emergency-data-error")).toHaveTextContent("cannot be read now");
    expect(within(section).getByTestId("car-vin")).toHaveTextContent("WVW");
    server.on(DATA, { body: emergencyData() });
    await user.click(within(section).getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(within(section).queryByTestId("emergency-data-error")).toBeNull());
  });

  it("is hidden from whom it is refused", async () => {
    server.on("GET /api/cards", { body: { cards: [summary()], next: null } });
    server.on("GET /api/cards/i1", { body: card({ contacts: [cardContact()] }) });
    server.on(DATA, { status: 403, body: { code: "forbidden" } });
    await openWorkplace(server);
    await user.click(await screen.findByTestId("recent-card"));
    await screen.findByTestId("card");
    await waitFor(() => expect(screen.queryByTestId("emergency-data")).toBeNull());
  });
});

describe("asking for new data", () => {
  it("is one press, by mouse or key, and tells what comes of it", async () => {
    server.on("POST /api/contacts/c1/msd-requests", { status: 202, body: { state: "asked", at: NOW } });
    const section = await openCard();
    await user.click(within(section).getByTestId("car-request"));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/msd-requests"));
    const told = (change: object): void =>
      server.say({ type: "contact", seq: 9, contact: contact({ ...TALKING, vehicle: car({ request: { at: NOW, reason: null, ...change } as never }) }) });
    told({ state: "asked" });
    const state = within(section).getByTestId("car-request-state");
    expect(state).toHaveTextContent("The car was asked");
    expect(within(section).getByTestId("car-request")).toBeDisabled();
    expect(within(section).getByTestId("car-request-why")).toHaveTextContent("just been asked");
    told({ state: "refused", reason: "data-unsupported" });
    expect(state).toHaveTextContent("The car does not send new data. (it does not know these data)");
    expect(within(section).getByTestId("car-request")).toBeEnabled();
    told({ state: "no_answer" });
    expect(state).toHaveTextContent("sends nothing");
    told({ state: "failed", reason: "edge_unreachable" });
    expect(state).toHaveTextContent("the SIP edge does not answer");
    told({ state: "received" });
    expect(state).toHaveTextContent("The car sent new data.");
    server.asked = [];
    await user.keyboard("{Shift>}{F1}{/Shift}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/msd-requests"));
    expect(screen.queryByTestId("help")).toBeNull();
  });

  it("that is refused by the server is said in words", async () => {
    server.on("POST /api/contacts/c1/msd-requests", { status: 409, body: { code: "cannot_ask" } });
    const section = await openCard();
    await user.click(within(section).getByTestId("car-request"));
    expect(await screen.findByText("The car cannot be asked for new data now.")).toBeInTheDocument();
  });

  it("is not possible without a line, and says why", async () => {
    const section = await openCard({ ...TALKING, vehicle: car({ can_request: false }) });
    expect(within(section).getByTestId("car-request")).toBeDisabled();
    expect(within(section).getByTestId("car-request")).toHaveAccessibleDescription(/no data line/);
  });
});

describe("clearing down", () => {
  it("asks first, and then ends it", async () => {
    server.on("POST /api/contacts/c1/clear-down", {});
    const section = await openCard();
    await user.click(within(section).getByTestId("car-clear"));
    const dialog = await screen.findByTestId("car-clear-dialog");
    expect(dialog).toHaveTextContent("+371 2612 3456");
    expect(server.asked).not.toContain("POST /api/contacts/c1/clear-down");
    expect(await faults(dialog)).toEqual([]);
    await user.click(screen.getByTestId("car-clear-cancel"));
    expect(screen.queryByTestId("car-clear-dialog")).toBeNull();
    await user.keyboard("{Shift>}{F8}{/Shift}");
    await user.click(await screen.findByTestId("car-clear-confirm"));
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/clear-down"));
    expect(server.asked).not.toContain("POST /api/contacts/c1/hang-up");
    await waitFor(() => expect(screen.queryByTestId("car-clear-dialog")).toBeNull());
  });

  it("stays open when it failed", async () => {
    server.on("POST /api/contacts/c1/clear-down", { status: 409, body: { code: "not_your_contact" } });
    const section = await openCard();
    await user.click(within(section).getByTestId("car-clear"));
    await user.click(await screen.findByTestId("car-clear-confirm"));
    expect(await screen.findByText("This call is not at your seat.")).toBeInTheDocument();
    expect(screen.getByTestId("car-clear-dialog")).toBeInTheDocument();
  });

  it("is not for another's call, and not for one that is over", async () => {
    const section = await openCard(null);
    expect(await within(section).findByTestId("car-clear")).toBeDisabled();
    expect(within(section).getByTestId("car-clear-why")).toHaveTextContent("The call is over");
  });
});

it("gives nothing to do with the car to whoever takes no calls", async () => {
  server.on("GET /api/me", { body: me({ agent: null, rights: { ...me().rights, calls: false, supervise: false } }) });
  const section = await openCard(null);
  expect(await within(section).findByTestId("car-vin")).toBeInTheDocument();
  expect(within(section).queryByTestId("car-clear")).toBeNull();
});

describe("calling back", () => {
  it("goes from the card, when the call is over", async () => {
    server.on("POST /api/cards/i1/call", { status: 202, body: { contact_id: "c7" } });
    const section = await openCard(null);
    await user.click(await within(section).findByTestId("car-call-back"));
    await waitFor(() => expect(server.sent("POST /api/cards/i1/call")).toEqual({ number: "+37126123456" }));
  });

  it("is not possible for an account without a seat", async () => {
    server.on("GET /api/me", { body: me({ agent: null }) });
    const section = await openCard(null);
    expect(await within(section).findByTestId("car-call-back")).toBeDisabled();
    expect(within(section).getByTestId("car-call-back-why")).toHaveTextContent("no seat");
  });
});

describe("the timeline", () => {
  it("tells what the car sent, and what it was asked", async () => {
    const timeline = [
      item("msd_received", { data: { n: 1, kind: "automatic", version: 3, trusted: true, via: "invite" } }),
      item("msd_requested", { agent_id: "agent-101" }),
      item("msd_refused", { data: { reason: "unable" } }),
      item("msd_refused", { data: { reason: "sip_469" } }),
      item("emergency_data", { data: { via: "invite", items: "location, Comment, of_tomorrow" } }),
      item("location_unreachable", { data: { host: "lis.example", reason: "not_allowed" } }),
      item("msd_received", { data: { n: 2, kind: "automatic", version: 3, trusted: false, via: "info" } }),
      item("cleared_down", { agent_id: "agent-101" }),
    ];
    await openCard(TALKING, {}, { timeline });
    const lines = screen.getAllByTestId("timeline-entry").map((one) => one.querySelector("span")?.textContent);
    expect(lines).toEqual([
      "The car sent its data (MSD): message 1, set off by itself",
      "Anna Bērziņa asked the car for new data",
      "The car does not send new data (it is not able to)",
      "The car does not send new data (its telephone answered 469)",
      "Data came with the call: Place (PIDF-LO), Comment, of_tomorrow",
      "The call named an address that knows the place (lis.example), and nothing came from there (it is not on the list of servers that may be asked)",
      "The car sent its data (MSD): message 2, set off by itself; the car does not trust its position",
      "Anna Bērziņa cleared the eCall down",
    ]);
  });
});

describe("a neighbour", () => {
  it("is measured from where the car says it is", async () => {
    const proposal = { card: summary({ incident_id: "i2", service: AUTOMATIC }), distance_m: 40, minutes: 1, same_type: false, same_number: false };
    server.on("GET /api/cards/i1/related", { body: { proposals: [proposal], same_number: [], same_place: [] } });
    const place = {
      location_id: "l1", kind: "caller" as const, source: "msd" as const, shape: { type: "Point", position: [57, 24] }, lat: 57, lon: 24,
      radius_m: null, confidence: null, observed_at: null, received_at: NOW, contact_id: "c1", author: null, data: { trusted: false },
    }; // prettier-ignore
    await openCard(TALKING, {}, { locations: [place], location: { current: "l1", why: null, conflicts: [] } });
    const neighbour = await screen.findByTestId("neighbour");
    expect(neighbour).toHaveTextContent("40 m away · from where the car itself says it is");
    expect(within(neighbour).getByTestId("mark-ecall")).toHaveTextContent("eCall AUTO");
    expect(screen.getByTestId("place-doubt")).toHaveTextContent("not certain");
  });
});
