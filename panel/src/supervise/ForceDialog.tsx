/** A supervisor's word over a colleague's seat, said once more before it is done. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { forcePresence } from "../api/agent";
import type { AgentMsg, PresenceKind } from "../api/types";
import { attempt, useSession } from "../app/session";
import { Dialog } from "../shared/Dialog";

interface Properties {
  agent: AgentMsg;
  kind: Exclude<PresenceKind, "not_ready">;
  onDone: () => void;
  onClose: () => void;
}

/** As much as the server keeps. */
const COMMENT_MAX = 500;

export function ForceDialog({ agent, kind, onDone, onClose }: Properties) {
  const { t } = useTranslation();
  const session = useSession();
  const [comment, setComment] = useState("");
  const force = async (): Promise<void> => {
    if (await attempt(session, () => forcePresence(agent.agent_id, kind, comment.trim()))) {
      onDone();
      onClose();
    }
  };
  const who = agent.name;
  return (
    <Dialog title={t(`force.${kind}_title`, { who })} onClose={onClose} testid="force-dialog">
      <p>{t(`force.${kind}_text`, { who })}</p>
      {agent.state === "talking" && <p data-testid="force-talking">{t("force.talking")}</p>}
      <label>
        {t("force.why")}
        <input
          value={comment}
          maxLength={COMMENT_MAX}
          data-testid="force-comment"
          onChange={(event) => setComment(event.target.value)}
        />
      </label>
      <div className="dialog-actions">
        <button type="button" className="button button-primary" data-testid="force-confirm" onClick={() => void force()}>
          {t(`force.${kind}`)}
        </button>
        <button type="button" className="button" data-testid="force-cancel" onClick={onClose}>
          {t("common.cancel")}
        </button>
      </div>
    </Dialog>
  );
}
