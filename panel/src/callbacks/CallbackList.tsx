/** Citizens who gave up and have to be called, in the order in which it should be done. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { callBack } from "../api/callbacks";
import type { CallbackAttempt, CallbackTask } from "../api/types";
import { useDirectory, useLive, useSession } from "../app/session";
import { translateCode } from "../i18n";
import { agentName, openCallbacks, ownAgent } from "../live/state";
import { duration, readableNumber, secondsSince } from "../shared/format";
import { Icon } from "../shared/Icon";
import { useServerNow } from "../shared/Time";
import { queueTitle } from "../talk/directory";
import { mayDial, placeCall } from "../workplace/actions";
import { CloseDialog } from "./CloseDialog";

function endOf(attempt: CallbackAttempt, outcome: string): string {
  const known = translateCode("callback.attempt", outcome, outcome);
  return attempt.reason == null ? known : translateCode("reason", attempt.reason, known);
}

function Facts({ task }: { task: CallbackTask }) {
  const { t } = useTranslation();
  const state = useLive();
  const directory = useDirectory();
  const last = task.attempts.at(-1);
  return (
    <span className="row-facts">
      {task.kind === "handed_over" ? (
        <span className="badge badge-strong" data-testid="callback-handed-over">
          <Icon name="warning" size={16} /> {t("callback.handed_over")}
        </span>
      ) : (
        <span className="fact">{queueTitle(directory, task.queue)}</span>
      )}
      <span className="fact" data-testid="callback-attempts">
        {t("callback.attempts", { attempts: task.attempts.length })}
        {last?.outcome != null && ` (${endOf(last, last.outcome)})`}
      </span>
      {task.state === "calling" && (
        <span className="fact fact-strong" data-testid="callback-calling">
          <Icon name="outbound" size={16} /> {t("callback.calling", { who: agentName(state, last?.agent_id ?? null) })}
        </span>
      )}
      {task.exhausted && (
        <span className="badge badge-strong" data-testid="callback-exhausted">
          <Icon name="warning" size={16} /> {t("callback.exhausted")}
        </span>
      )}
    </span>
  );
}

interface RowProperties {
  task: CallbackTask;
  onOpenCard: (incidentId: string) => void;
  onClose: () => void;
}

function Actions({ task, onOpenCard, onClose }: RowProperties) {
  const { t } = useTranslation();
  const session = useSession();
  // Redraws with our seat's state, of which the right to dial depends.
  ownAgent(useLive());
  const [busy, setBusy] = useState(false);
  const who = task.number === null ? t("contact.no_number") : readableNumber(task.number);
  const call = async (): Promise<void> => {
    setBusy(true);
    await placeCall(session, () => callBack(task.task_id));
    setBusy(false);
  };
  const { incident_id } = task;
  const hint = !task.dialable ? "callback.number_unusable" : mayDial(session) ? null : "callback.not_now";
  return (
    <span className="acts">
      {session.me.agent !== null && (
        <button
          type="button"
          className="button button-small button-primary"
          disabled={busy || !task.dialable || task.state !== "open" || !mayDial(session)}
          aria-label={t("callback.call_who", { who })}
          title={hint === null ? undefined : t(hint)}
          data-testid="callback-call"
          onClick={() => void call()}
        >
          <Icon name="outbound" size={16} /> {t("callback.call")}
        </button>
      )}
      {incident_id !== null && (
        <button
          type="button"
          className="button button-small"
          aria-label={t("callback.card_who", { who })}
          data-testid="callback-card"
          onClick={() => onOpenCard(incident_id)}
        >
          <Icon name="card" size={16} />
        </button>
      )}
      <button
        type="button"
        className="button button-small"
        disabled={task.state === "calling"}
        aria-label={t("callback.close_who", { who })}
        data-testid="callback-close"
        onClick={onClose}
      >
        {t("callback.close")}
      </button>
    </span>
  );
}

function Row(properties: RowProperties) {
  const { t } = useTranslation();
  const { task } = properties;
  const waited = duration(secondsSince(task.created_at, useServerNow()));
  return (
    <li className="row callback" data-testid="callback-row" data-task={task.task_id} data-state={task.state}>
      <span className="row-body">
        <span className="row-number">
          {task.number === null ? t("contact.no_number") : readableNumber(task.number)}
          <span className="callback-age digits" data-testid="callback-age">
            <span className="visually-hidden">{t("callback.since")} </span>
            {waited}
          </span>
        </span>
        <Facts task={task} />
        <Actions {...properties} />
      </span>
    </li>
  );
}

export function CallbackList({ onOpenCard }: { onOpenCard: (incidentId: string) => void }) {
  const { t } = useTranslation();
  const tasks = openCallbacks(useLive());
  const [closing, setClosing] = useState<string | null>(null);
  const closed = tasks.find((task) => task.task_id === closing) ?? null;
  return (
    <section
      className={tasks.length === 0 ? "pane pane-callbacks pane-none" : "pane pane-callbacks"}
      aria-labelledby="callbacks-title"
      data-testid="callback-list"
    >
      <h2 id="callbacks-title">
        <Icon name="redial" /> {t("callback.title")}
        <span className="count" data-testid="callback-count">{tasks.length}</span>
      </h2>
      {tasks.length === 0 ? (
        <p className="empty">{t("callback.empty")}</p>
      ) : (
        <ol className="rows">
          {tasks.map((task) => (
            <Row key={task.task_id} task={task} onOpenCard={onOpenCard} onClose={() => setClosing(task.task_id)} />
          ))}
        </ol>
      )}
      {closed !== null && <CloseDialog task={closed} onClose={() => setClosing(null)} />}
    </section>
  );
}
