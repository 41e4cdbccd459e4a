/** The shift as its supervisor sees it: queues in figures, every seat, every conversation. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AgentMsg, ContactMsg, Directory, PresenceKind } from "../api/types";
import { useDirectory, useLive } from "../app/session";
import { translateCode } from "../i18n";
import { UnansweredMark } from "../conversations/ConversationView";
import { agentName, agentsByExtension, conversations, isText, type LiveState } from "../live/state";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Age } from "../shared/Time";
import { queueTitle } from "../talk/directory";
import { Marks } from "../talk/Marks";
import { partyName } from "../talk/party-name";
import { othersOf } from "../talk/stage";
import { AuditLog } from "./AuditLog";
import { ForceDialog } from "./ForceDialog";
import { MonitorControls } from "./MonitorControls";
import { queueSummaries } from "./summary";

function Queues() {
  const { t } = useTranslation();
  const directory = useDirectory();
  const rows = queueSummaries(useLive(), directory);
  return (
    <section className="pane" aria-labelledby="live-queues">
      <h2 id="live-queues">{t("live.queues")}</h2>
      {rows.length === 0 && <p className="empty">{t("live.no_queues")}</p>}
      <table className="table" data-testid="live-queues">
        <thead>
          <tr>
            <th scope="col">{t("live.queue")}</th>
            <th scope="col">{t("live.waiting")}</th>
            <th scope="col">{t("live.longest")}</th>
            <th scope="col">{t("live.talking")}</th>
            <th scope="col">{t("live.ready")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={row.queue}
              className={row.waiting > 0 && row.ready === 0 ? "table-alert" : ""}
              data-testid="live-queue"
              data-queue={row.queue}
            >
              <th scope="row">{queueTitle(directory, row.queue)}</th>
              <td className="digits">{row.waiting}</td>
              <td>{row.oldest === null ? "–" : <Age since={row.oldest} />}</td>
              <td className="digits">{row.talking}</td>
              <td className="digits">
                {row.ready}
                {row.ready === 0 && <span className="faint"> {t("live.nobody")}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The conversation or text count of a seat, in words. */
function inHand(agent: AgentMsg, state: LiveState): string {
  const contact = agent.contact_id === null ? undefined : state.contacts[agent.contact_id];
  if (!contact) return "";
  return contact.caller_number === null ? contact.contact_id.slice(0, 8) : readableNumber(contact.caller_number);
}

interface SeatProperties {
  agent: AgentMsg;
  onForce: (kind: "ready" | "off") => void;
}

function SeatActions({ agent, onForce }: SeatProperties) {
  const { t } = useTranslation();
  if (agent.agent_id === useLive().agentId) return <span className="faint">{t("agents.you")}</span>;
  const may = (kind: PresenceKind): boolean => (agent.presence_pending ?? agent.presence).kind !== kind;
  return (
    <span className="acts">
      <button
        type="button"
        className="button button-small"
        disabled={!may("ready")}
        aria-label={t("force.ready_who", { who: agent.name })}
        data-testid="force-ready"
        onClick={() => onForce("ready")}
      >
        {t("force.ready")}
      </button>
      <button
        type="button"
        className="button button-small"
        disabled={!may("off")}
        aria-label={t("force.off_who", { who: agent.name })}
        data-testid="force-off"
        onClick={() => onForce("off")}
      >
        {t("force.off")}
      </button>
    </span>
  );
}

function SeatRow({ agent, onForce }: SeatProperties) {
  const { t } = useTranslation();
  const state = useLive();
  const reason = agent.state === "not_ready" ? agent.presence.reason : null;
  const pending = agent.presence_pending;
  return (
    <tr data-testid="live-seat" data-agent={agent.agent_id} data-state={agent.state}>
      <th scope="row">
        {agent.name} <span className="faint digits">{agent.extension}</span>
        {agent.site !== "" && <span className="faint"> · {agent.site}</span>}
      </th>
      <td>
        <span className="state-line">
          <span className={`dot dot-${agent.state}`} aria-hidden="true" />
          {t(`agent.${agent.state}`)}
          {reason !== null && `: ${translateCode("presence.reason", reason, reason)}`}
          {agent.assisting && ` (${t("live.assisting")})`}
        </span>
        {pending !== null && (
          <span className="faint"> {t("presence.pending", { presence: t(`presence.${pending.kind}`) })}</span>
        )}
      </td>
      <td>{agent.state === "off" ? "–" : <Age since={agent.since} />}</td>
      <td className="digits">
        {inHand(agent, state)}
        {agent.contacts.length > 0 && <span> {t("presence.texts", { texts: agent.contacts.length })}</span>}
        {agent.monitoring !== null && <span> {t(`monitor.mode.${agent.monitoring.mode}`)}</span>}
      </td>
      <td>
        <SeatActions agent={agent} onForce={onForce} />
      </td>
    </tr>
  );
}

