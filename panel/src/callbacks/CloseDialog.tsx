/** Ends a call-back task by hand: what came of it, and why. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { closeCallback } from "../api/callbacks";
import { CLOSING_OUTCOMES, type CallbackTask, type ClosingOutcome } from "../api/types";
import { attempt, useSession } from "../app/session";
import { readableNumber } from "../shared/format";
import { Dialog } from "../shared/Dialog";

/** A sentence or two; the story belongs to the card's notes. */
const NOTE_MAX = 500;

export function CloseDialog({ task, onClose }: { task: CallbackTask; onClose: () => void }) {
  const { t } = useTranslation();
  const session = useSession();
  const [outcome, setOutcome] = useState<ClosingOutcome | null>(null);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (): Promise<void> => {
    if (outcome === null || busy) return;
    setBusy(true);
    const done = await attempt(session, () => closeCallback(task.task_id, outcome, note.trim()));
    setBusy(false);
    if (done) onClose();
  };
  return (
    <Dialog title={t("callback.close_title")} onClose={onClose} testid="callback-dialog">
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p className="digits">{task.number === null ? t("contact.no_number") : readableNumber(task.number)}</p>
        <fieldset>
          <legend>{t("callback.outcome_legend")}</legend>
          {CLOSING_OUTCOMES.map((value) => (
            <label key={value}>
              <input
                type="radio"
                name="outcome"
                value={value}
                checked={outcome === value}
                data-testid={`callback-outcome-${value}`}
                onChange={() => setOutcome(value)}
              />
              {t(`callback.outcome.${value}`)}
            </label>
          ))}
        </fieldset>
        <label>
          {t("callback.note")}
          <textarea
            value={note}
            maxLength={NOTE_MAX}
            rows={3}
            data-testid="callback-note"
            onChange={(event) => setNote(event.target.value)}
          />
        </label>
        <div className="dialog-actions">
          <button type="submit" className="button button-primary" disabled={outcome === null || busy} data-testid="callback-submit">
            {t("callback.close")}
          </button>
          <button type="button" className="button" onClick={onClose} data-testid="callback-cancel">
            {t("common.cancel")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
