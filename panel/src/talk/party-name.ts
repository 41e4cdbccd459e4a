/** What a party is called on screen: the seat's name, the directory's title, else the number. */

import type { Directory, Party } from "../api/types";
import { agentName, type LiveState } from "../live/state";
import { readableNumber } from "../shared/format";
import { entryTitle } from "./directory";

/** Empty if nothing is known but the kind. */
export function partyName(party: Party, state: LiveState, directory: Directory): string {
  if (party.agent_id !== null) return agentName(state, party.agent_id);
  if (party.name !== "" && party.name !== party.number) return entryTitle(directory, party.name);
  return party.number === null ? "" : readableNumber(party.number);
}
