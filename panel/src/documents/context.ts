/** What every part of the editor shares. */

import { createContext, useContext } from "react";
import type { DocumentEditor } from "./editor";
import type { AnyDocument } from "./kind";
import { pathKey, setIn, type Path } from "./paths";
import { standsAt, type Problem } from "./problems";

export interface Editing {
  editor: DocumentEditor;
  document: AnyDocument;
  problems: readonly Problem[];
  /** What the server told beside the document. */
  beside: Readonly<Record<string, unknown>>;
}

export const EditingContext = createContext<Editing | null>(null);

export function useEditing(): Editing {
  const editing = useContext(EditingContext);
  if (editing === null) throw new Error("useEditing outside of the editor");
  return editing;
}

/** Puts a value into the draft; typing on in one field is one step to undo. */
export function useSet(): (path: Path, value: unknown) => void {
  const { editor } = useEditing();
  return (path, value) => editor.edit((document) => setIn(document, path, value), pathKey(path));
}

/** The problems of a field; with `below` also those of the fields inside it. */
export function useProblems(path: Path, below = false): Problem[] {
  return useEditing().problems.filter((problem) => standsAt(problem, path, below));
}
