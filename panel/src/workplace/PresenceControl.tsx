/** Ready, not ready with a reason, off; and what the server makes of it, with a running clock. */

import i18next from "i18next";
import { useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { NOT_READY_REASONS, type AgentMsg, type Presence } from "../api/types";
import { useLive, useSession } from "../app/session";
import { translateCode } from "../i18n";
import { ownAgent } from "../live/state";
import { Icon } from "../shared/Icon";
import { Age } from "../shared/Time";
import { changePresence } from "./actions";

/** The reason if one was given, which says it better than the kind. */
function presenceText({ kind, reason }: Presence): string {
  if (reason === null) return i18next.t(`presence.${kind}`);
  return translateCode("presence.reason", reason, reason);
}

function OwnState({ agent }: { agent: AgentMsg }) {
  const { t } = useTranslation();
  const reason = agent.state === "not_ready" && agent.presence.reason !== null;
  const pending = agent.presence_pending;
  return (
    <div className="own-state" data-testid="own-state" data-state={agent.state}>
      <span className={`dot dot-${agent.state}`} aria-hidden="true" />
      <strong role="status">
        {t(`agent.${agent.state}`)}
        {reason && `: ${presenceText(agent.presence)}`}
      </strong>
      <Age since={agent.since} />
      {agent.contacts.length > 0 && (
        <span className="texts" data-testid="text-count">
          <Icon name="message" size={16} /> {t("presence.texts", { texts: agent.contacts.length })}
        </span>
      )}
      {pending && (
        <span className="pending" data-testid="presence-pending">
          {t("presence.pending", { presence: presenceText(pending) })}
        </span>
      )}
    </div>
  );
}

/** Arrow keys walk through the menu, as in any menu. */
function walk(event: KeyboardEvent<HTMLDivElement>): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  const items = [...event.currentTarget.querySelectorAll("button")];
  const at = items.findIndex((item) => item === document.activeElement);
  const step = event.key === "ArrowDown" ? 1 : -1;
  items[(at + step + items.length) % items.length]?.focus();
}

function ReasonMenu({ pressed }: { pressed: boolean }) {
  const { t } = useTranslation();
  const session = useSession();
  const [open, setOpen] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    trigger.current?.focus();
  };
  return (
    <div
      className="menu"
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <button
        ref={trigger}
        type="button"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-pressed={pressed}
        data-testid="presence-not-ready"
        onClick={() => setOpen(!open)}
      >
        <Icon name="pause" /> {t("presence.not_ready")} <span aria-hidden="true">▾</span>
      </button>
      {open && (
        <div className="menu-items" role="menu" tabIndex={-1} aria-label={t("presence.why")} onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.preventDefault();
            close();
          } else walk(event);
        }}>
          {NOT_READY_REASONS.map((reason, index) => (
            <button
              key={reason}
              type="button"
              role="menuitem"
              // The menu was asked for a moment ago; its first item is where the keyboard goes on.
              // eslint-disable-next-line jsx-a11y/no-autofocus
              autoFocus={index === 0}
              data-testid={`presence-reason-${reason}`}
              onClick={() => {
                close();
                void changePresence(session, "not_ready", reason);
              }}
            >
              {t(`presence.reason.${reason}`)}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

export function PresenceControl() {
  const { t } = useTranslation();
  const session = useSession();
  const agent = ownAgent(useLive());
  if (session.me.agent === null) return null;
  const kind = agent?.presence.kind;
  return (
    <>
      <div className="presence" role="group" aria-label={t("presence.title")}>
        <button
          type="button"
          aria-pressed={kind === "ready"}
          data-testid="presence-ready"
          onClick={() => void changePresence(session, "ready")}
        >
          <Icon name="check" /> {t("presence.ready")}
        </button>
        <ReasonMenu pressed={kind === "not_ready"} />
        <button
          type="button"
          aria-pressed={kind === "off"}
          data-testid="presence-off"
          onClick={() => void changePresence(session, "off")}
        >
          {t("presence.off")}
        </button>
      </div>
      {agent && <OwnState agent={agent} />}
    </>
  );
}
