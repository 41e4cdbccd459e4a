/** The address field: what is typed is kept, what the register proposes is chosen by hand or key. */

import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AddressBox } from "../src/addresses/AddressBox";
import { isSearchable } from "../src/addresses/useAddresses";
import { distance, splitAddress } from "../src/addresses/words";
import type { Address, MapPoint } from "../src/api/addresses";
import { changeLanguage } from "../src/i18n";
import { faults } from "./axe";
import { FakeServer } from "./fake-server";

function address(change: Partial<Address> = {}): Address {
  return {
    code: "101000001",
    text: "Brīvības iela 15, Rīga, LV-1010",
    postcode: "LV-1010",
    lat: 56.95,
    lon: 24.11,
    x: 311_900,
    y: 506_700,
    kind: "building",
    old: false,
    former_text: null,
    distance_m: null,
    ...change,
  };
}

const RIGA = address();
const CESIS = address({ code: "101000002", text: "Brīvības iela 15, Cēsis, Cēsu nov., LV-4101" });

let server: FakeServer;
let chosen: Address[];

beforeEach(() => {
  server = new FakeServer();
  chosen = [];
  vi.stubGlobal("fetch", server.fetch);
});

afterEach(() => {
  vi.unstubAllGlobals();
});

function answer(...addresses: Address[]): void {
  server.on("GET /api/addresses", { body: { addresses } });
}

/** As a card would show it: what is typed or chosen comes back as the value. */
function Stage({ start = "", near = null }: { start?: string; near?: MapPoint | null }) {
  const [value, setValue] = useState(start);
  const choose = (one: Address): void => {
    chosen.push(one);
    setValue(one.text);
  };
  return (
    <main>
      <AddressBox value={value} near={near} onChoose={choose} onText={setValue} />
    </main>
  );
}

const field = (): HTMLElement => screen.getByTestId("address-input");
const options = (): HTMLElement[] => screen.queryAllByTestId("address-option");

async function type(text: string): Promise<void> {
  await userEvent.click(field());
  await userEvent.keyboard(text);
}

async function listed(count: number): Promise<void> {
  await waitFor(() => expect(options()).toHaveLength(count));
  await waitFor(() => expect(field()).toHaveAttribute("aria-busy", "false"));
}

