/** What happened: type, urgency, one sentence, and the questions that the type asks. */

import { useId } from "react";
import { useTranslation } from "react-i18next";
import { useCatalogue } from "../app/session";
import { Combobox } from "../shared/Combobox";
import { Icon } from "../shared/Icon";
import { FieldFrame } from "./FieldFrame";
import { titleIn, typeOptions } from "./field-values";
import { useField } from "./open-card";
import { Questions } from "./Questions";

/** EIDO: 0 to 10, 10 the highest. */
const PRIORITIES = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0] as const;
const SUMMARY_CHARS_MAX = 200;

function TypeField() {
  const { t } = useTranslation();
  const id = useId();
  const { types } = useCatalogue();
  const field = useField("type");
  return (
    <FieldFrame field={field} label={t("field.type")} inputId={id} show={(code) => (code ? titleIn(types, code) : "")}>
      <Combobox
        id={id}
        options={typeOptions(types)}
        value={field.value}
        placeholder={t("field.type_placeholder")}
        testid="field-type"
        onChoose={field.choose}
      />
    </FieldFrame>
  );
}

function PriorityField() {
  const { t } = useTranslation();
  const id = useId();
  const field = useField("priority");
  return (
    <FieldFrame field={field} label={t("field.priority")} inputId={id} show={(value) => (value === null ? "" : String(value))}>
      <select
        id={id}
        data-testid="field-priority"
        value={field.value ?? ""}
        onChange={(event) => field.choose(event.target.value === "" ? null : Number(event.target.value))}
      >
        <option value="">–</option>
        {PRIORITIES.map((value) => (
          <option key={value} value={value}>
            {value}
            {value === 10 && ` (${t("field.priority_highest")})`}
          </option>
        ))}
      </select>
    </FieldFrame>
  );
}

function SummaryField() {
  const { t } = useTranslation();
  const id = useId();
  const field = useField("summary");
  return (
    <FieldFrame field={field} label={t("field.summary")} inputId={id} show={(value) => value ?? ""}>
      <input
        id={id}
        type="text"
        maxLength={SUMMARY_CHARS_MAX}
        placeholder={t("field.summary_placeholder")}
        data-testid="field-summary"
        value={field.value ?? ""}
        onChange={(event) => field.edit(event.target.value)}
      />
    </FieldFrame>
  );
}

function HazardsField() {
  const { t } = useTranslation();
  const { hazards } = useCatalogue();
  const field = useField("hazards");
  const chosen = field.value ?? [];
  // A code that the catalogue has lost stays, so that nobody takes it away unseen.
  const codes = [...new Set([...hazards.filter((one) => one.active !== false).map((one) => one.code), ...chosen])];
  if (codes.length === 0) return null;
  const toggle = (code: string): void =>
    field.choose(chosen.includes(code) ? chosen.filter((one) => one !== code) : [...chosen, code]);
  return (
    <FieldFrame
      field={field}
      label={t("field.hazards")}
      show={(value) => (value ?? []).map((code) => titleIn(hazards, code)).join(", ")}
    >
      <div className="options">
        {codes.map((code) => (
          <button
            key={code}
            type="button"
            className="option option-hazard"
            aria-pressed={chosen.includes(code)}
            data-testid="hazard"
            data-code={code}
            onClick={() => toggle(code)}
          >
            {chosen.includes(code) && <Icon name="warning" size={14} />} {titleIn(hazards, code)}
          </button>
        ))}
      </div>
    </FieldFrame>
  );
}

function DispositionField() {
  const { t } = useTranslation();
  const id = useId();
  const { dispositions } = useCatalogue();
  const field = useField("disposition");
  if (dispositions.length === 0 && field.value === null) return null;
  return (
    <FieldFrame
      field={field}
      label={t("field.disposition")}
      inputId={id}
      show={(code) => (code ? titleIn(dispositions, code) : "")}
    >
      <select
        id={id}
        data-testid="field-disposition"
        value={field.value ?? ""}
        onChange={(event) => field.choose(event.target.value === "" ? null : event.target.value)}
      >
        <option value="">–</option>
        {dispositions
          .filter((one) => one.active !== false || one.code === field.value)
          .map((one) => (
            <option key={one.code} value={one.code}>
              {titleIn(dispositions, one.code)}
            </option>
          ))}
      </select>
    </FieldFrame>
  );
}

export function WhatSection() {
  const { t } = useTranslation();
  return (
    <section className="card-part" aria-labelledby="what-title" data-testid="section-what">
      <h3 id="what-title">
        <Icon name="warning" /> {t("section.what")} <kbd aria-hidden="true">⇧F6</kbd>
      </h3>
      <div className="card-fields card-fields-type">
        <TypeField />
        <PriorityField />
      </div>
      <SummaryField />
      <Questions />
      <HazardsField />
      <DispositionField />
    </section>
  );
}
