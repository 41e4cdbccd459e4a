/** The plan in the editor, and who could answer by it. */

import { createContext, useCallback, useContext, useMemo } from "react";
import { useEditing } from "../documents/context";
import type { RoutingDocument } from "./document";
import { asDocument, asPlan } from "./kind";
import { allSeats, type Seat } from "./members";

/** Names of the seats that exist, by their ids. */
export const SeatsContext = createContext<ReadonlyMap<string, string>>(new Map());

export interface EditingPlan {
  plan: RoutingDocument;
  edit: (change: (plan: RoutingDocument) => RoutingDocument, tag?: string | null) => void;
  seats: readonly Seat[];
}

export function usePlan(): EditingPlan {
  const { editor, document } = useEditing();
  const known = useContext(SeatsContext);
  const plan = asPlan(document);
  // The same function as long as the editor is the same: rows that did not change are not drawn anew.
  const edit = useCallback<EditingPlan["edit"]>(
    (change, tag = null) => editor.edit((old) => asDocument(change(asPlan(old))), tag),
    [editor],
  );
  const seats = useMemo(() => allSeats(plan, known), [plan, known]);
  return { plan, edit, seats };
}
