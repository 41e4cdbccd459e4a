/** Around every field of a card: its name, whether it is saved, who else is in it, a conflict. */

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { FieldName } from "../api/types";
import { currentLanguage, translateCode } from "../i18n";
import type { Resolution, SaveState } from "../saving/saver";
import { clockTime } from "../shared/format";
import { Icon, type IconName } from "../shared/Icon";
import { useOpenCardContext, type FieldHandle } from "./open-card";

const ICONS: Partial<Record<SaveState<unknown>["kind"], IconName>> = {
  saved: "check",
  retrying: "warning",
  login_needed: "warning",
  refused: "warning",
  conflict: "warning",
};

/** Saving must be seen, not announced; only what needs a person is said aloud. */
export function SaveMark({ state }: { state: SaveState<unknown> }) {
  const { t } = useTranslation();
  const icon = ICONS[state.kind];
  const loud = icon === "warning";
  const time = state.kind === "saved" ? clockTime(currentLanguage(), state.at) : "";
  const refusal = state.kind === "refused" ? ` ${translateCode("refused", state.code, state.code)}` : "";
  const text = `${t(`notes.${state.kind}`, { time })}${refusal}`;
  return (
    <span
      className={`save-mark notes-state notes-state-${state.kind}`}
      role={loud ? "alert" : undefined}
      title={text}
      data-testid="save-mark"
      data-state={state.kind}
    >
      {icon && <Icon name={icon} size={14} />}
      <span className={loud ? undefined : "visually-hidden"}>{state.kind === "clean" ? "" : text}</span>
    </span>
  );
}

/** Colleagues whose cursor is in this field. */
export function OthersHere({ field }: { field: string }) {
  const { t } = useTranslation();
  const { others } = useOpenCardContext();
  return others
    .filter((person) => person.field === field)
    .map((person) => (
      <span key={person.login} className="chip chip-person" data-testid="field-person">
        <Icon name="person" size={14} /> {t("field.also_here", { name: person.name })}
      </span>
    ));
}

const KEPT: readonly Resolution[] = ["mine", "theirs"];

interface ConflictProperties<N extends FieldName> {
  field: FieldHandle<N>;
  show: (value: FieldHandle<N>["value"]) => string;
}

function Conflict<N extends FieldName>({ field, show }: ConflictProperties<N>) {
  const { t } = useTranslation();
  if (field.state.kind !== "conflict") return null;
  const { theirs } = field.state;
  const author = theirs.author ?? t("notes.colleague");
  return (
    <div className="conflict" role="group" aria-label={t("field.conflict")} data-testid="field-conflict" data-field={field.name}>
      <div className="conflict-texts">
        <div>
          <h4>{t("notes.mine_title")}</h4>
          <pre data-testid="conflict-mine">{show(field.value) || "–"}</pre>
        </div>
        <div>
          <h4>{t("notes.theirs_title", { author })}</h4>
          <pre data-testid="conflict-theirs">{show(theirs.value) || "–"}</pre>
        </div>
      </div>
      <div className="dialog-actions">
        {KEPT.map((resolution) => (
          <button
            key={resolution}
            type="button"
            className="button"
            data-testid={`conflict-keep-${resolution}`}
            onClick={() => field.saver.resolve(resolution)}
          >
            {t(`notes.keep_${resolution}`)}
          </button>
        ))}
      </div>
    </div>
  );
}

interface Properties<N extends FieldName> extends ConflictProperties<N> {
  label: string;
  /** The id of the input that the label is for; absent where the frame holds several. */
  inputId?: string;
  children: ReactNode;
}

export function FieldFrame<N extends FieldName>({ field, label, inputId, show, children }: Properties<N>) {
  const { enter } = useOpenCardContext();
  const leave = (): void => {
    field.saver.flush();
    enter(null);
  };
  const head = (
    <>
      {inputId === undefined ? <span className="field-label">{label}</span> : <label htmlFor={inputId}>{label}</label>}
      <OthersHere field={field.name} />
      <SaveMark state={field.state} />
    </>
  );
  return (
    <div
      className="card-field"
      role={inputId === undefined ? "group" : undefined}
      aria-label={inputId === undefined ? label : undefined}
      data-testid="card-field"
      data-field={field.name}
      onFocus={() => enter(field.name)}
      onBlur={leave}
    >
      <div className="card-field-head">{head}</div>
      <Conflict field={field} show={show} />
      {children}
    </div>
  );
}
