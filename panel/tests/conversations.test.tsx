/** Conversations by text in the workplace: the offer, the bubbles, the box, closing and passing on. */

import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Conversation } from "../src/api/conversations";
import * as threads from "../src/conversations/threads";
import { faults } from "./axe";
import { openWorkplace, startServer, type FakeServer } from "./fake-server";
import { agent, card, contact, item, me, summary } from "./samples";
import { conversation, delivery, reply, text, textContact } from "./text-samples";

let server: FakeServer;

const LIST = "GET /api/incidents/i1/conversations";
const SEND = "POST /api/conversations/k1/messages";
const soon = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
const live = (unanswered_since: string | null = null) =>
  ({ conversation_id: "k1", channel: "sms", unanswered_since, last_text_at: soon(-1), messages: 1 }) as const;

const SNIPPETS = [
  { code: "where", titles: { en: "Where", lv: "Kur" }, texts: { lv: "Kur jūs esat?", ru: "Где вы?", en: "Where are you?" } },
  { code: "safe", titles: { en: "Safety" }, texts: { en: "Are you safe?", lv: "Vai esat drošībā?" } },
];

beforeEach(() => {
  server = startServer();
  server.on("GET /api/cards/i1", { body: card({ timeline: [item("text_received")] }) });
  server.on("GET /api/messaging", { body: { version: 1, snippets: SNIPPETS, unanswered_after_s: 30 } });
  server.on("GET /api/catalogue", {
    body: { catalogue: { dispositions: [{ code: "advised", titles: { en: "Advice given" } }, { code: "old", titles: {}, active: false }] } },
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

function serve(...conversations: Conversation[]): void {
  server.on(LIST, { body: { conversations } });
}

const mine = (change: object = {}) => textContact({ state: "talking", agent_id: "agent-101", conversation: live(), ...change });

/** The workplace with a text in hand and its card open. */
async function openText(...conversations: Conversation[]): Promise<HTMLElement> {
  serve(...conversations);
  await openWorkplace(server, { contacts: [mine()] });
  await userEvent.click(screen.getByTestId("in-hand-text"));
  return screen.findByTestId("conversations");
}

const news = { type: "conversation", conversation_id: "k1", contact_id: "t1", incident_id: "i1" };

describe("a text that is offered", () => {
  const offers = [{ offer_id: "o1", agent_id: "agent-101", deadline: soon(15), kind: "answer" as const }];
  const offered = () => textContact({ state: "offered", offers, arrived_at: soon(-3) });

  it("says that it is a text, opens its card, and is accepted with F2 without a telephone", async () => {
    serve(conversation({ state: "waiting", agent_id: null }));
    server.on("POST /api/contacts/t1/answer", {});
    await openWorkplace(server);
    server.say({ type: "contact", seq: 2, contact: offered() });
    const offer = screen.getByTestId("offer");
    expect(offer).toHaveTextContent("Text message for you");
    expect(within(offer).getByTestId("offer-answer")).toHaveTextContent("Accept");
    expect(await screen.findByTestId("text-body")).toHaveTextContent("Palīdziet, ugunsgrēks");
    expect(screen.getByTestId("reply-obstacle")).toHaveTextContent("Accept the text to answer it");
    await userEvent.keyboard("{F2}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/t1/answer"));
    serve(conversation());
    server.say({ type: "contact", seq: 3, contact: mine() }, { ...news, seq: 4 });
    await waitFor(() => expect(screen.getByTestId("reply")).toBeEnabled());
    expect(screen.queryByTestId("offer")).toBeNull();
    expect(screen.getByTestId("in-hand-text")).toHaveAttribute("aria-current", "true");
  });

  it("opens its card also when it was accepted before the card was written", async () => {
    serve(conversation());
    await openWorkplace(server);
    server.say({ type: "contact", seq: 2, contact: { ...offered(), incident_id: null } });
    expect(screen.getByTestId("card-none")).toHaveTextContent("not written yet");
    server.say({ type: "contact", seq: 3, contact: mine({ incident_id: null }) });
    server.say({ type: "contact", seq: 4, contact: mine() });
    expect(await screen.findByTestId("reply")).toBeVisible();
  });

  it("stands beside a call, and is accepted with Shift+F2 while the call and its card stay", async () => {
    server.on("POST /api/contacts/t1/answer", {});
    await openWorkplace(server, { contacts: [contact({ state: "talking", agent_id: "agent-101" })] });
    server.say({ type: "contact", seq: 2, contact: { ...offered(), incident_id: "i2" } });
    expect(screen.getByTestId("side-offer")).toHaveTextContent("Text message for you");
    await userEvent.keyboard("{Shift>}{F2}{/Shift}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/t1/answer"));
    expect(await screen.findByTestId("card")).toHaveAttribute("data-incident", "i1");
  });

  it("never hides a call that rings", async () => {
    await openWorkplace(server);
    const rings = [{ ...offers[0], offer_id: "o9" }];
    server.say({ type: "contact", seq: 2, contact: contact({ state: "offered", offers: rings as never }) });
    server.say({ type: "contact", seq: 3, contact: offered() });
    expect(screen.getByTestId("offer")).toHaveTextContent("Emergency call for you");
    expect(screen.getByTestId("side-offer")).toHaveTextContent("Text message for you");
  });

  it("is seen while a page covers the workplace", async () => {
    server.on("GET /api/me", { body: { ...me(), rights: { ...me().rights, supervise: true } } });
    await openWorkplace(server, { contacts: [contact({ state: "talking", agent_id: "agent-101" })] });
    await userEvent.click(screen.getByTestId("page-live"));
    server.say({ type: "contact", seq: 2, contact: { ...offered(), incident_id: "i2" } });
    expect(screen.getByTestId("side-offer")).toBeVisible();
    server.say({ type: "contact", seq: 3, contact: mine({ incident_id: "i2" }) });
    expect(screen.queryByTestId("live-view")).toBeNull();
  });

  it("waits in the list with its medium, and can be rejected", async () => {
    server.on("POST /api/contacts/t1/reject", {});
    await openWorkplace(server);
    server.say({ type: "contact", seq: 2, contact: offered() });
    expect(within(screen.getByTestId("waiting-row")).getByText("SMS")).toBeVisible();
    await userEvent.keyboard("{F8}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/t1/reject"));
  });
});

describe("the texts", () => {
  const all = conversation({
    messages: [
      text({ message_id: "m1", oddities: ["read_as_latin1"], duplicate: true }),
      text({ message_id: "m2", text: "Otrā", complete: false, parts: { have: 2, total: 3 } }),
      reply({ message_id: "m3", delivery: delivery({ state: "failed", error: "address_invalid", parts: { done: 1, total: 2 } }) }),
      reply({ message_id: "m4", kind: "automatic", author: null, author_name: null, delivery: delivery({ state: "unknown" }) }),
      text({
        message_id: "m5",
        kind: "structured",
        structured: { template: "app", fields: [{ name: "street", title: { en: "Street" }, value: "Brīvības 1" }, { name: "flat", title: {}, value: "" }] },
      }),
      text({ message_id: "m6", text: "" }),
    ],
  });

  it("stand oldest first, the citizen's and ours, with all that is known of each", async () => {
    const section = await openText(all);
    const bubbles = await within(section).findAllByTestId("text");
    expect(bubbles.map((one) => one.dataset.direction)).toEqual(["in", "in", "out", "out", "in", "in"]);
    type Six = [HTMLElement, HTMLElement, HTMLElement, HTMLElement, HTMLElement, HTMLElement];
    const [first, second, third, fourth, fifth, sixth] = bubbles as Six;
    expect(first).toHaveTextContent("+371 2612 3456");
    expect(within(first).getByTestId("text-duplicate")).toHaveAccessibleDescription(/delivered the same text twice/);
    expect(within(first).getByTestId("text-odd")).toHaveAccessibleDescription(/letters may be wrong/);
    expect(within(first).getByTestId("text-body")).toHaveAttribute("lang", "lv");
    expect(second).toHaveTextContent("Otrā […]");
    expect(within(second).getByTestId("text-incomplete")).toHaveTextContent("2 of 3 parts");
    expect(third).toHaveTextContent("Anna Bērziņa");
    expect(third).toHaveTextContent("Not delivered (1 of 2 parts): the number cannot be written to");
    expect(fourth).toHaveTextContent("Sent automatically");
    expect(fourth).toHaveTextContent("Sent again: it may arrive twice");
    expect(within(fifth).getByTestId("text-fields")).toHaveTextContent("StreetBrīvības 1flat–");
    expect(sixth).toHaveTextContent("(empty text)");
  });

  it.each([
    ["queued", null, "Waiting to be sent"],
    ["sent", null, "Sent"],
    ["delivered", null, "Delivered"],
    ["expired", "not_sent_in_time", "Not delivered in time: the operator did not take it in time"],
    ["failed", "88", "Not delivered: operator's code 88"],
  ] as const)("say how far a %s one is", async (state, error, words) => {
    await openText(conversation({ messages: [reply({ delivery: delivery({ state, error }) })] }));
    expect(await screen.findByTestId("text-delivery")).toHaveTextContent(words);
  });

  it("are read in every language", async () => {
    server.on("GET /api/me", { body: me({ account: { ...me().account, language: "ru" } }) });
    await openText(all);
    expect((await screen.findAllByTestId("text"))[3]).toHaveTextContent("Отправлено ещё раз: может прийти дважды");
  });

  it("have no barrier", async () => {
    const section = await openText(all, conversation({ conversation_id: "k2", citizen: "LMT", replyable: false }));
    await within(section).findAllByTestId("text");
    expect(await faults(section)).toEqual([]);
    expect(await faults(screen.getByTestId("in-hand"))).toEqual([]);
  });

  it("come in at once, and are said to a screen reader", async () => {
    await openText(conversation());
    await screen.findByTestId("text");
    expect(screen.getByTestId("texts-announced")).toBeEmptyDOMElement();
    serve(conversation({ messages: [text(), text({ message_id: "m9", text: "Ātrāk!" })] }));
    server.say({ ...news, seq: 5 });
    await waitFor(() => expect(screen.getAllByTestId("text")).toHaveLength(2));
    expect(screen.getByTestId("texts-announced")).toHaveTextContent("New text from +371 2612 3456: Ātrāk!");
  });

  it("do not move what somebody reads further up, but count themselves", async () => {
    await openText(conversation());
    await screen.findByTestId("text");
    const list = screen.getByRole("region", { name: "Texts of the conversation" });
    // jsdom lays nothing out.
    const sizes = { scrollHeight: 1_000, clientHeight: 200 };
    for (const [name, value] of Object.entries(sizes)) Object.defineProperty(list, name, { value, configurable: true });
    list.scrollTop = 100;
    fireEvent.scroll(list);
    serve(conversation({ messages: [text(), text({ message_id: "m8" }), text({ message_id: "m9" })] }));
    server.say({ ...news, seq: 5 });
    expect(await screen.findByTestId("texts-new")).toHaveTextContent("New: 2");
    expect(list.scrollTop).toBe(100);
    await userEvent.click(screen.getByTestId("texts-new"));
    expect(list.scrollTop).toBe(1_000);
    expect(screen.queryByTestId("texts-new")).toBeNull();
  });

  it("are drawn once, however many there are, while an answer is written", async () => {
    const many = Array.from({ length: 100 }, (_, index) => text({ message_id: `m${index}`, text: `text ${index}` }));
    const section = await openText(conversation({ messages: many }));
    await within(section).findAllByTestId("text");
    const drawn = vi.spyOn(threads, "shownText");
    await userEvent.type(screen.getByTestId("reply"), "Kur?");
    expect(drawn.mock.calls.length).toBeLessThan(many.length);
    drawn.mockRestore();
  });

  it("are paged back", async () => {
    server.on("GET /api/incidents/i1/conversations/k1/messages", {
      body: { messages: [text({ message_id: "m0", text: "Pirmā" })], more: false },
    });
    await openText(conversation({ more: true }));
    await userEvent.click(await screen.findByTestId("texts-older"));
    await waitFor(() => expect(screen.getAllByTestId("text")[0]).toHaveTextContent("Pirmā"));
    expect(server.paths.at(-1)).toContain("before=m1");
    expect(screen.queryByTestId("texts-older")).toBeNull();
  });

  it("say that they cannot be read, and come back by themselves", async () => {
    server.on(LIST, { status: 503, body: { code: "database_unavailable" } });
    await openWorkplace(server, { contacts: [mine()] });
    await userEvent.click(screen.getByTestId("in-hand-text"));
    expect(await screen.findByTestId("texts-error")).toHaveTextContent("The database does not answer");
    serve(conversation());
    server.say({ ...news, seq: 5 });
    expect(await screen.findByTestId("text")).toBeVisible();
    expect(screen.queryByTestId("texts-error")).toBeNull();
  });

  it("are not asked for where a card has none, and appear when one comes", async () => {
    server.on("GET /api/cards/i1", { body: card() });
    serve(conversation({ riding: "c1", state: "riding" }));
    await openWorkplace(server, { contacts: [contact({ state: "talking", agent_id: "agent-101" })] });
    await screen.findByTestId("card");
    expect(server.asked).not.toContain(LIST);
    server.say({ ...news, seq: 5 });
    expect(await screen.findByTestId("text-state")).toHaveTextContent("With the call");
  });

  it("are read anew when cards are joined", async () => {
    await openText(conversation());
    await screen.findByTestId("text");
    const joined = [item("text_received"), item("text_received", { contact_id: "t7" })];
    server.on("GET /api/cards/i1", { body: card({ timeline: joined }) });
    serve(conversation(), conversation({ conversation_id: "k7", contact_id: "t7", contact_ids: ["t7"] }));
    server.say({ type: "card", seq: 5, incident_id: "i1", contact_ids: ["c1", "t7"], number: "2026-000001" });
    await waitFor(() => expect(screen.getAllByRole("tab")).toHaveLength(2));
  });

  it("are hidden from whoever may not read them", async () => {
    server.on(LIST, { status: 403, body: { code: "forbidden" } });
    await openWorkplace(server, { contacts: [mine()] });
    await userEvent.click(screen.getByTestId("in-hand-text"));
    await screen.findByTestId("card");
    await waitFor(() => expect(server.asked).toContain(LIST));
    await waitFor(() => expect(screen.queryByTestId("conversations")).toBeNull());
  });
});

describe("several conversations on a card", () => {
  const one = conversation();
  const other = conversation({ conversation_id: "k2", contact_id: "t2", contact_ids: ["t2"], citizen: "+37129000000", agent_id: "agent-102", agent_name: "Olga" });

  it("are tabs, worked by arrows; each keeps its own draft", async () => {
    await openText(one, other);
    await userEvent.type(await screen.findByTestId("reply"), "Kur");
    const tabs = screen.getAllByRole("tab");
    expect(tabs).toHaveLength(2);
    const selected = screen.getByRole("tab", { selected: true });
    expect(selected).toHaveTextContent("+371 2612 3456");
    selected.focus();
    await userEvent.keyboard("{ArrowRight}");
    expect(screen.getByRole("tab", { selected: true })).toHaveTextContent("+371 2900 0000");
    expect(screen.getByRole("tab", { selected: true })).toHaveFocus();
    expect(screen.getByTestId("reply-obstacle")).toHaveTextContent("The conversation is with Olga.");
    await userEvent.keyboard("{ArrowRight}");
    expect(screen.getByTestId("reply")).toHaveValue("Kur");
  });
});

describe("the reply", () => {
  it("is sent with Ctrl+Enter, shown at once, and then as the server has it", async () => {
    await openText(conversation());
    let answer: (() => void) | null = null;
    const fetch = server.fetch;
    vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
      if (init.method === "POST") await new Promise<void>((resolve) => (answer = resolve));
      return fetch(path, init);
    });
    const keys: (string | null)[] = [];
    server.on(SEND, (_, headers) => {
      keys.push(headers.get("Idempotency-Key"));
      return { status: 201, body: reply({ text: "Kur\njūs esat?" }) };
    });
    const box = await screen.findByTestId("reply");
    await userEvent.type(box, "Kur{Enter}jūs esat?{Control>}{Enter}{/Control}");
    expect(screen.getByTestId("text-unsent")).toHaveTextContent("Sending…");
    expect(box).toHaveValue("");
    await waitFor(() => expect(answer).not.toBeNull());
    (answer as (() => void) | null)?.();
    await waitFor(() => expect(screen.queryByTestId("text-unsent")).toBeNull());
    expect(screen.getAllByTestId("text").at(-1)).toHaveTextContent("Waiting to be sent");
    expect(server.sent(SEND)).toEqual({ text: "Kur\njūs esat?" });
    expect(keys).toHaveLength(1);
  });

  it("comes back into the box when it was refused", async () => {
    server.on(SEND, { status: 409, body: { code: "no_way_back" } });
    await openText(conversation());
    await userEvent.type(await screen.findByTestId("reply"), "Kur?");
    await userEvent.click(screen.getByTestId("reply-send"));
    expect(await screen.findByText(/Not sent: This sender cannot be written to/)).toBeVisible();
    await userEvent.click(screen.getByTestId("text-take-back"));
    expect(screen.getByTestId("reply")).toHaveValue("Kur?");
    expect(screen.queryByTestId("text-unsent")).toBeNull();
  });

  it("stays in sight when somebody closes the conversation under one's hands, and in the box when it goes on", async () => {
    await openText(conversation());
    await userEvent.type(await screen.findByTestId("reply"), "Vai Jūs");
    serve(conversation({ state: "closed", closed_at: soon(0) }));
    server.say({ ...news, seq: 5 });
    expect(await screen.findByTestId("reply-kept")).toHaveTextContent(/not sent:\s*Vai Jūs/);
    serve(conversation());
    server.say({ ...news, seq: 6 });
    expect(await screen.findByTestId("reply")).toHaveValue("Vai Jūs");
    expect(screen.queryByTestId("reply-kept")).toBeNull();
  });

  it("counts septets and parts, warns of three, and stops before too many", async () => {
    await openText(conversation());
    const box = await screen.findByTestId("reply");
    const counter = screen.getByTestId("reply-counter");
    expect(counter).toHaveTextContent("0 characters (GSM) · 160 left · parts: 1");
    expect(screen.getByTestId("reply-send")).toBeDisabled();
    fireEvent.change(box, { target: { value: "Kur jūs esat?" } });
    expect(counter).toHaveTextContent("13 characters (Unicode) · 57 left · parts: 1");
    expect(screen.queryByTestId("reply-warning")).toBeNull();
    fireEvent.change(box, { target: { value: "ā".repeat(135) } });
    expect(counter).toHaveTextContent("parts: 3");
    expect(screen.getByTestId("reply-warning")).toHaveTextContent("Long");
    fireEvent.change(box, { target: { value: "ā".repeat(671) } });
    expect(screen.getByTestId("reply-warning")).toHaveTextContent("Too long to be sent (at most: 10)");
    expect(screen.getByTestId("reply-send")).toBeDisabled();
    expect(box).toBeInvalid();
  });

  it("has no parts where the citizen writes from an app", async () => {
    await openText(conversation({ channel: "app" }));
    fireEvent.change(await screen.findByTestId("reply"), { target: { value: "ā".repeat(200) } });
    expect(screen.getByTestId("reply-counter")).toHaveTextContent("200 characters");
  });

  it("takes a prepared text by keyboard, in the citizen's language first, to be changed before sending", async () => {
    const section = await openText(conversation({ language: "ru" }));
    const box = await screen.findByTestId("reply");
    await userEvent.type(box, "Labdien /");
    const options = await screen.findAllByTestId("snippet");
    expect(options[0]).toHaveTextContent("Где вы?");
    expect(options[0]).toHaveAttribute("aria-selected", "true");
    expect(box).toHaveAttribute("aria-activedescendant", options[0]?.id);
    expect(await faults(section)).toEqual([]);
    await userEvent.keyboard("saf{ArrowDown}{Enter}");
    expect(box).toHaveValue("Labdien Are you safe?");
    expect(screen.queryByTestId("snippets")).toBeNull();
    await userEvent.keyboard(" Yes?");
    expect(box).toHaveValue("Labdien Are you safe? Yes?");
  });

  it("opens the prepared texts by a button, and closes them with Escape", async () => {
    await openText(conversation());
    await userEvent.click(await screen.findByTestId("reply-snippets"));
    const box = screen.getByTestId("reply");
    expect(box).toHaveFocus();
    expect(screen.getAllByTestId("snippet")).toHaveLength(5);
    await userEvent.keyboard("{Escape}");
    expect(screen.queryByTestId("snippets")).toBeNull();
    expect(box).toHaveValue("");
    await userEvent.type(box, "/{Escape}1");
    expect(screen.queryByTestId("snippets")).toBeNull();
    expect(box).toHaveValue("/1");
  });

  it("is kept over another card and a reload, with the cursor behind it", async () => {
    await openText(conversation());
    await userEvent.type(await screen.findByTestId("reply"), "Kur");
    expect(sessionStorage.getItem("ccserver.reply.anna/k1")).toBe("Kur");
    cleanup();
    server.sockets = [];
    await openText(conversation());
    const box = await screen.findByTestId<HTMLTextAreaElement>("reply");
    expect(box).toHaveValue("Kur");
    expect(box.selectionStart).toBe(3);
  });

  it("answers no call that is offered in the middle of a line", async () => {
    server.on("GET /api/cards/i2", { body: card({ incident_id: "i2" }) });
    server.on("POST /api/contacts/c1/answer", {});
    await openText(conversation());
    await userEvent.type(await screen.findByTestId("reply"), "Kur");
    const offers = [{ offer_id: "o1", agent_id: "agent-101", deadline: soon(15), kind: "answer" as const }];
    server.say({ type: "contact", seq: 5, contact: contact({ incident_id: "i2", state: "offered", offers }) });
    await waitFor(() => expect(screen.getByTestId("card")).toHaveAttribute("data-incident", "i2"));
    expect(screen.getByTestId("offer-answer")).not.toHaveFocus();
    await userEvent.keyboard(" ");
    expect(server.asked).not.toContain("POST /api/contacts/c1/answer");
    await userEvent.keyboard("{F2}");
    await waitFor(() => expect(server.asked).toContain("POST /api/contacts/c1/answer"));
  });

  it.each([
    [{ replyable: false }, "This sender cannot be written to."],
    [{ agent_id: "agent-102", agent_name: "Olga Petrova" }, "The conversation is with Olga Petrova."],
    [{ state: "closed" as const, last_text_at: "2020-01-01T00:00:00Z" }, "The conversation is closed."],
  ])("says why nothing can be written", async (change, words) => {
    await openText(conversation(change));
    expect(await screen.findByTestId("reply-obstacle")).toHaveTextContent(words);
    expect(screen.queryByTestId("reply")).toBeNull();
    expect(screen.queryByTestId("text-reopen")).toBeNull();
  });
});

