/** What the editor must know of one kind of document: its names, its shape, its forms. */

import { createContext, useContext } from "react";
import type { Say } from "./words";
import type { Group } from "./specs";

/** A document by its lists and parts; pages with a shape of their own cast to it. */
export type AnyDocument = Readonly<Record<string, unknown>>;

export type Item = Readonly<Record<string, unknown>>;

export interface Option {
  name: string;
  text: string;
}

export interface Placed {
  index: number;
  /** How deep it stands below others, from 0. */
  depth: number;
}

export interface DocumentKind {
  /** Its addresses (`/api/<name>`), its texts, and its drafts in the browser. */
  name: string;
  /** Where the newest version is read before it is edited. */
  currentPath: string;
  /** The server takes no larger file. */
  fileBytesMax: number;
  /** The lists whose items people edit one by one, and their forms. */
  forms: Readonly<Record<string, readonly Group[]>>;
  /** The forms of what is no list; "" is what stands in the document itself. */
  parts: Readonly<Record<string, readonly Group[]>>;
  /** Fields of lists → the keys by which their items are told apart. */
  identities: Readonly<Record<string, readonly string[]>>;
  /** Lists → the fields anywhere that hold the name of one of their items. */
  references: Readonly<Record<string, readonly string[]>>;
  /** An older document with everything that this panel edits. */
  completed: (raw: AnyDocument) => AnyDocument;
  newItem: (list: string, name: string, document: AnyDocument) => object;
  /** The code of what is wrong with a new name, or null. */
  nameProblem: (list: string, name: string, others: readonly string[]) => string | null;
  /** An item's title in the reader's language, or its name where nobody wrote one. */
  titleOf: (list: string, item: Item) => string;
  /** What may be chosen beside the items of a list. */
  patterns?: (document: AnyDocument, say: Say) => readonly Option[];
  /** The part of the page that a key of the document stands in, if it is not the key itself. */
  sectionOf?: (key: string) => string;
  /** In which order and how deep the items of a list are shown, if not as they stand. */
  placed?: (list: string, items: readonly Item[]) => readonly Placed[];
}

export const KindContext = createContext<DocumentKind | null>(null);

export function useKind(): DocumentKind {
  const kind = useContext(KindContext);
  if (kind === null) throw new Error("useKind outside of a page of a document");
  return kind;
}

export function itemsOf(document: AnyDocument, list: string): readonly Item[] {
  const items = document[list];
  return Array.isArray(items) ? (items as Item[]) : [];
}

/** The key by which the items of a list are told apart. */
export function identityKey(kind: DocumentKind, list: string): string {
  return kind.identities[list]?.[0] ?? "name";
}

/** The names of all items of a list. */
export function namesOf(kind: DocumentKind, document: AnyDocument, list: string): string[] {
  const key = identityKey(kind, list);
  return itemsOf(document, list).map((item) => (typeof item[key] === "string" ? item[key] : ""));
}

/** The items of a list as they are shown in a choice: title, and name where that says more. */
export function optionsOf(kind: DocumentKind, document: AnyDocument, list: string): Option[] {
  const key = identityKey(kind, list);
  return itemsOf(document, list).map((item) => {
    const name = typeof item[key] === "string" ? item[key] : "";
    const title = kind.titleOf(list, item);
    return { name, text: title === name ? name : `${title} (${name})` };
  });
}
