/** While we listen to somebody's conversation, this stays on screen whatever else is shown. */

import { useTranslation } from "react-i18next";
import { useLive, useSession } from "../app/session";
import { agentName, ownAgent } from "../live/state";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { stopMonitor } from "../workplace/actions";
import { MonitorControls } from "./MonitorControls";

export function MonitorBar() {
  const { t } = useTranslation();
  const session = useSession();
  const state = useLive();
  const monitoring = ownAgent(state)?.monitoring ?? null;
  if (monitoring === null) return null;
  const contact = state.contacts[monitoring.contact_id];
  // Taken over: it is our own call now, with its own place on the screen.
  if (contact?.agent_id === state.agentId) return null;
  const who = agentName(state, contact?.agent_id ?? null);
  const number = contact?.caller_number ?? null;
  return (
    <div className="banner banner-monitor" data-testid="monitor-bar" data-mode={monitoring.mode}>
      <Icon name="headset" />
      <span role="status">
        {t(`monitor.active.${monitoring.mode}`)}{" "}
        <span className="digits">{[who, number === null ? "" : readableNumber(number)].filter(Boolean).join(" · ")}</span>
      </span>
      {contact ? (
        <MonitorControls contact={contact} who={who} />
      ) : (
        <button
          type="button"
          className="button"
          data-testid="monitor-off"
          onClick={() => void stopMonitor(session, monitoring.contact_id)}
        >
          {t("monitor.off")}
        </button>
      )}
    </div>
  );
}
