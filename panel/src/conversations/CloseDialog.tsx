/** Ends a conversation, with what came of it. */

import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { closeConversation, type Conversation } from "../api/conversations";
import { attempt, useCatalogue, useMessaging, useSession } from "../app/session";
import { readableNumber } from "../shared/format";
import { Dialog } from "../shared/Dialog";
import { titleOf } from "../talk/directory";

export function CloseDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const { t } = useTranslation();
  const session = useSession();
  const id = useId();
  const { dispositions } = useCatalogue();
  const { keep_open_h: hours } = useMessaging();
  const [disposition, setDisposition] = useState("");
  const [busy, setBusy] = useState(false);
  const close = async (): Promise<void> => {
    setBusy(true);
    const code = disposition === "" ? null : disposition;
    const done = await attempt(session, () => closeConversation(conversation.conversation_id, code));
    setBusy(false);
    if (done) onClose();
  };
  return (
    <Dialog
      title={t("texts.close_title", { who: readableNumber(conversation.citizen) })}
      onClose={onClose}
      testid="text-close-dialog"
    >
      <p>{t("texts.close_hint", { hours })}</p>
      <p className="text-close-field">
        <label htmlFor={id}>{t("texts.disposition")}</label>
        <select
          id={id}
          data-testid="text-disposition"
          value={disposition}
          onChange={(event) => setDisposition(event.target.value)}
        >
          <option value="">–</option>
          {dispositions
            .filter((one) => one.active !== false)
            .map((one) => (
              <option key={one.code} value={one.code}>
                {titleOf(one.titles, one.code)}
              </option>
            ))}
        </select>
      </p>
      <div className="dialog-actions">
        <button
          type="button"
          className="button button-primary"
          disabled={busy}
          data-testid="text-close-confirm"
          onClick={() => void close()}
        >
          {t("texts.close")}
        </button>
        <button type="button" className="button" onClick={onClose}>
          {t("common.cancel")}
        </button>
      </div>
    </Dialog>
  );
}
