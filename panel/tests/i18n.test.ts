/** The three languages say the same things: same keys, same placeholders, nothing missing. */

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

interface Tree {
  [key: string]: string | Tree;
}

function flatten(tree: Tree, prefix = ""): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") flat.set(prefix + key, value);
    else for (const [name, text] of flatten(value, `${prefix}${key}.`)) flat.set(name, text);
  }
  return flat;
}

function placeholders(text: string): string[] {
  return [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? "").sort();
}

const FOLDER = join(import.meta.dirname, "../src/i18n");

/** All texts of a language: `lv.json` and what parts of the panel bring along, `<part>.lv.json`. */
function textsOf(language: string): Map<string, string> {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".json"));
  const own = files.filter((file) => file === `${language}.json` || file.endsWith(`.${language}.json`));
  return new Map(own.flatMap((file) => [...flatten(JSON.parse(readFileSync(join(FOLDER, file), "utf-8")) as Tree)]));
}

const ENGLISH = textsOf("en");
const OTHERS = { lv: textsOf("lv"), ru: textsOf("ru") };

/** The closed set of the server's timeline tags. */
const TIMELINE_TAGS = `contact_arrived queued offered offer_accepted offer_rejected offer_timed_out
  offer_rescinded offer_failed connected held resumed returned parachute_entered parachute_answered
  abandoned ended wrap_up_ended recording_sealed recording_failed recording_played notes_saved
  text_received text_sent text_failed text_rode_along conversation_reopened conversation_closed
  adopted language_chosen cannot_speak silence_noted speech_heard redialled escalated picked
  transferred transfer_failed consult_started consult_ended party_joined party_left conference
  handed_over monitor_started monitor_ended taken_over outbound_dialled outbound_answered
  outbound_failed callback_opened
  callback_lined_up callback_taken callback_ended callback_exhausted callback_closed muted unmuted participant_joined
  participant_left wrap_up_extended
  service_sent service_received service_seen service_accepted service_refused service_dispatched
  service_en_route service_on_scene service_cleared service_closed service_withdrawn service_reopened
  service_overdue service_note unit_assigned unit_status
  emergency_data msd_received msd_received_untrusted msd_unreadable msd_requested msd_refused
  msd_request_failed location_unreachable cleared_down`.split(/\s+/);

describe.each(Object.entries(OTHERS))("%s", (_, texts) => {
  it("has exactly the keys of English", () => {
    expect([...texts.keys()].sort()).toEqual([...ENGLISH.keys()].sort());
  });

  it("has the placeholders of English in each text", () => {
    for (const [key, text] of texts) {
      expect(placeholders(text), key).toEqual(placeholders(ENGLISH.get(key) ?? ""));
    }
  });

  it("has no empty text", () => {
    expect([...texts].filter(([, text]) => text.trim() === "")).toEqual([]);
  });
});

it("has a sentence for each tag of the timeline", () => {
  expect(TIMELINE_TAGS.filter((tag) => !ENGLISH.has(`timeline.${tag}`))).toEqual([]);
});

it("has every key that the source names", () => {
  const root = join(import.meta.dirname, "../src");
  const files = readdirSync(root, { recursive: true, encoding: "utf-8" });
  const used = files
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap((file) => [...readFileSync(join(root, file), "utf-8").matchAll(/\bt\(\s*"([\w.]+)"/g)])
    .map((match) => match[1] ?? "");
  expect(used.length).toBeGreaterThan(50);
  expect(used.filter((key) => !ENGLISH.has(key))).toEqual([]);
});

/** Texts that the source names by a code of the server. */
const CODED: Record<string, string> = {
  agent: "off not_ready unavailable idle reserved talking wrap_up",
  shortage: "all_busy nobody_logged_in nobody_qualified no_device",
  notice: "contact_waits nobody_logged_in contact_escalated offers_missed text_unanswered",
  alarm: "sms_down sms_stuck edge_down node_down",
  medium: "voice sms text",
  "texts.delivery": "queued sent unknown delivered failed expired",
  "texts.state": "waiting riding open closed",
  "texts.channel": "sms sip app",
  "texts.units": "gsm ucs2",
  "texts.oddity": "guessed cut lost binary twice whole position other",
  "texts.error": "not_sent_in_time outcome_unknown part_failed address_invalid other",
  "texts.obstacle": "closed no_way_back no_seat waiting riding with_other",
  party: "ringing talking held listening whispering",
  "party.kind": "agent service interpreter outside supervisor",
  "target.group": "service interpreter other agents queues number",
  "monitor.mode": "listen whisper barge",
  "monitor.active": "listen whisper barge",
  "callback.outcome": "reached no_answer called_again not_needed",
  "live.conversation_state": "talking held parachute dialling handed_over",
  "presence.reason": "break training admin technical missed_offers",
  page: "live routing catalogue messaging people",
  outcome: "waiting answered parachute abandoned ended unreached",
  map: "typed_empty typed_unreadable typed_outside typed_far",
  "map.source": "pidf_lo aml msd network_cell https address map call_taker",
  "map.kind": "caller incident initial unit",
  "map.age": "s min h d",
  "map.heading": "n ne e se s sw w nw",
  refused: `wrap_up_at_limit not_waiting not_allowed not_free agent_not_free no_such_queue
    no_such_entry no_such_party no_number no_trunk taken closed conversation_closed no_way_back
    text_too_long text_empty key_reused too_old not_for_texts newer_conversation`,
};

it.each(Object.entries(CODED))("has a text for each code of %s", (prefix, codes) => {
  expect(codes.split(/\s+/).filter((code) => !ENGLISH.has(`${prefix}.${code}`))).toEqual([]);
});
