/** Asks somebody who does not work on a card why they read it, before it is shown. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { REASON_MAX } from "../api/reasons";
import { Dialog } from "../shared/Dialog";

interface Properties {
  onGive: (reason: string) => void;
  onClose: () => void;
}

export function ReasonDialog({ onGive, onClose }: Properties) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  const text = reason.trim();
  return (
    <Dialog title={t("reason.title")} onClose={onClose} testid="reason-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text !== "") onGive(text);
        }}
      >
        <p>{t("reason.text")}</p>
        <label>
          {t("reason.why")}
          <input
            value={reason}
            maxLength={REASON_MAX}
            autoComplete="off"
            data-testid="reason-why"
            onChange={(event) => setReason(event.target.value)}
          />
        </label>
        <div className="dialog-actions">
          <button type="submit" className="button button-primary" disabled={text === ""} data-testid="reason-give">
            {t("reason.give")}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {t("common.cancel")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
