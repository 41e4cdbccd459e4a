/** Listen, whisper, barge in, take over, stop: the same buttons in the list and in the bar. */

import { useTranslation } from "react-i18next";
import type { ContactMsg, MonitorMode } from "../api/types";
import { useLive, useSession } from "../app/session";
import { isText, ownAgent, ownContact, type LiveState } from "../live/state";
import { startMonitor, stopMonitor, takeOver } from "../workplace/actions";

const MODES: readonly MonitorMode[] = ["listen", "whisper", "barge"];

/** Why we cannot monitor this conversation, as a key of the translations; null if we can. */
export function hindrance(state: LiveState, contact: ContactMsg): string | null {
  const own = ownAgent(state);
  if (own === null) return "monitor.no_seat";
  if (!own.reachable) return "monitor.no_phone";
  if (isText(contact) || contact.state === "parachute" || contact.state === "dialling") return "monitor.not_possible";
  // Our own conversation comes before others'; one that we barged into is not in its own way.
  const talking = ownContact(state);
  return talking === null || talking.contact_id === contact.contact_id ? null : "monitor.talking";
}

export function MonitorControls({ contact, who }: { contact: ContactMsg; who: string }) {
  const { t } = useTranslation();
  const session = useSession();
  const state = useLive();
  const why = hindrance(state, contact);
  const monitoring = ownAgent(state)?.monitoring ?? null;
  const mode = monitoring?.contact_id === contact.contact_id ? monitoring.mode : null;
  return (
    <span className="monitor-buttons" role="group" aria-label={t("monitor.group", { who })}>
      {MODES.map((name) => (
        <button
          key={name}
          type="button"
          className="button button-small"
          aria-pressed={mode === name}
          disabled={why !== null}
          title={t(why ?? `monitor.${name}_hint`)}
          data-testid={`monitor-${name}`}
          onClick={() => void startMonitor(session, contact.contact_id, name)}
        >
          {t(`monitor.${name}`)}
        </button>
      ))}
      <button
        type="button"
        className="button button-small"
        disabled={why !== null}
        title={t(why ?? "monitor.take_over_hint")}
        data-testid="monitor-take-over"
        onClick={() => void takeOver(session, contact.contact_id)}
      >
        {t("monitor.take_over")}
      </button>
      {mode !== null && (
        <button
          type="button"
          className="button button-small button-primary"
          data-testid="monitor-off"
          onClick={() => void stopMonitor(session, contact.contact_id)}
        >
          {t("monitor.off")}
        </button>
      )}
    </span>
  );
}
