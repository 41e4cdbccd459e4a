/** Login or workplace; a session that ends under way hides the workplace but does not end it. */

import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, onSessionLost } from "../api/http";
import { fetchMe } from "../api/session";
import type { Me } from "../api/types";
import { changeLanguage } from "../i18n";
import { Workplace } from "../workplace/Workplace";
import { Login } from "./Login";

type Stage =
  | { kind: "loading" }
  | { kind: "unreachable" }
  | { kind: "anonymous" }
  /** `generation` counts logins; another person gets a workplace of their own. */
  | { kind: "working"; me: Me; expired: boolean; generation: number };

const RETRY_MS = 3_000;

function afterLogin(stage: Stage, me: Me): Stage {
  if (stage.kind !== "working") return { kind: "working", me, expired: false, generation: 1 };
  const same = stage.me.account.login === me.account.login;
  const generation = same ? stage.generation : stage.generation + 1;
  return { kind: "working", me: same ? stage.me : me, expired: false, generation };
}

export function App() {
  const { t } = useTranslation();
  const [stage, setStage] = useState<Stage>({ kind: "loading" });

  const enter = useCallback(async (): Promise<void> => {
    const me = await fetchMe();
    await changeLanguage(me.account.language);
    setStage((old) => afterLogin(old, me));
  }, []);

  useEffect(() => {
    if (stage.kind !== "loading" && stage.kind !== "unreachable") return undefined;
    const start = async (): Promise<void> => {
      try {
        await enter();
      } catch (error) {
        const refused = error instanceof ApiError && error.status === 401;
        setStage({ kind: refused ? "anonymous" : "unreachable" });
      }
    };
    const timer = window.setTimeout(() => void start(), stage.kind === "loading" ? 0 : RETRY_MS);
    return () => window.clearTimeout(timer);
  }, [stage, enter]);

  useEffect(
    () =>
      onSessionLost(() =>
        setStage((old) => (old.kind === "working" ? { ...old, expired: true } : { kind: "anonymous" })),
      ),
    [],
  );

  if (stage.kind === "loading") return <p className="splash">{t("app.loading")}</p>;
  if (stage.kind === "unreachable") {
    return (
      <p className="splash" role="alert" data-testid="unreachable">
        {t("app.unreachable")}
      </p>
    );
  }
  if (stage.kind === "anonymous") return <Login expiredLogin={null} onLogin={enter} />;
  return (
    <>
      {stage.expired && <Login expiredLogin={stage.me.account.login} onLogin={enter} />}
      {/* Hidden, not removed: the call goes on and typed notes stay. */}
      <div hidden={stage.expired} className="app">
        <Workplace
          key={stage.generation}
          me={stage.me}
          expired={stage.expired}
          onLogout={() => setStage({ kind: "anonymous" })}
        />
      </div>
    </>
  );
}
