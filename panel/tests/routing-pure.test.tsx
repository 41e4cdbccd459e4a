/**
 * The logic of the plan's editor without a screen: differences, putting changes on top of others',
 * undo, the steps of a queue with who can be reached, its sentence, bounds, names and drafts.
 */

import i18next from "i18next";
import { describe, expect, it } from "vitest";
import { changeLanguage } from "../src/i18n";
import * as differences from "../src/documents/diff";
import { DAYS, DIRECTORY_KINDS, KINDS, SELECTIONS, completed, newAgent, newItem, type Kind, type RoutingDocument } from "../src/routing/document";
import { Drafts } from "../src/documents/drafts";
import { begin, record, redo, undo } from "../src/documents/history";
import { nameProblem } from "../src/routing/names";
import { allSeats, plannedAgent, withLevel, withMembership } from "../src/routing/members";
import { moveIn, removeIn, setIn } from "../src/documents/paths";
import { localProblems as problemsBy, merged, parsePath, readProblems, standsAt } from "../src/documents/problems";
import { conflictKey, rebase as rebaseBy } from "../src/documents/rebase";
import { joined, sentenceOf, type Titles } from "../src/routing/sentence";
import * as references from "../src/documents/references";
import { fieldName, numberProblem, parseNumber, type Spec } from "../src/documents/specs";
import { asDocument, asPlan, ROUTING } from "../src/routing/kind";
import { FORMS, GENERAL } from "../src/routing/specs";
import { isMoot, reachableAt, requiredAt, stepsOf } from "../src/routing/steps";
import { plan } from "./routing-samples";

/** As the editor of the plan calls them. */
const ids = ROUTING.identities;
const diff = (before: unknown, after: unknown) => differences.diff(ids, before, after);
const applied = <T,>(root: T, path: readonly string[], value: unknown): T => differences.applied(ids, root, path, value);
const valueAt = (root: unknown, path: readonly string[]): unknown => differences.valueAt(ids, root, path);
const rebase = <T,>(base: T, mine: T, theirs: T, takeTheirs?: ReadonlySet<string>) =>
  rebaseBy(ids, base, mine, theirs, takeTheirs);
const localProblems = (plan: RoutingDocument) => problemsBy(ROUTING, asDocument(plan));
const renamed = (plan: RoutingDocument, list: Kind, index: number, to: string): RoutingDocument =>
  asPlan(references.renamed(ROUTING, asDocument(plan), list, index, to));
const usesOf = (plan: RoutingDocument, list: Kind, name: string): number =>
  references.usesOf(ROUTING, asDocument(plan), list, name);

const ALARM = ["queues", 0, "alarm_after_s"] as const;

describe("differences", () => {
  it("finds nothing between equal plans", () => {
    expect(diff(plan(), plan())).toEqual([]);
  });

  it("names the items of lists and not their places", () => {
    const after = { ...plan(), queues: [...plan().queues].reverse() };
    const changed = setIn(after, ["queues", 2, "alarm_after_s"], 45);
    expect(diff(plan(), changed)).toEqual([
      { path: ["queues", "emergency", "alarm_after_s"], kind: "changed", before: 30, after: 45 },
    ]);
  });

  it("tells what was added and removed", () => {
    const after = { ...plan(), sites: [{ name: "daugavpils", title: { lv: "", ru: "", en: "" } }, ...plan().sites.slice(1)] };
    expect(diff(plan(), after).map(({ path, kind }) => [path.join("/"), kind])).toEqual([
      ["sites/riga", "removed"],
      ["sites/daugavpils", "added"],
    ]);
  });

  it("compares steps as a whole", () => {
    const after = setIn(plan(), ["queues", 0, "relax", 0, "after_s"], 25);
    expect(diff(plan(), after)).toHaveLength(1);
    expect(diff(plan(), after)[0]?.path).toEqual(["queues", "emergency", "relax"]);
  });

  it("applied one after the other make the later plan", () => {
    let after: RoutingDocument = setIn(plan(), ALARM, 45);
    after = { ...after, prompts: [], queues: [...after.queues.slice(0, 1), ...after.queues.slice(2)] };
    after = withLevel(after, "agent-103", "medical", 4);
    const rebuilt = diff(plan(), after).reduce((old, change) => applied(old, change.path, change.after), plan());
    expect(diff(rebuilt, after)).toEqual([]);
  });

  it("reads a value by names", () => {
    expect(valueAt(plan(), ["agents", "agent-101", "skills", "language:lv", "level"])).toBe(5);
    expect(valueAt(plan(), ["agents", "agent-999", "skills"])).toBeUndefined();
  });
});

