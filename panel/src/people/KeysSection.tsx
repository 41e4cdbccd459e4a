/** The keys by which other systems use the API: listed, made, revoked. */

import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../shared/Dialog";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { KeyDialog } from "./KeyDialog";
import { fetchKeys, revokeKey, type ApiKey, type Keys } from "./keys-api";
import { refusal } from "./person-form";

type Task = { kind: "add" } | { kind: "revoke"; key: ApiKey };

function KeyRow({ apiKey, onRevoke }: { apiKey: ApiKey; onRevoke: () => void }) {
  const { t } = useTranslation();
  const { name, service, scopes, last_used_at: used, revoked_at: revoked, expires_at: expires } = apiKey;
  return (
    <tr data-testid="key" data-key={apiKey.key_id}>
      <th scope="row">
        {name} {service !== null && <span className="chip">{service}</span>}
      </th>
      <td>
        <code>{scopes.join(", ")}</code>
      </td>
      <td>{used === null ? <span className="faint">{t("keys.never")}</span> : <Moment at={used} />}</td>
      <td>
        {revoked !== null && t("keys.revoked")}
        {revoked === null && (expires === null ? t("keys.valid") : <Moment at={expires} />)}
      </td>
      <td className="person-actions">
        <button
          type="button"
          className="button button-small"
          aria-label={t("keys.revoke_of", { name })}
          disabled={revoked !== null}
          data-testid="key-revoke"
          onClick={onRevoke}
        >
          {t("keys.revoke")}
        </button>
      </td>
    </tr>
  );
}

function RevokeDialog({ apiKey, onClose, onDone }: { apiKey: ApiKey; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const [error, setError] = useState<unknown>(null);
  return (
    <Dialog title={t("keys.revoke_title", { name: apiKey.name })} onClose={onClose} testid="key-revoke-dialog">
      <p>{t("keys.revoke_hint")}</p>
      {error !== null && (
        <p role="alert" className="problem-error">
          {refusal(error)}
        </p>
      )}
      <div className="dialog-actions">
        <button
          type="button"
          className="button button-primary"
          data-testid="key-revoke-confirm"
          onClick={() => void revokeKey(apiKey.key_id).then(onDone, setError)}
        >
          {t("keys.revoke")}
        </button>
        <button type="button" className="button" onClick={onClose}>
          {t("common.cancel")}
        </button>
      </div>
    </Dialog>
  );
}

export function KeysSection() {
  const { t } = useTranslation();
  const [listed, setListed] = useState<Keys | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [task, setTask] = useState<Task | null>(null);
  const read = useCallback(async (): Promise<void> => {
    try {
      setListed(await fetchKeys());
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  }, []);
  useEffect(() => {
    const timer = window.setTimeout(() => void read(), 0);
    return () => window.clearTimeout(timer);
  }, [read]);
  const close = useCallback(() => setTask(null), []);
  return (
    <section aria-labelledby="keys-title" data-testid="keys">
      <h3 id="keys-title">
        <Icon name="link" size={18} /> {t("keys.title")}
      </h3>
      <p className="field-help">{t("keys.about")}</p>
      {error !== null && (
        <div role="alert" data-testid="keys-failed">
          <p>{refusal(error)}</p>
          <button type="button" className="button" onClick={() => void read()}>
            {t("common.retry")}
          </button>
        </div>
      )}
      {listed !== null && listed.keys.length > 0 && (
        <table className="people-table">
          <thead>
            <tr>
              {["name", "scopes", "used", "until", "actions"].map((name) => (
                <th key={name} scope="col">
                  {t(`keys.column.${name}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {listed.keys.map((key) => (
              <KeyRow key={key.key_id} apiKey={key} onRevoke={() => setTask({ kind: "revoke", key })} />
            ))}
          </tbody>
        </table>
      )}
      {listed !== null && listed.keys.length === 0 && <p className="faint">{t("keys.none")}</p>}
      <button
        type="button"
        className="button button-small"
        disabled={listed === null}
        data-testid="key-add"
        onClick={() => setTask({ kind: "add" })}
      >
        <Icon name="add" size={16} /> {t("keys.add")}
      </button>
      {task?.kind === "add" && listed !== null && (
        <KeyDialog scopes={listed.scopes} onClose={close} onMade={() => void read()} />
      )}
      {task?.kind === "revoke" && (
        <RevokeDialog
          apiKey={task.key}
          onClose={close}
          onDone={() => {
            close();
            void read();
          }}
        />
      )}
    </section>
  );
}
