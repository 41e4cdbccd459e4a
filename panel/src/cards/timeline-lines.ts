/** The timeline's entries as a person reads them; pure, sentences come from the translations. */

import type { TimelineItem } from "../api/types";

export interface TimelineLine {
  /** The last of a run of equal entries. */
  item: TimelineItem;
  /** How many equal ones in a row are told by this line. */
  count: number;
}

/** Entries that come by the dozen: each autosave and each listen leaves one. */
const RUNS: ReadonlySet<string> = new Set(["notes_saved", "recording_played"]);

function continues(line: TimelineLine, item: TimelineItem): boolean {
  return RUNS.has(item.tag) && line.item.tag === item.tag && line.item.author === item.author;
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
]);

/** The code that says why, or by whom, where the sentence does not. */
export function reasonOf(item: TimelineItem): string | null {
  if (SELF_EXPLAINING.has(item.tag)) return null;
  const value = item.data?.reason ?? item.data?.by;
  return typeof value === "string" && value !== "" ? value : null;
}