describe("putting mine on top of theirs", () => {
  it("keeps both where they do not meet", () => {
    const mine = setIn(plan(), ALARM, 45);
    const theirs = { ...setIn(plan(), ["queues", 0, "escalate_after_s"], 90), prompts: [] };
    const { document, conflicts } = rebase(plan(), mine, theirs);
    expect(conflicts).toEqual([]);
    expect(document.queues[0]).toMatchObject({ alarm_after_s: 45, escalate_after_s: 90 });
    expect(document.prompts).toEqual([]);
  });

  it("asks where both changed the same place, and mine stands until then", () => {
    const [mine, theirs] = [setIn(plan(), ALARM, 45), setIn(plan(), ALARM, 20)];
    const { document, conflicts } = rebase(plan(), mine, theirs);
    expect(conflicts).toEqual([{ path: ["queues", "emergency", "alarm_after_s"], base: 30, mine: 45, theirs: 20 }]);
    expect(document.queues[0]?.alarm_after_s).toBe(45);
    const given = rebase(plan(), mine, theirs, new Set(conflicts.map(({ path }) => conflictKey(path))));
    expect(given.document.queues[0]?.alarm_after_s).toBe(20);
  });

  it("asks nothing where both wanted the same", () => {
    const both = setIn(plan(), ALARM, 45);
    expect(rebase(plan(), both, both)).toEqual({ document: both, conflicts: [] });
  });

  it.each([
    ["mine", true],
    ["theirs", false],
  ])("shows a queue that one removed and the other edited as one conflict (%s removed)", (_, mineRemoves) => {
    const without = removeIn(plan(), ["queues", 0]);
    const edited = setIn(setIn(plan(), ALARM, 45), ["queues", 0, "escalate_after_s"], 90);
    const { document, conflicts } = rebase(plan(), mineRemoves ? without : edited, mineRemoves ? edited : without);
    expect(conflicts.map(({ path }) => path)).toEqual([["queues", "emergency"]]);
    const kept = document.queues.find((queue) => queue.name === "emergency");
    if (mineRemoves) expect(kept).toBeUndefined();
    else expect(kept).toMatchObject({ alarm_after_s: 45, escalate_after_s: 90 });
  });

  it("adds what each added", () => {
    const site = (name: string): RoutingDocument => ({ ...plan(), sites: [...plan().sites, { name, title: { lv: "", ru: "", en: "" } }] });
    const { document, conflicts } = rebase(plan(), site("cesis"), site("talsi"));
    expect(conflicts).toEqual([]);
    expect(document.sites.map(({ name }) => name)).toEqual(["riga", "liepaja", "talsi", "cesis"]);
  });
});

describe("undo", () => {
  it("goes back and forth, and a new change ends the way forth", () => {
    let history = record(record(begin("a"), "b", null, 0), "c", null, 10);
    history = undo(history);
    expect(history.present).toBe("b");
    expect(redo(history).present).toBe("c");
    history = record(history, "d", null, 20);
    expect(redo(history).present).toBe("d");
    expect(undo(undo(history)).present).toBe("a");
    expect(undo(undo(undo(history))).present).toBe("a");
  });

  it("takes typing on in one field as one step, until a pause or another field", () => {
    let history = record(begin(""), "4", "x", 0);
    history = record(history, "45", "x", 500);
    expect(undo(history).present).toBe("");
    expect(undo(record(history, "450", "x", 5_000)).present).toBe("45");
    expect(undo(record(history, "46", "y", 600)).present).toBe("45");
  });

  it("never joins a change with what was undone", () => {
    const history = record(undo(record(begin("a"), "b", "x", 0)), "c", "x", 1);
    expect(undo(history).present).toBe("a");
  });
});

const TITLES: Titles = { skill: (name) => name, queue: (name) => name, site: (name) => name, list: (names) => names.join(" and ") };
const [EMERGENCY = plan().queues[0]] = plan().queues;
if (EMERGENCY === undefined) throw new Error("the sample has no queue");

