/** Makes an API key, and shows it this once. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../shared/Dialog";
import { addKey } from "./keys-api";
import { refusal } from "./person-form";

interface Properties {
  scopes: readonly string[];
  onClose: () => void;
  /** A key was made; the dialog stays until its token was taken. */
  onMade: () => void;
}

export function KeyDialog({ scopes, onClose, onMade }: Properties) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [service, setService] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [token, setToken] = useState<string | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const choose = (scope: string, on: boolean): void => {
    setChosen(on ? [...chosen, scope] : chosen.filter((other) => other !== scope));
  };
  const make = async (): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      const code = service.trim();
      setToken(await addKey({ name: name.trim(), scopes: chosen, ...(code === "" ? {} : { service: code }) }));
      onMade();
    } catch (error) {
      setFailure(refusal(error));
    }
    setBusy(false);
  };
  if (token !== null) {
    return (
      <Dialog title={t("keys.made_title")} onClose={onClose} testid="key-made">
        <p>{t("keys.made_hint")}</p>
        <label>
          {t("keys.token")}
          <input readOnly className="text" value={token} data-testid="key-token" onFocus={(event) => event.target.select()} />
        </label>
        <div className="dialog-actions">
          <button type="button" className="button button-primary" data-testid="key-taken" onClick={onClose}>
            {t("keys.taken")}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t("keys.add")} onClose={onClose} testid="key-dialog">
      <form
        className="person-form"
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <label>
          {t("keys.name")}
          <input className="text" value={name} autoComplete="off" data-testid="key-name" onChange={(event) => setName(event.target.value)} />
        </label>
        <label>
          {t("keys.service")}
          <input className="text" value={service} autoComplete="off" data-testid="key-service" onChange={(event) => setService(event.target.value)} />
        </label>
        <fieldset>
          <legend>{t("keys.scopes")}</legend>
          {scopes.map((scope) => (
            <label key={scope} className="tick">
              <input
                type="checkbox"
                checked={chosen.includes(scope)}
                data-testid={`key-scope-${scope}`}
                onChange={(event) => choose(scope, event.target.checked)}
              />
              <code>{scope}</code>
            </label>
          ))}
        </fieldset>
        {failure !== null && (
          <p role="alert" className="problem-error" data-testid="key-failed">
            {failure}
          </p>
        )}
        <div className="dialog-actions">
          <button
            type="submit"
            className="button button-primary"
            disabled={busy || name.trim() === "" || chosen.length === 0}
            data-testid="key-make"
          >
            {t("keys.make")}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {t("common.cancel")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
