/** What a field says when nobody has said anything yet, and values as one line of text. Pure. */

import type {
  AddressValue,
  CallbackNumber,
  CardContact,
  Casualties,
  CatalogueItem,
  FieldName,
  Fields,
  IncidentType,
  Person,
  Vehicle,
} from "../api/types";
import type { Option } from "../shared/Combobox";
import { readableNumber } from "../shared/format";
import { titleOf } from "../talk/directory";

export const NO_ADDRESS: AddressValue = {
  text: "",
  code: null,
  floor: "",
  flat: "",
  entrance: "",
  door_code: "",
  access: "",
};
export const NO_CASUALTIES: Casualties = { dead: null, severe: null, light: null, trapped: null, missing: null };
export const NO_PERSON: Person = {
  role: "victim",
  name: "",
  number: null,
  language: null,
  age: null,
  condition: "",
  description: "",
};
export const NO_VEHICLE: Vehicle = { vin: "", plate: "", make: "", colour: "", description: "" };

export const CASUALTY_KINDS = ["dead", "severe", "light", "trapped", "missing"] as const;
/** The address itself has a box of its own. */
export const ADDRESS_DETAILS = ["entrance", "floor", "flat", "door_code", "access"] as const;

type EntityName<K extends "person" | "vehicle"> = `${K}:${string}`;

/** The persons or vehicles of a card, the first added first; removed ones are left out. */
export function entitiesOf<K extends "person" | "vehicle">(fields: Fields, kind: K): EntityName<K>[] {
  return Object.entries(fields)
    .filter(([name, field]) => name.startsWith(`${kind}:`) && field?.value != null)
    .sort(([a, left], [b, right]) => (left?.saved_at ?? "").localeCompare(right?.saved_at ?? "") || a.localeCompare(b))
    .map(([name]) => name as EntityName<K>);
}

export function newEntity<K extends "person" | "vehicle">(kind: K): EntityName<K> {
  return `${kind}:${crypto.randomUUID()}`;
}

function lines(values: readonly unknown[]): string {
  return values.filter((value) => value !== null && value !== "").join(", ");
}

/** A value as a person reads it, for conflicts and for what a merged card said. */
export function valueText(name: string, value: unknown, titles: (code: string) => string): string {
  if (value === null || value === undefined) return "";
  switch (kindOf(name)) {
    case "type":
    case "disposition":
      return titles(value as string);
    case "hazards":
      return (value as string[]).map(titles).join(", ");
    case "callback_numbers":
      return (value as CallbackNumber[]).map((one) => lines([readableNumber(one.number), one.note])).join("; ");
    case "answers":
      return Object.entries(value)
        .map(([question, answer]) => `${titles(question)}: ${[answer].flat().map((one) => titles(String(one))).join(", ")}`)
        .join("; ");
    case "address":
    case "person":
    case "vehicle":
      return lines(Object.values(value));
    case "casualties":
      return Object.entries(value)
        .filter(([, count]) => count !== null)
        .map(([kind, count]) => `${titles(`casualties.${kind}`)}: ${String(count)}`)
        .join(", ");
    default:
      return typeof value === "string" ? value : JSON.stringify(value);
  }
}

/** Persons and vehicles without their id. */
export function kindOf(name: string): FieldName | "person" | "vehicle" {
  return name.split(":")[0] as FieldName | "person" | "vehicle";
}

/** The types that can be chosen, each with what it is a part of. */
export function typeOptions(types: readonly IncidentType[]): Option[] {
  const byCode = new Map(types.map((type) => [type.code, type]));
  const pathOf = (type: IncidentType): string => {
    const names: string[] = [];
    const seen = new Set([type.code]);
    let parent = type.parent;
    while (parent !== null && !seen.has(parent)) {
      seen.add(parent);
      const above = byCode.get(parent);
      if (above === undefined) break;
      names.unshift(titleOf(above.titles, above.code));
      parent = above.parent;
    }
    return names.join(" › ");
  };
  return types
    .filter((type) => type.active !== false)
    .map((type) => ({ code: type.code, title: titleOf(type.titles, type.code), path: pathOf(type) }));
}

export function titleIn(items: readonly CatalogueItem[], code: string): string {
  return titleOf(items.find((item) => item.code === code)?.titles ?? {}, code);
}

/** Where a contact's number is of use beside the card's own. */
export function contactLabel(contact: CardContact): string {
  return contact.caller_number === null ? "–" : readableNumber(contact.caller_number);
}
