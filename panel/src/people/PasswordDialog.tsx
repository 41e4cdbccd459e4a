/** A new password for somebody; it ends all sessions of that person. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../shared/Dialog";
import { passwordComplaint, refusal } from "./person-form";
import { PersonField } from "./PersonField";

interface Properties {
  login: string;
  name: string;
  send: (password: string) => Promise<void>;
  onClose: () => void;
  onDone: () => void;
}

export function PasswordDialog({ login, name, send, onClose, onDone }: Properties) {
  const { t } = useTranslation();
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  const [left, setLeft] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const code = passwordComplaint(password, login);
  const submit = async (): Promise<void> => {
    setLeft(true);
    if (code !== null) return;
    setBusy(true);
    try {
      await send(password);
      onDone();
    } catch (error) {
      setBusy(false);
      setFailure(refusal(error));
    }
  };
  return (
    <Dialog title={t("people.password_title", { name })} onClose={onClose} testid="password-dialog">
      <p className="hint">{t("people.password_hint")}</p>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <PersonField name="password" complaint={failure ?? (left && code !== null ? t(`people.complaint.${code}`) : null)}>
          {(wiring) => (
            <input
              {...wiring}
              type={shown ? "text" : "password"}
              className="text"
              autoComplete="new-password"
              value={password}
              onChange={(event) => {
                setPassword(event.target.value);
                setFailure(null);
              }}
              onBlur={() => setLeft(password !== "")}
            />
          )}
        </PersonField>
        <label className="tick">
          <input type="checkbox" checked={shown} onChange={(event) => setShown(event.target.checked)} />
          {t("people.password_show")}
        </label>
        <div className="dialog-actions">
          <button type="submit" className="button button-primary" disabled={busy} data-testid="password-save">
            {t("people.password_set")}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {t("document.cancel")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
