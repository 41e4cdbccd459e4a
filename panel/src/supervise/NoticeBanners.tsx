/** What the distributor raised: one line each, put away when read or when it is mended. */

import i18next from "i18next";
import { useTranslation } from "react-i18next";
import { useDirectory, useLive, useSession } from "../app/session";
import type { Notice } from "../live/notices";
import { agentName, type LiveState } from "../live/state";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { queueTitle } from "../talk/directory";
import type { Directory } from "../api/types";

/** More than these push the work itself off the screen; the rest is counted. */
const SHOWN_MAX = 3;

/** What the notice is about: seat, number and queue, as far as they are known. */
function subjectOf(notice: Notice, state: LiveState, directory: Directory): string {
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

export function NoticeBanners() {
  const { t } = useTranslation();
  const session = useSession();
  const state = useLive();
  const directory = useDirectory();
  if (!session.me.rights.supervise) return null;
  // The newest first: it is the one nobody has seen.
  const shown = state.notices.slice(-SHOWN_MAX).reverse();
  const more = state.notices.length - shown.length;
  return shown.map((notice, index) => (
    <div key={notice.id} className="banner banner-warning" role="alert" data-testid="notice" data-code={notice.code}>
      <Icon name="warning" />
      <span>
        {i18next.t(`notice.${notice.code}`)} {subjectOf(notice, state, directory)}
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
