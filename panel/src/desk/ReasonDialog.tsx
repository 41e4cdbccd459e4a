/** Why help cannot come, or comes late: a coded reason, and a sentence where it is needed. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../shared/Dialog";
import type { Names } from "../services/names";

const NOTE_MAX = 500;

interface Properties {
  title: string;
  reasons: readonly string[];
  names: Names;
  onChosen: (reason: string, note: string) => void;
  onClose: () => void;
}

export function ReasonDialog({ title, reasons, names, onChosen, onClose }: Properties) {
  const { t } = useTranslation();
  const [reason, setReason] = useState<string | null>(null);
  const [note, setNote] = useState("");
  return (
    <Dialog title={title} onClose={onClose} testid="reason-dialog">
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (reason !== null) onChosen(reason, note.trim());
        }}
      >
        <fieldset>
          <legend>{t("desk.reason")}</legend>
          {reasons.map((code) => (
            <label key={code}>
              <input
                type="radio"
                name="reason"
                checked={reason === code}
                data-testid={`reason-${code}`}
                onChange={() => setReason(code)}
              />
              {names.reason(code)}
            </label>
          ))}
        </fieldset>
        <label>
          {t("desk.note")}
          <textarea
            value={note}
            maxLength={NOTE_MAX}
            rows={3}
            data-testid="reason-note"
            onChange={(event) => setNote(event.target.value)}
          />
        </label>
        <div className="dialog-actions">
          <button type="submit" className="button button-primary" disabled={reason === null} data-testid="reason-submit">
            {t("desk.send")}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {t("common.cancel")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
