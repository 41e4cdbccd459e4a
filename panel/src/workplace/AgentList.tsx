import { useTranslation } from "react-i18next";
import type { AgentMsg } from "../api/types";
import { useLive } from "../app/session";
import { translateCode } from "../i18n";
import { agentsByExtension } from "../live/state";
import { Icon } from "../shared/Icon";
import { Age } from "../shared/Time";

function Row({ agent, own }: { agent: AgentMsg; own: boolean }) {
  const { t } = useTranslation();
  const reason = agent.state === "not_ready" ? agent.presence.reason : null;
  return (
    <li className="agent" data-testid="agent-row" data-agent={agent.agent_id} data-state={agent.state}>
      <span className={`dot dot-${agent.state}`} aria-hidden="true" />
      <span className="agent-name">
        {agent.name}
        {own && <span className="chip">{t("agents.you")}</span>}
      </span>
      <span className="agent-extension digits">{agent.extension}</span>
      <span className="agent-state">
        {reason === null ? t(`agent.${agent.state}`) : translateCode("presence.reason", reason, reason)}
      </span>
      {agent.state === "off" ? <span /> : <Age since={agent.since} />}
    </li>
  );
}

export function AgentList() {
  const { t } = useTranslation();
  const state = useLive();
  const agents = agentsByExtension(state);
  const idle = agents.filter((agent) => agent.state === "idle").length;
  return (
    <section className="pane pane-agents" aria-labelledby="agents-title" data-testid="agent-list">
      <h2 id="agents-title">
        <Icon name="people" /> {t("agents.title")}
        <span className="count">{t("agents.idle", { idle, all: agents.length })}</span>
      </h2>
      {agents.length === 0 ? (
        <p className="empty">{t("agents.empty")}</p>
      ) : (
        // Nothing in it can be pressed: without this nobody scrolls it by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached (WCAG 2.1.1)
        <ul className="rows" tabIndex={0} aria-labelledby="agents-title">
          {agents.map((agent) => (
            <Row key={agent.agent_id} agent={agent} own={agent.agent_id === state.agentId} />
          ))}
        </ul>
      )}
    </section>
  );
}
