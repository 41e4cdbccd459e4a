import { useTranslation } from "react-i18next";
import i18next from "i18next";
import type { Card, TimelineItem } from "../api/types";
import { useLive } from "../app/session";
import { translateCode } from "../i18n";
import type { LiveState } from "../live/state";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { reasonOf, timelineLines, type TimelineLine } from "./timeline-lines";

/** The name of a seat: from the live list, from the card, else the seat's id. */
function nameOf(agentId: string, card: Card, state: LiveState): string {
  const contact = card.contacts.find((item) => item.agent_id === agentId);
  return state.agents[agentId]?.name ?? contact?.agent_name ?? agentId;
}

function sentence(line: TimelineLine, who: string): string {
  const { item, count } = line;
  const key = `timeline.${item.tag}`;
  if (!i18next.exists(key)) return i18next.t("timeline.unknown", { tag: item.tag });
  const text = i18next.t(key, { who });
  const reason = reasonOf(item);
  const detail = reason === null ? "" : ` (${translateCode("reason", reason, reason)})`;
  return `${text}${detail}${count > 1 ? ` ×${count}` : ""}`;
}

function whoOf(item: TimelineItem, card: Card, state: LiveState): string {
  if (item.agent_id !== null) return nameOf(item.agent_id, card, state);
  return item.author ?? "–";
}

export function Timeline({ card }: { card: Card }) {
  const { t } = useTranslation();
  const state = useLive();
  return (
    <section className="card-part" aria-labelledby="timeline-title">
      <h3 id="timeline-title">
        <Icon name="clock" /> {t("timeline.title")}
      </h3>
      <ol className="timeline" data-testid="timeline">
        {timelineLines(card.timeline).map((line, index) => (
          <li key={`${line.item.tag}-${index}`} data-testid="timeline-entry" data-tag={line.item.tag}>
            <Moment at={line.item.at} />
            <span>{sentence(line, whoOf(line.item, card, state))}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
