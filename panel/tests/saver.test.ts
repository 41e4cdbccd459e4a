/** Fields: nothing typed is lost, nobody's value is overwritten, whatever the server answers. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { notesConflictOf, type FieldSaved } from "../src/api/cards";
import { ApiError, Unreachable } from "../src/api/http";
import { SessionDrafts } from "../src/saving/drafts";
import { notesField, sameValue } from "../src/saving/fields";
import { Saver } from "../src/saving/saver";
import { NOW } from "./samples";

interface Save {
  text: string;
  version: number;
  accept: (version: number) => void;
  refuse: (error: Error) => void;
}

let saves: Save[] = [];
let drafts: SessionDrafts;
let saver: Saver<string>;

function lastSave(): Save {
  const save = saves.at(-1);
  if (!save) throw new Error("nothing was saved");
  return save;
}

function conflict(text: string, version: number): ApiError {
  const body = { code: "conflict", current: { text, version, author: "janis" } };
  return new ApiError(412, "conflict", "", body);
}

async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

function create(value = "", version = 0): Saver<string> {
  const save = (sent: string, base: number): Promise<FieldSaved> =>
    new Promise((resolve, reject) => {
      const accept = (saved: number): void => resolve({ version: saved, saved_at: NOW });
      saves.push({ text: sent, version: base, accept, refuse: reject });
    });
  const field = { ...notesField("i1"), save, conflictOf: notesConflictOf };
  return new Saver(field, { value, version, saved_at: null, author: null }, drafts);
}

beforeEach(() => {
  vi.useFakeTimers();
  saves = [];
  drafts = new SessionDrafts("anna");
  saver = create();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("typing", () => {
  it("is saved after a pause of 600 ms, once", () => {
    saver.edit("f");
    vi.advanceTimersByTime(500);
    saver.edit("fire");
    vi.advanceTimersByTime(599);
    expect(saves).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(saves.map((save) => [save.text, save.version])).toEqual([["fire", 0]]);
    expect(saver.getView().state.kind).toBe("saving");
  });

  it("is saved every three seconds when it never pauses", () => {
    for (let key = 0; key < 10; key += 1) {
      saver.edit("x".repeat(key + 1));
      vi.advanceTimersByTime(400);
    }
    expect(saves).toHaveLength(1);
  });

  it("is saved at once on leaving the field", () => {
    saver.edit("fire");
    saver.flush();
    expect(lastSave().text).toBe("fire");
  });

  it("under a save goes with the next one, on the new version", async () => {
    saver.edit("fire");
    saver.flush();
    saver.edit("fire at 5");
    lastSave().accept(1);
    await settle();
    expect(saver.getView().state.kind).toBe("typing");
    vi.advanceTimersByTime(600);
    expect([lastSave().text, lastSave().version]).toEqual(["fire at 5", 1]);
  });

  it("that was taken back needs no save", () => {
    saver.edit("x");
    saver.edit("");
    vi.advanceTimersByTime(700);
    expect(saves).toHaveLength(0);
    expect(saver.unsaved).toBe(false);
  });
});

describe("draft", () => {
  it("lies in the tab's storage until the server has the text", async () => {
    saver.edit("fire");
    expect(drafts.all().get("i1/notes")).toEqual({ value: "fire", version: 0 });
    saver.flush();
    lastSave().accept(1);
    await settle();
    expect(drafts.all().size).toBe(0);
    expect(saver.getView().state).toEqual({ kind: "saved", at: NOW });
  });

  it("is saved by the next page on the version that it grew from", () => {
    const next = create("old", 3);
    next.restore({ value: "old and new", version: 2 });
    expect([lastSave().text, lastSave().version]).toEqual(["old and new", 2]);
  });

  it("is dropped if the server has that text already", () => {
    drafts.put("i1/notes", { value: "old", version: 1 });
    create("old", 2).restore({ value: "old", version: 1 });
    expect(drafts.all().size).toBe(0);
    expect(saves).toHaveLength(0);
  });

  it("of one person is not shown to another", () => {
    drafts.put("i1/notes", { value: "fire", version: 0 });
    expect(new SessionDrafts("janis").all().size).toBe(0);
  });

  it("that is broken is ignored", () => {
    sessionStorage.setItem("ccserver.draft.i1/notes", "{");
    expect(drafts.all().size).toBe(0);
  });
});

describe("failure", () => {
  it.each([
    ["no answer", new Unreachable("PUT")],
    ["a fault of the server", new ApiError(503, "database_unavailable", "", null)],
  ])("of %s is tried again until it is through", async (_, error) => {
    saver.edit("fire");
    saver.flush();
    lastSave().refuse(error);
    await settle();
    expect(saver.getView().state.kind).toBe("retrying");
    await vi.advanceTimersByTimeAsync(1_000);
    lastSave().refuse(error);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(saves).toHaveLength(3);
    lastSave().accept(1);
    await settle();
    expect(saver.getView().state.kind).toBe("saved");
  });

  it("does not stop typing, which goes with the next try", async () => {
    saver.edit("fire");
    saver.flush();
    lastSave().refuse(new Unreachable("PUT"));
    await settle();
    saver.edit("fire at 5");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(lastSave().text).toBe("fire at 5");
  });

  it("of the session waits for the login and then saves", async () => {
    saver.edit("fire");
    saver.flush();
    lastSave().refuse(new ApiError(401, "signed_out", "", null));
    await settle();
    expect(saver.getView().state.kind).toBe("login_needed");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(saves).toHaveLength(1);
    saver.flush();
    expect(lastSave().text).toBe("fire");
  });

  it("that trying cannot mend says why and waits for an edit", async () => {
    saver.edit("long");
    saver.flush();
    lastSave().refuse(new ApiError(413, "notes_too_long", "", null));
    await settle();
    expect(saver.getView().state).toEqual({ kind: "refused", code: "notes_too_long" });
    saver.edit("lon");
    vi.advanceTimersByTime(600);
    expect(lastSave().text).toBe("lon");
  });
});

describe("conflict", () => {
  beforeEach(async () => {
    saver.edit("mine");
    saver.flush();
    lastSave().refuse(conflict("theirs", 4));
    await settle();
  });

  it("shows both texts and saves nothing by itself", () => {
    expect(saver.getView()).toMatchObject({ value: "mine", state: { kind: "conflict", theirs: { value: "theirs" } } });
    saver.edit("mine too");
    vi.advanceTimersByTime(10_000);
    expect(saves).toHaveLength(1);
    expect(saver.getView().value).toBe("mine too");
  });

  it("keeps mine over the version that stood in the way", () => {
    saver.resolve("mine");
    expect([lastSave().text, lastSave().version]).toEqual(["mine", 4]);
  });

  it("joins theirs and mine", () => {
    saver.resolve("join");
    expect(lastSave().text).toBe("theirs\n—\nmine");
  });

  it("takes theirs without a save", () => {
    saver.resolve("theirs");
    expect(saves).toHaveLength(1);
    expect(saver.getView()).toEqual({ value: "theirs", state: { kind: "clean" } });
    expect(drafts.all().size).toBe(0);
  });
});

it("takes a conflict with its own text for the save whose answer was lost", async () => {
  saver.edit("fire");
  saver.flush();
  lastSave().refuse(conflict("fire", 1));
  await settle();
  expect(saver.unsaved).toBe(false);
  expect(saver.getView().state.kind).toBe("clean");
});

describe("a colleague's save", () => {
  const theirs = { value: "theirs", version: 5, saved_at: NOW, author: "janis" };

  it("is shown when nothing is in work here", () => {
    saver.receive(theirs);
    expect(saver.getView().value).toBe("theirs");
  });

  it("does not touch a text in work", () => {
    saver.edit("mine");
    saver.receive(theirs);
    expect(saver.getView().value).toBe("mine");
  });

  it("of an older version is ignored", () => {
    const newer = create("new", 6);
    newer.receive(theirs);
    expect(newer.getView().value).toBe("new");
  });
});

it.each([
  [{ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 }, true],
  [{ a: 1 }, { a: 1, b: undefined }, false],
  [[1, 2], [2, 1], false],
  [[], {}, false],
  [null, {}, false],
  ["1", 1, false],
])("compares values as JSON: %j and %j", (a, b, same) => {
  expect(sameValue(a, b)).toBe(same);
});
