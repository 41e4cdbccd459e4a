/** Who is concerned: persons, how many are hurt, vehicles, and numbers at which to call back. */

import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  PERSON_ROLES,
  type CallbackNumber,
  type FieldValues,
  type Person,
  type PersonRole,
  type Vehicle,
} from "../api/types";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { FieldFrame } from "./FieldFrame";
import {
  CASUALTY_KINDS,
  entitiesOf,
  newEntity,
  NO_CASUALTIES,
  NO_PERSON,
  NO_VEHICLE,
  valueText,
} from "./field-values";
import { useField, useOpenCardContext } from "./open-card";
import { useFieldTitles } from "./useFieldTitles";

type PersonName = `person:${string}`;
type VehicleName = `vehicle:${string}`;

const COUNT_MAX = 100_000;
const AGE_MAX = 150;

interface TextProperties {
  label: string;
  value: string;
  testid: string;
  chars?: number;
  onChange: (text: string) => void;
}

/** One member of a value: a small text box under its name. */
function Text({ label, value, testid, chars = 200, onChange }: TextProperties) {
  const id = useId();
  return (
    <div className="member">
      <label htmlFor={id}>{label}</label>
      <input id={id} type="text" maxLength={chars} data-testid={testid} value={value} onChange={(event) => onChange(event.target.value)} />
    </div>
  );
}

interface CountProperties {
  label: string;
  value: number | null;
  most: number;
  testid: string;
  onChange: (count: number | null) => void;
}

function Count({ label, value, most, testid, onChange }: CountProperties) {
  const id = useId();
  const change = (text: string): void => {
    const count = Math.trunc(Number(text));
    if (text === "") onChange(null);
    else if (count >= 0 && count <= most) onChange(count);
  };
  return (
    <div className="member member-count">
      <label htmlFor={id}>{label}</label>
      <input id={id} type="number" min={0} max={most} data-testid={testid} value={value ?? ""} onChange={(event) => change(event.target.value)} />
    </div>
  );
}

function CasualtiesField() {
  const { t } = useTranslation();
  const field = useField("casualties");
  const titles = useFieldTitles();
  const value = { ...NO_CASUALTIES, ...field.value };
  return (
    <FieldFrame field={field} label={t("field.casualties")} show={(one) => valueText("casualties", one, titles)}>
      <div className="members">
        {CASUALTY_KINDS.map((kind) => (
          <Count
            key={kind}
            label={t(`field.casualties_of.${kind}`)}
            value={value[kind]}
            most={COUNT_MAX}
            testid={`casualties-${kind}`}
            onChange={(count) => field.edit({ ...value, [kind]: count })}
          />
        ))}
      </div>
    </FieldFrame>
  );
}

function RemoveButton({ label, testid, onRemove }: { label: string; testid: string; onRemove: () => void }) {
  return (
    <button type="button" className="icon-button" aria-label={label} title={label} data-testid={testid} onClick={onRemove}>
      <Icon name="close" size={16} />
    </button>
  );
}

function PersonField({ name, place, onRemoved }: { name: PersonName; place: number; onRemoved: () => void }) {
  const { t } = useTranslation();
  const id = useId();
  const field = useField(name);
  const value: Person = { ...NO_PERSON, ...field.value };
  const change = (part: Partial<Person>): void => field.edit({ ...value, ...part });
  const remove = (): void => {
    field.choose(null);
    onRemoved();
  };
  return (
    <FieldFrame field={field} label={t("field.person_number", { place })} show={(one) => valueText(name, one, (code) => code)}>
      <div className="members" data-testid="person">
        <div className="member">
          <label htmlFor={id}>{t("person_field.role")}</label>
          <select
            id={id}
            data-testid="person-role"
            value={value.role}
            onChange={(event) => field.choose({ ...value, role: event.target.value as PersonRole })}
          >
            {PERSON_ROLES.map((role) => (
              <option key={role} value={role}>
                {t(`person_role.${role}`)}
              </option>
            ))}
          </select>
        </div>
        <Text label={t("person_field.name")} value={value.name} testid="person-name" onChange={(text) => change({ name: text })} />
        <Count label={t("person_field.age")} value={value.age} most={AGE_MAX} testid="person-age" onChange={(age) => change({ age })} />
        <Text
          label={t("person_field.number")}
          value={value.number ?? ""}
          chars={64}
          testid="person-number"
          onChange={(text) => change({ number: text === "" ? null : text })}
        />
        <Text
          label={t("person_field.condition")}
          value={value.condition}
          chars={2_000}
          testid="person-condition"
          onChange={(text) => change({ condition: text })}
        />
        <Text
          label={t("person_field.description")}
          value={value.description}
          chars={2_000}
          testid="person-description"
          onChange={(text) => change({ description: text })}
        />
        <RemoveButton label={t("field.remove_person", { place })} testid="person-remove" onRemove={remove} />
      </div>
    </FieldFrame>
  );
}