describe("steps of a queue", () => {
  it("stand in order of time", () => {
    expect(stepsOf(EMERGENCY).map(({ kind, at }) => [kind, at])).toEqual([
      ["start", 0],
      ["relax", 20],
      ["alarm", 30],
      ["overflow", 40],
      ["escalate", 60],
    ]);
  });

  it("are without effect once everybody is asked; the alarm is not", () => {
    const queue = { ...EMERGENCY, escalate_after_s: 30, alarm_after_s: 35 };
    expect(stepsOf(queue).filter((step) => isMoot(step, queue)).map((step) => step.kind)).toEqual(["overflow"]);
  });

  it("lower what is needed, never raise it", () => {
    const skills = [{ skill: "language:lv", level: 3 }, { skill: "medical", level: 2 }];
    const relax = [
      { after_s: 10, skill: "language:*", level: 5 },
      { after_s: 20, skill: "language:lv", level: 1 },
      { after_s: 30, skill: "*", level: 0 },
    ];
    expect(requiredAt(skills, relax, 10)).toEqual(skills);
    expect(requiredAt(skills, relax, 20)).toEqual([{ skill: "language:lv", level: 1 }, { skill: "medical", level: 2 }]);
    expect(requiredAt(skills, relax, 30)).toEqual([]);
  });

  it("widen the circle of who can be reached", () => {
    const agents = [...plan().agents, { ...newAgent("agent-103"), queues: [] }, { ...newAgent("agent-104") }];
    const ids = (at: number): string[] => reachableAt(EMERGENCY, agents, at).map((agent) => agent.agent_id.slice(-3));
    expect(ids(0)).toEqual(["101"]);
    expect(ids(20)).toEqual(["101", "104"]);
    expect(ids(40)).toEqual(["101", "102", "104"]);
    expect(ids(60)).toEqual(["101", "102", "103", "104"]);
  });

  it("respect the sites of the queue until one overflows", () => {
    const queue = { ...EMERGENCY, skills: [], sites: ["liepaja"], overflow: [{ after_s: 5, queue: null, site: "riga" }] };
    expect(reachableAt(queue, plan().agents, 0)).toEqual([]);
    expect(reachableAt(queue, plan().agents, 5)).toHaveLength(1);
  });
});