describe("the address field", () => {
  it("asks once typing pauses, and shows what the register has", async () => {
    answer(RIGA, CESIS);
    render(<Stage />);
    await type("brīvības 15");
    await listed(2);
    expect(server.paths).toEqual([`/api/addresses?q=${encodeURIComponent("brīvības 15").replace("%20", "+")}&limit=10`]);
    expect(field()).toHaveAttribute("aria-expanded", "true");
    expect(field()).toHaveAttribute("aria-activedescendant", options()[0]?.id);
    expect(screen.getByTestId("address-told")).toHaveTextContent("Addresses found: 2");
    expect(await faults()).toEqual([]);
  });

  it("takes the marked address by Enter, after arrows that go round", async () => {
    answer(RIGA, CESIS);
    render(<Stage />);
    await type("brīvības 15");
    await listed(2);
    await userEvent.keyboard("{ArrowDown}");
    expect(options()[1]).toHaveAttribute("aria-selected", "true");
    await userEvent.keyboard("{ArrowDown}{ArrowUp}{Enter}");
    expect(chosen).toEqual([CESIS]);
    expect(field()).toHaveValue(CESIS.text);
    expect(field()).toHaveFocus();
    expect(options()).toEqual([]);
    expect(field()).toHaveAttribute("aria-expanded", "false");
  });

  it("takes an address by the mouse, and keeps the cursor", async () => {
    answer(RIGA, CESIS);
    render(<Stage />);
    await type("brīvības 15");
    await listed(2);
    await userEvent.click(screen.getByText(/Cēsis/));
    expect(chosen).toEqual([CESIS]);
    expect(field()).toHaveFocus();
  });

  it("goes on from a chosen street to its number", async () => {
    const street = address({ code: "100000009", text: "Brīvības iela, Rīga", kind: "street" });
    answer(street);
    render(<Stage />);
    await type("brīv");
    await listed(1);
    expect(options()[0]).toHaveTextContent("street");
    await userEvent.keyboard("{Enter}");
    answer(RIGA);
    await userEvent.keyboard(" 15");
    await listed(1);
    expect(field()).toHaveValue("Brīvības iela, Rīga 15");
    await userEvent.keyboard("{Enter}");
    expect(chosen).toEqual([street, RIGA]);
  });

  it("never takes an address that answers an older text", async () => {
    answer(RIGA);
    render(<Stage />);
    await type("brīvības");
    await listed(1);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    vi.stubGlobal("fetch", async (path: string) => {
      await held;
      return server.fetch(path);
    });
    await userEvent.keyboard(" 17");
    expect(options()).toHaveLength(1);
    expect(field()).toHaveAttribute("aria-busy", "true");
    expect(field()).not.toHaveAttribute("aria-activedescendant");
    await userEvent.keyboard("{Enter}");
    expect(chosen).toEqual([]);
    release();
    await listed(1);
    await userEvent.keyboard("{Enter}");
    expect(chosen).toEqual([RIGA]);
  });

  it("gives up an older question when a newer one is asked", async () => {
    const signals: AbortSignal[] = [];
    vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
      if (init.signal) signals.push(init.signal);
      return new Promise<Response>(() => undefined);
    });
    render(<Stage />);
    await type("brīv");
    await waitFor(() => expect(signals).toHaveLength(1));
    await userEvent.keyboard("ības");
    await waitFor(() => expect(signals).toHaveLength(2));
    expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
  });

  it("closes the list by Escape without closing what is around, and by Tab, and keeps the text", async () => {
    answer(RIGA);
    const outside = vi.fn();
    render(
      // The key is only watched.
      // eslint-disable-next-line jsx-a11y/no-static-element-interactions
      <div
        onKeyDown={(event) => {
          if (event.key === "Escape") outside();
        }}
      >
        <Stage />
      </div>,
    );
    await type("brīvības 15");
    await listed(1);
    await userEvent.keyboard("{Escape}");
    expect(options()).toEqual([]);
    expect(outside).not.toHaveBeenCalled();
    await userEvent.keyboard("{Escape}");
    expect(outside).toHaveBeenCalledOnce();
    await userEvent.keyboard("{ArrowDown}");
    await listed(1);
    await userEvent.tab();
    expect(options()).toEqual([]);
    expect(field()).toHaveValue("brīvības 15");
    expect(chosen).toEqual([]);
  });

  it("asks nothing for a text that a card brought along, nor for one letter", async () => {
    render(<Stage start="Brīvības iela 15, Rīga" />);
    await userEvent.click(field());
    await userEvent.tab();
    await userEvent.clear(field());
    await type("b");
    await act(async () => new Promise((resolve) => setTimeout(resolve, 0)));
    expect(server.asked).toEqual([]);
    expect(isSearchable("b 15")).toBe(false);
    expect(isSearchable("бр")).toBe(true);
    expect(isSearchable("101000001")).toBe(true);
  });

  it("shows former names, what is gone, and how far it is", async () => {
    answer(
      address({ former_text: "Ļeņina iela 15", distance_m: 352 }),
      address({ code: "101000003", old: true, distance_m: 2_140 }),
    );
    render(<Stage near={{ lat: 56.9512345, lon: 24.1 }} />);
    await type("ļeņina 15");
    await listed(2);
    expect(server.paths[0]).toContain("near=56.951000%2C24.100000");
    expect(options()[0]).toHaveTextContent("formerly Ļeņina iela 15");
    expect(options()[0]).toHaveTextContent("350 m");
    expect(options()[1]).toHaveTextContent("exists no more");
    expect(options()[1]).toHaveTextContent("2.1 km");
  });

  it("does not ask again because a caller moved by some metres", async () => {
    answer(RIGA);
    const { rerender } = render(<Stage near={{ lat: 56.95, lon: 24.1 }} />);
    await type("brīvības");
    await listed(1);
    rerender(<Stage near={{ lat: 56.95001, lon: 24.10001 }} />);
    expect(field()).toHaveAttribute("aria-busy", "false");
    expect(server.asked).toHaveLength(1);
  });

  it.each([
    [{ body: { addresses: [] } }, "The register has no such address. What is typed is kept."],
    [{ status: 503, body: { code: "no_addresses" } }, "The address register is not loaded. What is typed is kept."],
    [{ status: 503, body: { code: "addresses_busy" } }, "The address search does not answer."],
  ])("says why nothing is shown: %#", async (given, sentence) => {
    server.on("GET /api/addresses", given);
    render(<Stage />);
    await type("nekur 1");
    await waitFor(() => expect(screen.getByTestId("address-told")).toHaveTextContent(sentence));
    expect(screen.getByTestId("address-told")).not.toHaveClass("visually-hidden");
    await userEvent.keyboard("{Enter}");
    expect(chosen).toEqual([]);
    expect(field()).toHaveValue("nekur 1");
    expect(await faults()).toEqual([]);
  });

  it("speaks the call taker's language", async () => {
    await changeLanguage("lv");
    answer(address({ former_text: "Ļeņina iela 15", distance_m: 40 }));
    render(<Stage />);
    await type("ļeņina");
    await listed(1);
    expect(field()).toHaveAccessibleName("Adrese");
    expect(options()[0]).toHaveTextContent("agrāk Ļeņina iela 15");
  });

  it("shows a name as text, whatever stands in it", async () => {
    answer(address({ text: '"<b>Riņņi</b>", Vecates pag.' }));
    render(<Stage />);
    await type("riņņi");
    await listed(1);
    expect(options()[0]).toHaveTextContent('"<b>Riņņi</b>" Vecates pag.');
  });
});

describe("words", () => {
  it.each([
    ["Brīvības iela 15, Rīga, LV-1010", ["Brīvības iela 15", "Rīga, LV-1010"]],
    ['"Stacija "Biksti, jaunā"", Vecates pag.', ['"Stacija "Biksti, jaunā""', "Vecates pag."]],
    ['"Riņņi" - 3, Vecates pag.', ['"Riņņi" - 3', "Vecates pag."]],
    ["Rīga", ["Rīga", ""]],
    ["", ["", ""]],
  ])("splits %s", (text, parts) => {
    expect(splitAddress(text)).toEqual(parts);
  });

  it.each([
    [3.4, "3 m"],
    [352, "350 m"],
    [999, "1 km"],
    [2_140, "2.1 km"],
    [48_300, "48 km"],
  ])("writes %d metres as %s", (metres, text) => {
    expect(distance("en", metres)).toBe(text);
  });
});