const VEHICLE_PARTS = ["plate", "make", "colour", "vin", "description"] as const;

function VehicleField({ name, place, onRemoved }: { name: VehicleName; place: number; onRemoved: () => void }) {
  const { t } = useTranslation();
  const field = useField(name);
  const value: Vehicle = { ...NO_VEHICLE, ...field.value };
  const remove = (): void => {
    field.choose(null);
    onRemoved();
  };
  return (
    <FieldFrame field={field} label={t("field.vehicle_number", { place })} show={(one) => valueText(name, one, (code) => code)}>
      <div className="members" data-testid="vehicle">
        {VEHICLE_PARTS.map((part) => (
          <Text
            key={part}
            label={t(`vehicle_field.${part}`)}
            value={value[part]}
            chars={part === "vin" || part === "plate" ? 64 : 200}
            testid={`vehicle-${part}`}
            onChange={(text) => field.edit({ ...value, [part]: text })}
          />
        ))}
        <RemoveButton label={t("field.remove_vehicle", { place })} testid="vehicle-remove" onRemove={remove} />
      </div>
    </FieldFrame>
  );
}

/** Those that the server knows, and those begun here that it does not know yet. */
function useEntities<K extends "person" | "vehicle">(
  kind: K,
): { names: `${K}:${string}`[]; add: () => void; remove: (name: string) => void } {
  const { card } = useOpenCardContext();
  const [begun, setBegun] = useState<`${K}:${string}`[]>([]);
  const [removed, setRemoved] = useState<ReadonlySet<string>>(new Set());
  const known = entitiesOf(card.fields, kind);
  const names = [...known, ...begun.filter((name) => !known.includes(name))].filter((name) => !removed.has(name));
  return {
    names,
    add: () => setBegun([...begun, newEntity(kind)]),
    remove: (name) => setRemoved(new Set([...removed, name])),
  };
}

function NumbersField() {
  const { t } = useTranslation();
  const field = useField("callback_numbers");
  const numbers = field.value ?? [];
  const [typed, setTyped] = useState("");
  const change = (place: number, part: Partial<CallbackNumber>): void =>
    field.edit(numbers.map((one, index) => (index === place ? { ...one, ...part } : one)));
  const add = (): void => {
    if (typed.trim() !== "") field.choose([...numbers, { number: typed.trim(), note: "" }]);
    setTyped("");
  };
  const show = (value: FieldValues["callback_numbers"] | null): string => valueText("callback_numbers", value, (code) => code);
  return (
    <FieldFrame field={field} label={t("field.callback_numbers")} show={show}>
      {numbers.map((one, place) => (
        // A number has no other name than its place.
        <div key={`${place}-${one.number}`} className="members" data-testid="callback-number">
          <strong className="digits">{readableNumber(one.number)}</strong>
          <Text label={t("field.note")} value={one.note} testid="callback-note" onChange={(note) => change(place, { note })} />
          <RemoveButton
            label={t("field.remove_number", { number: one.number })}
            testid="callback-remove"
            onRemove={() => field.choose(numbers.filter((_, index) => index !== place))}
          />
        </div>
      ))}
      <input
        type="tel"
        aria-label={t("field.add_number")}
        placeholder={t("field.add_number")}
        maxLength={64}
        data-testid="callback-add"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={add}
        onKeyDown={(event) => {
          if (event.key === "Enter") add();
        }}
      />
    </FieldFrame>
  );
}

export function PeopleSection() {
  const { t } = useTranslation();
  const persons = useEntities("person");
  const vehicles = useEntities("vehicle");
  return (
    <section className="card-part" aria-labelledby="people-section" data-testid="section-people">
      <h3 id="people-section">
        <Icon name="people" /> {t("section.people")}
      </h3>
      <CasualtiesField />
      {persons.names.map((name, index) => (
        <PersonField key={name} name={name} place={index + 1} onRemoved={() => persons.remove(name)} />
      ))}
      {vehicles.names.map((name, index) => (
        <VehicleField key={name} name={name} place={index + 1} onRemoved={() => vehicles.remove(name)} />
      ))}
      <NumbersField />
      <div className="part-actions">
        <button type="button" className="button button-small" data-testid="person-add" onClick={persons.add}>
          <Icon name="add" size={16} /> {t("field.add_person")}
        </button>
        <button type="button" className="button button-small" data-testid="vehicle-add" onClick={vehicles.add}>
          <Icon name="add" size={16} /> {t("field.add_vehicle")}
        </button>
      </div>
    </section>
  );
}
