import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { useSession } from "../app/session";
import { currentLanguage, translateCode } from "../i18n";
import type { Resolution, Saver, SaveState } from "../saving/saver";
import { clockTime } from "../shared/format";
import { Icon, type IconName } from "../shared/Icon";

const ICONS: Partial<Record<SaveState<string>["kind"], IconName>> = {
  saved: "check",
  retrying: "warning",
  login_needed: "warning",
  refused: "warning",
  conflict: "warning",
};

function useStateText(state: SaveState<string>): string {
  const { t } = useTranslation();
  switch (state.kind) {
    case "saved":
      return t("notes.saved", { time: clockTime(currentLanguage(), state.at) });
    case "refused":
      return `${t("notes.refused")} ${translateCode("refused", state.code, state.code)}`;
    default:
      return t(`notes.${state.kind}`);
  }
}

/** Saving must be seen, not announced: a voice that says "saved" twice a minute is switched off. */
function SaveState({ state }: { state: SaveState<string> }) {
  const text = useStateText(state);
  const icon = ICONS[state.kind];
  const loud = state.kind !== "saved" && icon !== undefined;
  return (
    <span
      className={`notes-state notes-state-${state.kind}`}
      role={loud ? "alert" : undefined}
      data-testid="notes-state"
      data-state={state.kind}
    >
      {icon && <Icon name={icon} size={16} />} {text}
    </span>
  );
}

const RESOLUTIONS: readonly Resolution[] = ["mine", "theirs", "join"];

function Conflict({ saver, mine, state }: { saver: Saver<string>; mine: string; state: Extract<SaveState<string>, { kind: "conflict" }> }) {
  const { t } = useTranslation();
  const author = state.theirs.author ?? t("notes.colleague");
  return (
    <div className="conflict" role="group" aria-label={t("notes.conflict")} data-testid="notes-conflict">
      <div className="conflict-texts">
        <div>
          <h4>{t("notes.mine_title")}</h4>
          <pre data-testid="conflict-mine">{mine}</pre>
        </div>
        <div>
          <h4>{t("notes.theirs_title", { author })}</h4>
          <pre data-testid="conflict-theirs">{state.theirs.value}</pre>
        </div>
      </div>
      <div className="dialog-actions">
        {RESOLUTIONS.map((resolution) => (
          <button
            key={resolution}
            type="button"
            className={resolution === "join" ? "button button-primary" : "button"}
            data-testid={`conflict-keep-${resolution}`}
            onClick={() => saver.resolve(resolution)}
          >
            {t(`notes.keep_${resolution}`)}
          </button>
        ))}
      </div>
    </div>
  );
}

export function NotesEditor({ saver }: { saver: Saver<string> }) {
  const { t } = useTranslation();
  const mayWrite = useSession().me.rights["cards.edit"];
  const { value: text, state } = useSyncExternalStore(saver.subscribe, saver.getView);
  return (
    <section className="notes" aria-labelledby="notes-title">
      <div className="notes-head">
        <h3 id="notes-title">
          <Icon name="note" /> {t("notes.title")} <kbd aria-hidden="true">F6</kbd>
        </h3>
        <SaveState state={state} />
      </div>
      {state.kind === "conflict" && <Conflict saver={saver} mine={text} state={state} />}
      <textarea
        aria-labelledby="notes-title"
        placeholder={mayWrite ? t("notes.placeholder") : undefined}
        readOnly={!mayWrite}
        data-testid="notes"
        value={text}
        onChange={(event) => saver.edit(event.target.value)}
        onBlur={() => saver.flush()}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
    </section>
  );
}