function Seats({ onForced }: { onForced: () => void }) {
  const { t } = useTranslation();
  const state = useLive();
  const [forced, setForced] = useState<{ agentId: string; kind: "ready" | "off" } | null>(null);
  const agents = agentsByExtension(state);
  const target = forced === null ? undefined : state.agents[forced.agentId];
  return (
    <section className="pane" aria-labelledby="live-seats">
      <h2 id="live-seats">{t("live.seats")}</h2>
      {agents.length === 0 && <p className="empty">{t("agents.empty")}</p>}
      <table className="table" data-testid="live-seats">
        <thead>
          <tr>
            <th scope="col">{t("live.who")}</th>
            <th scope="col">{t("live.state")}</th>
            <th scope="col">{t("live.since")}</th>
            <th scope="col">{t("live.contact")}</th>
            <th scope="col">{t("live.actions")}</th>
          </tr>
        </thead>
        <tbody>
          {agents.map((agent) => (
            <SeatRow
              key={agent.agent_id}
              agent={agent}
              onForce={(kind) => setForced({ agentId: agent.agent_id, kind })}
            />
          ))}
        </tbody>
      </table>
      {forced !== null && target && (
        <ForceDialog agent={target} kind={forced.kind} onDone={onForced} onClose={() => setForced(null)} />
      )}
    </section>
  );
}

/** Everybody in the conversation beside the citizen, the responsible one first. */
function talkers(contact: ContactMsg, state: LiveState, directory: Directory): string {
  const others = othersOf(contact, contact.agent_id, state).map((party) => partyName(party, state, directory));
  return [agentName(state, contact.agent_id), ...others].filter((name) => name !== "").join(", ");
}

function ConversationRow({ contact }: { contact: ContactMsg }) {
  const { t } = useTranslation();
  const state = useLive();
  const directory = useDirectory();
  const who = talkers(contact, state, directory);
  const own = contact.agent_id !== null && contact.agent_id === state.agentId;
  const text = isText(contact);
  return (
    <tr data-testid="live-conversation" data-contact={contact.contact_id} data-state={contact.state}>
      <th scope="row" className="digits">
        {text && <Icon name="message" size={16} />}{" "}
        {contact.caller_number === null ? t("contact.no_number") : readableNumber(contact.caller_number)}
        {text && <span className="faint"> {translateCode("medium", contact.medium, contact.medium)}</span>}
      </th>
      <td>{queueTitle(directory, contact.queue)}</td>
      <td>{who || "–"}</td>
      <td>
        {t(`live.conversation_state.${contact.state}`)} <Age since={contact.arrived_at} />
        <span className="row-marks">
          <Marks contact={contact} />
          <UnansweredMark since={contact.conversation?.unanswered_since ?? null} />
        </span>
      </td>
      <td>
        {own && <span className="faint">{t("agents.you")}</span>}
        {/* There is nothing to listen to in a text; its card shows all of it. */}
        {!own && !text && <MonitorControls contact={contact} who={who} />}
      </td>
    </tr>
  );
}

function Conversations() {
  const { t } = useTranslation();
  const state = useLive();
  const contacts = conversations(state);
  const own = state.agentId === null ? null : (state.agents[state.agentId] ?? null);
  return (
    <section className="pane" aria-labelledby="live-conversations">
      <h2 id="live-conversations">
        {t("live.conversations")} <span className="count">{contacts.length}</span>
      </h2>
      {own === null && <p className="hint-line">{t("monitor.no_seat")}</p>}
      {own !== null && !own.reachable && <p className="hint-line">{t("monitor.no_phone")}</p>}
      {contacts.length === 0 ? (
        <p className="empty">{t("live.no_conversations")}</p>
      ) : (
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t("live.number")}</th>
              <th scope="col">{t("live.queue")}</th>
              <th scope="col">{t("live.talkers")}</th>
              <th scope="col">{t("live.state")}</th>
              <th scope="col">{t("live.actions")}</th>
            </tr>
          </thead>
          <tbody>
            {contacts.map((contact) => (
              <ConversationRow key={contact.contact_id} contact={contact} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

export function LiveView({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [acts, setActs] = useState(0);
  return (
    <section className="live-view" aria-labelledby="live-title" data-testid="live-view">
      <header className="page-head">
        <h1 id="live-title">
          <Icon name="headset" /> {t("live.title")}
        </h1>
        <button type="button" className="button" data-testid="live-close" onClick={onClose}>
          <Icon name="back" /> {t("page.back")} <kbd aria-hidden="true">Esc</kbd>
        </button>
      </header>
      <div className="live-grid">
        <Queues />
        <Conversations />
        <Seats onForced={() => setActs((before) => before + 1)} />
        <AuditLog acts={acts} />
      </div>
    </section>
  );
}
