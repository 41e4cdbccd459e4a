/** What whoever was consulted, invited or transferred to is called beside the recording. */

import type { Directory, RecordedParty } from "../api/types";
import type { LiveState } from "../live/state";
import { readableNumber } from "../shared/format";
import { entryTitle } from "../talk/directory";

/** The seat's name, else the directory's title and the number; empty if nothing but the kind is known. */
export function recordedParty(party: RecordedParty, state: LiveState, directory: Directory): string {
  if (party.agent_id !== null) {
    return state.agents[party.agent_id]?.name ?? party.agent_name ?? party.agent_id;
  }
  const number = party.number === null ? "" : readableNumber(party.number);
  // A party that was dialled by hand is named by its number.
  const title = party.name === party.number ? "" : entryTitle(directory, party.name);
  return [title, number].filter((part) => part !== "").join(" ");
}
