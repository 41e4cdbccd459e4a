/** The timeline's entries as a person reads them; pure, sentences come from the translations. */

import type { Fields, TimelineItem } from "../api/types";

export interface TimelineLine {
  /** The last of a run of equal entries. */
  item: TimelineItem;
  /** How many equal ones in a row are told by this line. */
  count: number;
}

/** Entries that come by the dozen: each autosave, each listen and each text leaves one. */
const RUNS: ReadonlySet<string> = new Set([
  "notes_saved",
  "field_saved",
  "recording_played",
  "text_received",
  "text_sent",
]);

function continues(line: TimelineLine, item: TimelineItem): boolean {
  const [last, next] = [line.item, item];
  const sameOne = last.author === next.author && last.agent_id === next.agent_id;
  const same = last.tag === next.tag && sameOne && last.data?.field === next.data?.field;
  return RUNS.has(item.tag) && same;
}

/** Runs of autosaves by one person become one line with the last time. */
export function timelineLines(items: readonly TimelineItem[]): TimelineLine[] {
  const lines: TimelineLine[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last && continues(last, item)) lines[lines.length - 1] = { item, count: last.count + 1 };
    else lines.push({ item, count: 1 });
  }
  return lines;
}

/** Their sentence holds the reason already. */
const SELF_EXPLAINING: ReadonlySet<string> = new Set([
  "offer_rejected",
  "offer_timed_out",
  "abandoned",
  "cut_off",
]);

/** What the data of an entry names beside the one who did it. */
export interface TimelineSubject {
  /** Whom it was done with or to: a party, a colleague, a queue or a number. */
  target: string;
  mode: string;
  language: string;
  outcome: string;
  /** How one attempt to call back ended. */
  attempt: string;
  /** The number of another card. */
  card: string;
  /** The field that was saved, and what it says now. */
  field: string;
  value: string;
  /** Where a place is known from. */
  source: string;
  /** Which service, which of its units, and how far this one is. */
  service: string;
  unit: string;
  state: string;
  /** Which message of a car it was, and how its eCall began. */
  message: string;
  kind: string;
  /** What else came with a call, and which address was to tell more. */
  items: string;
  host: string;
}

/** How codes are told to people; the caller knows the language, the seats and the queues. */
export interface Names {
  agent: (agentId: string) => string;
  queue: (name: string) => string;
  /** A party as the directory calls it. */
  party: (name: string) => string;
  number: (number: string) => string;
  /** `otherwise`: what stands for a code that has no name. */
  code: (kind: CodeKind, code: string, otherwise?: string) => string;
  field: (name: string) => string;
  value: (field: string, value: unknown) => string;
  service: (code: string) => string;
}

type CodeKind = "language" | "monitor.mode" | "callback.outcome" | "callback.attempt" | "map.source" | "service.unit_state" | "ecall.kind" | "ecall.item" | "ecall.purpose";

/** Stands where an entry does not tell. */
export const UNTOLD = "–";

/** The best name for whom an entry is about; a party's number stands beside its name. */
function targetOf(data: NonNullable<TimelineItem["data"]>, names: Names): string {
  const text = (key: string): string => (typeof data[key] === "string" ? data[key] : "");
  const agentId = text("to_agent");
  if (agentId !== "") return names.agent(agentId);
  if (text("queue") !== "" && text("party") === "") return names.queue(text("queue"));
  const number = text("number") === "" ? "" : names.number(text("number"));
  // A party that was dialled by hand is named by its number.
  const party = text("party") === "" || text("party") === text("number") ? "" : names.party(text("party"));
  return [party, number].filter((part) => part !== "").join(", ") || UNTOLD;
}

/** Kinds of items, and blocks of Additional Data (RFC 7852), in one list. */
function itemsOf(codes: string, names: Names): string {
  const told = codes.split(", ").filter((code) => code !== "");
  return told.map((code) => names.code("ecall.item", code, names.code("ecall.purpose", code))).join(", ") || UNTOLD;
}

export function subjectOf(item: TimelineItem, names: Names): TimelineSubject {
  const data = item.data ?? {};
  // A colleague's leg has the seat; outside parties have a name and a number.
  const seat = item.tag.startsWith("party_") ? item.agent_id : null;
  const text = (key: string): string => (typeof data[key] === "string" ? data[key] : "");
  const code = (key: string, kind: CodeKind): string => (text(key) === "" ? UNTOLD : names.code(kind, text(key)));
  return {
    target: seat === null ? targetOf(data, names) : names.agent(seat),
    mode: code("mode", "monitor.mode"),
    language: code("language", "language"),
    outcome: code("outcome", "callback.outcome"),
    attempt: code("attempt", "callback.attempt"),
    card: text("card") || text("number") || UNTOLD,
    field: text("field") === "" ? UNTOLD : names.field(text("field")),
    value: shortened(names.value(text("field"), data.value ?? null)) || UNTOLD,
    source: code("source", "map.source"),
    service: text("service") === "" ? UNTOLD : names.service(text("service")),
    unit: text("unit") || UNTOLD,
    state: code("state", "service.unit_state"),
    message: typeof data.n === "number" ? String(data.n) : UNTOLD,
    kind: code("kind", "ecall.kind"),
    items: itemsOf(text("items"), names),
    host: text("host") || UNTOLD,
  };
}

/** A timeline is skimmed; the whole value stands in its field. */
const VALUE_CHARS_MAX = 80;

function shortened(text: string): string {
  return text.length <= VALUE_CHARS_MAX ? text : `${text.slice(0, VALUE_CHARS_MAX - 1)}…`;
}

/** Acts of people that can be taken back, as long as nothing was done since. */
const UNDOABLE: ReadonlySet<string> = new Set(["field_saved", "merged", "split", "linked"]);

/** The entries that the card offers to take back: of each field the last save, and joinings. */
export function undoable(items: readonly TimelineItem[], fields: Fields): ReadonlySet<TimelineItem> {
  return new Set(
    items.filter((item) => {
      if (!UNDOABLE.has(item.tag)) return false;
      if (item.tag !== "field_saved") return true;
      const name = item.data?.field;
      return typeof name === "string" && fields[name]?.version === item.data?.version;
    }),
  );
}

/** What a person wrote when doing it. */
export function noteOf(item: TimelineItem): string | null {
  const note = item.data?.note;
  return typeof note === "string" && note !== "" ? note : null;
}

/** The code that says why, or by whom, where the sentence does not. */
export function reasonOf(item: TimelineItem): string | null {
  if (SELF_EXPLAINING.has(item.tag)) return null;
  const value = item.data?.reason ?? item.data?.by;
  return typeof value === "string" && value !== "" ? value : null;
}