describe("the sentence of a queue", () => {
  const say = (queue = EMERGENCY): string => joined(sentenceOf(queue, TITLES), (key, values) => i18next.t(`routing.sentence.${key}`, values));

  it("says who comes first and what is added when", () => {
    expect(say()).toBe(
      "A caller first gets a free call taker of the queue “emergency” with language:lv ≥ 3, the one who is free longest first; " +
        "after 20 s also one without language:*; after 30 s supervisors are alarmed; after 40 s also the queue “office”; " +
        "after 60 s everybody, with whatever skills, also those not ready.",
    );
  });

  it("says how many phones ring at once, and where", () => {
    const queue = { ...EMERGENCY, selection: "ring_all" as const, sites: ["riga"], skills: [], relax: [], overflow: [] };
    expect(say(queue)).toMatch(/^A call first rings at up to 8 free call takers of the queue “emergency” at once, at riga only;/);
  });

  it("leaves out what has no effect", () => {
    expect(say({ ...EMERGENCY, escalate_after_s: 30 })).not.toContain("office");
  });

  it.each([
    ["lv", /^Zvanītājs vispirms .* pēc 60 s – visi/],
    ["ru", /^Звонящий сначала .* через 60 с — все/],
  ] as const)("is a sentence in %s too", async (language, text) => {
    await changeLanguage(language);
    expect(say()).toMatch(text);
    expect(say()).not.toMatch(/\{\{|routing\./);
  });
});

describe("numbers", () => {
  it.each([
    ["", null],
    [" 45 ", 45],
    ["0,5", 0.5],
    ["-1", -1],
    ["12a", undefined],
    ["1.", undefined],
  ])("reads %j as %j", (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });

  it("knows its bounds", () => {
    const spec = { kind: "number", key: "x", unit: "none", min: 1, max: 10, whole: true } as const;
    expect([0, 1, 10, 11, 2.5, null].map((value) => numberProblem(spec, value))).toEqual([
      "out_of_range",
      null,
      null,
      "out_of_range",
      "whole",
      "required",
    ]);
    expect(numberProblem({ ...spec, nullable: true }, null)).toBeNull();
  });
});

describe("problems", () => {
  it("are none in a sound plan, nor in new items", () => {
    const document = KINDS.reduce<RoutingDocument>(
      (old, kind) => ({ ...old, [kind]: [...old[kind], newItem(kind, kind === "entries" ? "116" : "new", old)] }),
      plan(),
    );
    expect(localProblems(document).map(({ path }) => path.join("/"))).toEqual(["directory/1/number"]);
  });

  it("are found at any depth", () => {
    let document: RoutingDocument = setIn(plan(), ["queues", 0, "overflow", 0, "after_s"], null);
    document = setIn(document, ["general", "callbacks", "attempts_max"], 99);
    document = setIn(document, ["schedules", 0, "weekly", 0, "to"], "25:00");
    document = setIn(document, ["prompts", 0, "texts", "ru"], "а".repeat(1_001));
    expect(localProblems(document).map(({ path, code }) => `${path.join("/")} ${code}`)).toEqual([
      "queues/0/overflow/0/after_s required",
      "schedules/0/weekly/0/to bad_time",
      "prompts/0/texts/ru too_long",
      "general/callbacks/attempts_max out_of_range",
    ]);
  });

  it("read the server's paths", () => {
    expect(parsePath("queues[2].overflow[0].queue")).toEqual(["queues", 2, "overflow", 0, "queue"]);
    expect(parsePath("queues[emergency].queue_class")).toEqual(["queues", "emergency", "queue_class"]);
    expect(parsePath("")).toEqual([]);
  });

  it("of the server are left out where ours stand; errors come first", () => {
    const server = readProblems([
      { path: "queues[1]", code: "queue_only_overflow", text: "w", severity: "warning", params: { queue: "office" } },
      { path: "queues[0].alarm_after_s", code: "out_of_range", text: "x", severity: "error" },
      { path: "entries", code: "emergency_entry_missing", text: "y" },
    ]);
    const local = localProblems(setIn(plan(), ALARM, 0));
    expect(merged(local, server).map(({ code }) => code)).toEqual(["out_of_range", "emergency_entry_missing", "queue_only_overflow"]);
  });

  it("of shape say nothing more than an emptied field does", () => {
    const server = readProblems([{ path: "queues[...].alarm_after_s", code: "shape", text: "x", params: { message: "y" } }]);
    const local = localProblems(setIn(plan(), ALARM, null));
    expect(merged(local, server).map(({ code }) => code)).toEqual(["required"]);
    expect(merged([], server)).toHaveLength(1);
  });

  it("stand at their field, and below the parts around it", () => {
    const [problem] = readProblems([{ path: "queues[0].skills[1].level", code: "out_of_range", text: "" }]);
    if (problem === undefined) throw new Error("no problem was read");
    expect(standsAt(problem, ["queues", 0, "skills", 1, "level"])).toBe(true);
    expect(standsAt(problem, ["queues", 0, "skills"])).toBe(false);
    expect(standsAt(problem, ["queues", 0, "skills"], true)).toBe(true);
    expect(standsAt(problem, ["queues", 1], true)).toBe(false);
  });
});

describe("names", () => {
  it("are changed everywhere at once", () => {
    const after = renamed(plan(), "queues", 1, "desk");
    expect(after.queues[0]?.overflow[0]?.queue).toBe("desk");
    expect(after.agents[1]?.queues).toEqual(["desk"]);
    expect(usesOf(after, "queues", "office")).toBe(0);
    expect(usesOf(after, "queues", "desk")).toBe(2);
    expect(renamed(plan(), "skills", 0, "language:latvian").agents[0]?.skills[0]?.skill).toBe("language:latvian");
    expect(renamed(plan(), "entries", 0, "110").entries[0]?.number).toBe("110");
  });

  it("touch nothing that only looks alike", () => {
    const document = { ...plan(), sites: [{ name: "office", title: { lv: "office", ru: "", en: "" } }] };
    expect(renamed(document, "queues", 1, "desk").sites).toEqual(document.sites);
  });

  it.each([
    ["queues", "", "required"],
    ["queues", "Emergency", "name_shape"],
    ["queues", "office", "name_taken"],
    ["queues", "desk", null],
    ["skills", "language:pl", null],
    ["skills", "a:b:c", "name_skill"],
    ["entries", "+371112", null],
    ["entries", "1 1 2", "name_number"],
    ["entries", "urn:service:sos.ecall.automatic", null],
    ["entries", "urn:service:test.sos.ecall", null],
    ["entries", "urn:service:SOS", "name_number"],
    ["entries", "urn:service:" + "a".repeat(85), "name_number"],
    ["entries", "112 urn:service:sos", "name_number"],
  ] as const)("of %s: %j gives %j", (kind, name, code) => {
    expect(nameProblem(kind, name, ["office"])).toBe(code);
  });
});

describe("call takers", () => {
  it("that the plan does not name get a line with the first change", () => {
    const after = withLevel(plan(), "agent-200", "medical", 7);
    expect(plannedAgent(after, "agent-200")).toEqual({ ...newAgent("agent-200"), skills: [{ skill: "medical", level: 7 }] });
    expect(plannedAgent(withLevel(after, "agent-200", "medical", 0), "agent-200").skills).toEqual([]);
  });

  it("leave one of all queues by naming the others", () => {
    const after = withMembership(plan(), "agent-200", "office", false);
    expect(plannedAgent(after, "agent-200").queues).toEqual(["emergency", "callback"]);
    expect(plannedAgent(withMembership(after, "agent-200", "office", true), "agent-200").queues).toHaveLength(3);
  });

  it("are listed by name, those without a seat last", () => {
    const known = new Map([["agent-300", "Zane"], ["agent-101", "Anna"]]);
    expect(allSeats(plan(), known).map(({ name, exists }) => [name, exists])).toEqual([
      ["Anna", true],
      ["Zane", true],
      ["agent-102", false],
    ]);
  });
});

describe("drafts", () => {
  it("are kept by login and version, the newest only", () => {
    const drafts = new Drafts("routing", "anna");
    drafts.put({ version: 4, base: asDocument(plan()), document: asDocument(plan()) });
    drafts.put({ version: 5, base: asDocument(plan()), document: asDocument(setIn(plan(), ALARM, 45)) });
    expect(drafts.read()).toMatchObject({ version: 5 });
    expect(Object.keys(localStorage).filter((key) => key.startsWith("ccserver.routing."))).toHaveLength(1);
    expect(new Drafts("routing", "ann").read()).toBeNull();
    drafts.clear();
    expect(drafts.read()).toBeNull();
  });

  it("that cannot be read count as none", () => {
    localStorage.setItem("ccserver.routing.anna.5", "{");
    localStorage.setItem("ccserver.routing.anna.6", "[]");
    expect(new Drafts("routing", "anna").read()).toBeNull();
  });
});

it("moves lines up and down within their list", () => {
  const document = { list: ["a", "b", "c"] };
  expect(moveIn(document, ["list", 2], -1).list).toEqual(["a", "c", "b"]);
  expect(moveIn(document, ["list", 0], -1).list).toEqual(["a", "b", "c"]);
});

it("fills in what an older server leaves out", () => {
  expect(completed({ queues: [{ name: "q" } as RoutingDocument["queues"][number]] })).toMatchObject({
    general: { callbacks: { attempts_max: 3 } },
    queues: [{ name: "q", waiting: { music: "emergency" } }],
    agents: [],
  });
});

/** Server codes with the parameters that their sentences need. */
const CODES = `shape bad_name duplicate_name unknown_skill unknown_queue unknown_site unknown_prompt
  unknown_schedule unknown_language unknown_timezone out_of_range too_many too_long bad_character
  bad_number bad_time bad_key key_taken span_empty spans_overlap days_empty duplicate_date
  rules_contradict rules_timezones steps_out_of_order overflow_empty overflow_self overflow_cycle
  queue_nobody queue_unskilled emergency_entry_missing emergency_class_low callback_queue_missing
  unknown_agent no_agents agent_without_queue queue_only_overflow relax_no_effect
  step_after_escalation schedule_never_open prompt_text_missing`.split(/\s+/);

function allSpecs(): Spec[] {
  const specs = [...Object.values(FORMS).flat(), ...GENERAL].flatMap((group) => group.fields);
  return specs.flatMap((spec) => (spec.kind === "rows" ? [spec, ...spec.columns] : [spec]));
}

/** A text of the plan's own, or of those that all documents share. */
function has(language: string, part: string, name: string): boolean {
  const key = `${part}.${name}`;
  return [`routing.${key}`, `document.${key}`].some((full) => i18next.exists(full, { lng: language, fallbackLng: [] }));
}

describe.each(["en", "lv", "ru"])("texts in %s", (language) => {
  const missing = (part: string, names: readonly string[]): string[] => names.filter((name) => !has(language, part, name));
  it("exist for every problem of the server", () => {
    expect(missing("problem", CODES)).toEqual([]);
  });

  it("exist for every field, choice and group", () => {
    const names = allSpecs().map(fieldName);
    expect(missing("field", names)).toEqual([]);
    expect(missing("help", names)).toEqual([]);
    expect(missing("group", [...Object.values(FORMS).flat(), ...GENERAL].map((group) => group.name))).toEqual([]);
    expect(missing("selection", SELECTIONS)).toEqual([]);
    expect(missing("day", DAYS)).toEqual([]);
    expect(missing("directory_kind", DIRECTORY_KINDS)).toEqual([]);
    for (const part of ["section", "about", "empty", "new", "name_help"]) expect(missing(part, KINDS)).toEqual([]);
  });
});
