import { useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, Unreachable } from "../api/http";
import { login } from "../api/session";
import type { Account } from "../api/types";
import { changeLanguage } from "../i18n";
import { Icon } from "../shared/Icon";
import { LanguageSwitch } from "./LanguageSwitch";

interface Properties {
  /** The session ended under way: whose, and that the work on screen is kept. */
  expiredLogin: string | null;
  onLogin: (account: Account) => Promise<void>;
}

/** The key of the sentence for a refused login. */
function failureKey(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) return "login.wrong";
  if (error instanceof ApiError && error.status === 429) return "login.throttled";
  if (error instanceof Unreachable) return "login.unreachable";
  return "login.failed";
}

export function Login({ expiredLogin, onLogin }: Properties) {
  const { t } = useTranslation();
  const [name, setName] = useState(expiredLogin ?? "");
  const [password, setPassword] = useState("");
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      await onLogin(await login(name.trim(), password));
    } catch (error) {
      setFailure(failureKey(error));
      setPassword("");
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className="login">
      <form
        className="login-box"
        data-testid="login-form"
        onSubmit={(event: SubmitEvent) => {
          event.preventDefault();
          void submit();
        }}
      >
        <header className="login-head">
          <span className="brand" aria-hidden="true">112</span>
          <h1>{t("login.title")}</h1>
          <LanguageSwitch onChange={(language) => void changeLanguage(language)} />
        </header>
        {expiredLogin !== null && (
          <p className="notice" data-testid="session-expired">
            <Icon name="info" /> {t("login.expired")}
          </p>
        )}
        <label>
          {t("login.name")}
          <input
            data-testid="login-name"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            // The only thing to do on this screen is to type here.
            // eslint-disable-next-line jsx-a11y/no-autofocus
            autoFocus={expiredLogin === null}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <label>
          {t("login.password")}
          <input
            data-testid="login-password"
            type="password"
            autoComplete="current-password"
            required
            // eslint-disable-next-line jsx-a11y/no-autofocus
            autoFocus={expiredLogin !== null}
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        <p className="login-failure" role="alert" data-testid="login-error">
          {failure !== null && (
            <>
              <Icon name="warning" /> {t(failure)}
            </>
          )}
        </p>
        <button type="submit" className="button button-primary" disabled={busy} data-testid="login-submit">
          {t(busy ? "login.busy" : "login.submit")}
        </button>
      </form>
    </main>
  );
}
