/**
 * How fields are described: what is edited, in which unit and bounds.
 *
 * A table of them drives a form and the checks while typing. Label and help of a field are the
 * texts `field.<name>` and `help.<name>`, where the name is the last part of its key.
 */

import type { ReactNode } from "react";
import type { Path } from "./paths";

export type Unit = "seconds" | "hours" | "points" | "people" | "times" | "level" | "none";

export interface Keyed {
  /** Where the value stands below the item, parts joined by dots. */
  key: string;
}

export interface NumberSpec extends Keyed {
  kind: "number";
  unit: Unit;
  min: number;
  max: number;
  whole?: boolean;
  /** Empty is allowed and means the usual value. */
  nullable?: boolean;
}

export interface OwnProperties {
  spec: Keyed;
  path: Path;
  compact?: boolean;
}

export type Spec =
  | NumberSpec
  | (Keyed & { kind: "flag" })
  | (Keyed & { kind: "date" })
  | (Keyed & { kind: "time" })
  | (Keyed & { kind: "words" })
  | (Keyed & { kind: "text"; max: number; required?: boolean })
  | (Keyed & { kind: "texts"; max: number; long?: boolean })
  | (Keyed & { kind: "choice"; options: readonly string[]; words: string })
  | (Keyed & { kind: "several"; options: readonly string[]; words: string })
  /** A choice among the items of a list; `empty` is what no choice is written as. */
  | (Keyed & { kind: "reference"; to: string; empty?: "" | null; patterns?: boolean })
  | (Keyed & { kind: "references"; to: string })
  /** Items of a list in an order of their own. */
  | (Keyed & { kind: "ordered"; to: string })
  | (Keyed & { kind: "rows"; columns: readonly Spec[]; create: () => object })
  /** Parts too large for a line of a table: each is a small form. */
  | (Keyed & { kind: "parts"; fields: readonly Spec[]; create: () => object })
  /** An input of one kind of document alone. */
  | (Keyed & { kind: "own"; input: (properties: OwnProperties) => ReactNode });

export interface Group {
  /** Its heading is the text `group.<name>`. */
  name: string;
  fields: readonly Spec[];
}

export const DAY_S = 86_400;

export function seconds(key: string, min: number, max: number, nullable = false): NumberSpec {
  return { kind: "number", key, unit: "seconds", min, max, nullable };
}

export function whole(key: string, unit: Unit, min: number, max: number, nullable = false): NumberSpec {
  return { kind: "number", key, unit, min, max, whole: true, nullable };
}

export function flag(key: string): Spec {
  return { kind: "flag", key };
}

/** The last part of a field's key, by which its texts are found. */
export function fieldName(spec: Keyed): string {
  return spec.key.split(".").at(-1) ?? spec.key;
}

/** Whether a step shows an error for a number, and which: a code of the server or one of our own. */
export function numberProblem(spec: NumberSpec, value: unknown): "required" | "whole" | "out_of_range" | null {
  if (value === null || value === undefined) return spec.nullable ? null : "required";
  if (typeof value !== "number" || Number.isNaN(value)) return "required";
  if (value < spec.min || value > spec.max) return "out_of_range";
  return spec.whole && !Number.isInteger(value) ? "whole" : null;
}

/** What was typed as a list: words between spaces or commas. */
export function parseWords(text: string): string[] {
  return text.split(/[\s,;]+/).filter((word) => word !== "");
}

/** What was typed as a number: null for nothing, undefined for no number. A comma is a point. */
export function parseNumber(text: string): number | null | undefined {
  const plain = text.trim().replace(",", ".");
  if (plain === "") return null;
  return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : undefined;
}
