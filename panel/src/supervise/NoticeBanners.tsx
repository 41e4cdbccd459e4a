/** What the distributor raised: one line each, put away when read or when it is mended. */

import i18next from "i18next";
import { useTranslation } from "react-i18next";
import { useDirectory, useLive, useSession } from "../app/session";
import type { Notice } from "../live/notices";
import { agentName, type LiveState } from "../live/state";
import { useNames, type Names } from "../services/names";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { queueTitle } from "../talk/directory";
import type { Directory } from "../api/types";

/** More than these push the work itself off the screen; the rest is counted. */
const SHOWN_MAX = 3;

/** What the notice is about: seat, number and queue, as far as they are known. */
function subjectOf(notice: Notice, state: LiveState, directory: Directory, services: Names): string {
  const { service } = notice;
  if (service !== null) return `${services.service(service.service)} · ${service.cardNumber}`;
  const contact = notice.contactId === null ? undefined : state.contacts[notice.contactId];
  const number = contact?.caller_number ?? null;
  const queue = notice.queue ?? contact?.queue ?? null;
  const parts = [
    agentName(state, notice.agentId),
    number === null ? "" : readableNumber(number),
    queue === null ? "" : queueTitle(directory, queue),
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

/** A text that waits for an answer of our own. */
function isOwnText({ code, contactId }: Notice, state: LiveState): boolean {
  if (code !== "text_unanswered" || contactId === null || state.agentId === null) return false;
  return state.contacts[contactId]?.agent_id === state.agentId;
}

export function NoticeBanners() {
  const { t } = useTranslation();
  const session = useSession();
  const state = useLive();
  const directory = useDirectory();
  const services = useNames();
  const { account, rights } = session.me;
  // Whoever sent for a service has to know, too, and whoever owes a citizen an answer.
  const ours = (notice: Notice): boolean =>
    rights.supervise || notice.service?.sentBy === account.login || isOwnText(notice, state);
  const notices = state.notices.filter(ours);
  // The newest first: it is the one nobody has seen.
  const shown = notices.slice(-SHOWN_MAX).reverse();
  const more = notices.length - shown.length;
  return shown.map((notice, index) => (
    <div key={notice.id} className="banner banner-warning" role="alert" data-testid="notice" data-code={notice.code}>
      <Icon name="warning" />
      <span>
        {i18next.t(`notice.${notice.code}`)} {subjectOf(notice, state, directory, services)}
        {index === shown.length - 1 && more > 0 && ` (${t("notice.more", { more })})`}
      </span>
      <button
        type="button"
        className="button"
        data-testid="notice-acknowledge"
        onClick={() => session.live.acknowledge(notice.id)}
      >
        {t("notice.acknowledge")}
      </button>
    </div>
  ));
}