describe("a conversation", () => {
  it("is closed with what came of it", async () => {
    server.on("POST /api/conversations/k1/close", {});
    await openText(conversation());
    await userEvent.click(await screen.findByTestId("text-close"));
    const options = within(screen.getByTestId("text-disposition")).getAllByRole("option");
    expect(options.map((one) => one.textContent)).toEqual(["–", "Advice given"]);
    await userEvent.selectOptions(screen.getByTestId("text-disposition"), "advised");
    await userEvent.click(screen.getByTestId("text-close-confirm"));
    await waitFor(() => expect(server.sent("POST /api/conversations/k1/close")).toEqual({ disposition: "advised" }));
    await waitFor(() => expect(screen.queryByTestId("text-close-dialog")).toBeNull());
  });

  it("is opened again within four hours", async () => {
    server.on("POST /api/conversations/k1/reopen", {});
    await openText(conversation({ state: "closed", last_text_at: soon(-60), disposition: "advised", closed_at: soon(-5), closed_by: "anna" }));
    expect(await screen.findByTestId("text-state")).toHaveTextContent(/Closed .*: Advice given/);
    await userEvent.click(screen.getByTestId("text-reopen"));
    await waitFor(() => expect(server.asked).toContain("POST /api/conversations/k1/reopen"));
  });

  it("that nobody closed says so", async () => {
    await openText(conversation({ state: "closed", last_text_at: soon(-300), closed_at: soon(-5) }));
    expect(await screen.findByTestId("text-state")).toHaveTextContent(/^Closed, because nobody wrote for long /);
  });

  it("is given to a colleague or a queue, and to nothing else", async () => {
    server.on("POST /api/contacts/t1/transfer", {});
    await openText(conversation());
    server.say({ type: "agent", seq: 5, agent: agent({ agent_id: "agent-102", name: "Olga", extension: "102" }) });
    await userEvent.click(await screen.findByTestId("text-transfer"));
    const dialog = screen.getByTestId("target-dialog");
    expect(within(dialog).getAllByTestId("choice").map((one) => one.dataset.choice)).toEqual([
      "agent:agent-102",
      "queue:emergency",
      "queue:office",
    ]);
    expect(within(dialog).queryByTestId("target-consult")).toBeNull();
    await userEvent.keyboard("{Enter}");
    const target = { kind: "agent", agent_id: "agent-102" };
    await waitFor(() => expect(server.sent("POST /api/contacts/t1/transfer")).toEqual({ target }));
  });

  it("runs its seconds when nobody answers, in hand and on the card", async () => {
    const since = soon(-45);
    serve(conversation({ unanswered_since: since }));
    await openWorkplace(server, { contacts: [mine({ conversation: live(since) })] });
    expect(screen.getByTestId("in-hand-text")).toHaveTextContent(/new.*Unanswered 0:4\d/);
    await userEvent.click(screen.getByTestId("in-hand-text"));
    expect(within(await screen.findByTestId("conversation")).getByTestId("text-unanswered")).toHaveTextContent(/0:4\d/);
  });

  it("is told of to whoever has it when it stays unanswered, and not to others", async () => {
    const since = soon(-45);
    await openWorkplace(server, { contacts: [mine({ conversation: live(since) }), mine({ contact_id: "t2", agent_id: "agent-102", conversation: live(since) })] });
    const data = { active: true, agent_id: "agent-101", queue: "emergency" };
    server.say(
      { type: "alarm", seq: 5, code: "text_unanswered", data: { ...data, contact_id: "t1" } },
      { type: "alarm", seq: 6, code: "text_unanswered", data: { ...data, contact_id: "t2" } },
    );
    expect(screen.getAllByTestId("notice")).toHaveLength(1);
    expect(screen.getByTestId("notice")).toHaveTextContent("A citizen's text is unanswered:");
  });

  it("is one of several beside a call, gone through with Shift+F7", async () => {
    server.on("GET /api/cards/i2", { body: card({ incident_id: "i2", timeline: [item("text_received")] }) });
    server.on("GET /api/incidents/i2/conversations", { body: { conversations: [conversation()] } });
    const call = contact({ state: "talking", agent_id: "agent-101" });
    await openWorkplace(server, { contacts: [call, mine({ incident_id: "i2" })] });
    await screen.findByTestId("card");
    await userEvent.keyboard("{Shift>}{F7}{/Shift}");
    expect(await screen.findByTestId("reply")).toHaveFocus();
    expect(screen.getByTestId("card")).toHaveAttribute("data-incident", "i2");
    await userEvent.keyboard("{Shift>}{F7}{/Shift}");
    await waitFor(() => expect(screen.getByTestId("card")).toHaveAttribute("data-incident", "i1"));
  });
});

describe("elsewhere", () => {
  it("cards by text are marked in the list", async () => {
    server.on("GET /api/cards", { body: { cards: [summary({ medium: "sms", outcome: "answered" })], next: null } });
    await openWorkplace(server);
    expect(await screen.findByTestId("recent-medium")).toHaveTextContent("SMS");
    expect(screen.getByTestId("outcome")).toHaveTextContent("Texting");
  });

  it("the timeline tells of texts, a run of them in one line", async () => {
    const timeline = [
      item("text_received", { key: "1" }),
      item("text_received", { key: "2" }),
      item("text_sent", { key: "3", author: "anna", agent_id: "agent-101" }),
      item("text_sent", { key: "4" }),
      item("text_failed", { key: "5" }),
      item("text_rode_along", { key: "6" }),
      item("conversation_closed", { key: "7", author: "Anna" }),
      item("conversation_reopened", { key: "8" }),
    ];
    server.on("GET /api/cards/i1", { body: card({ timeline }) });
    await openText(conversation());
    const lines = screen.getAllByTestId("timeline-entry").map((one) => one.lastElementChild?.textContent);
    expect(lines).toEqual([
      "Text from the citizen ×2",
      "Anna Bērziņa sent a text to the citizen",
      "Text sent to the citizen",
      "A text did not reach the citizen",
      "The citizen wrote during the call",
      "Anna closed the conversation by text",
      "The conversation by text goes on",
    ]);
  });

  it("supervisors see texts live, with how long they are unanswered, and cannot listen to them", async () => {
    server.on("GET /api/me", { body: { ...me(), rights: { ...me().rights, supervise: true, monitor: true } } });
    await openWorkplace(server, { contacts: [mine({ agent_id: "agent-102", conversation: live(soon(-40)) })] });
    await userEvent.click(screen.getByTestId("page-live"));
    const row = await screen.findByTestId("live-conversation");
    expect(row).toHaveTextContent("SMS");
    expect(within(row).getByTestId("text-unanswered")).toBeVisible();
    expect(within(row).queryByTestId("monitor-listen")).toBeNull();
  });

  it("a logout asks about texts that are not sent", async () => {
    server.on(SEND, { status: 503, body: { code: "database_unavailable" } });
    await openText(conversation());
    await userEvent.type(await screen.findByTestId("reply"), "Kur?{Control>}{Enter}{/Control}");
    expect(await screen.findByText(/Not sent yet, trying again/)).toBeVisible();
    await userEvent.click(screen.getByTestId("logout"));
    expect(await screen.findByTestId("logout-dialog")).toHaveTextContent("Some texts are not sent yet");
  });

  it.each(["sms_down", "sms_stuck"])("the alarm %s is a sentence", async (code) => {
    await openWorkplace(server, { alarms: [code] });
    expect(screen.getByTestId("alarm-banner")).not.toHaveTextContent("System alarm");
  });
});
