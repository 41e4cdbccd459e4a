import { useTranslation } from "react-i18next";
import i18next from "i18next";
import { undo } from "../api/cards";
import type { Card, Directory, TimelineItem } from "../api/types";
import { attempt, useDirectory, useLive, useSession } from "../app/session";
import { reasonWords, translateCode } from "../i18n";
import type { LiveState } from "../live/state";
import { useNames, type Names as ServiceNames } from "../services/names";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { entryTitle, queueTitle } from "../talk/directory";
import { kindOf, valueText } from "./field-values";
import { useFieldTitles } from "./useFieldTitles";
import {
  UNTOLD,
  noteOf,
  reasonOf,
  subjectOf,
  timelineLines,
  undoable,
  type Names,
  type TimelineLine,
  type TimelineSubject,
} from "./timeline-lines";

/** The name of a seat: from the live list, from the card, else the seat's id. */
function nameOf(agentId: string, card: Card, state: LiveState): string {
  const contact = card.contacts.find((item) => item.agent_id === agentId);
  return state.agents[agentId]?.name ?? contact?.agent_name ?? agentId;
}

function namesFor(
  card: Card,
  state: LiveState,
  directory: Directory,
  titles: (code: string) => string,
  services: ServiceNames,
): Names {
  return {
    field: (name) => i18next.t(`field.name.${kindOf(name)}`),
    value: (field, value) => valueText(field, value, titles),
    agent: (agentId) => nameOf(agentId, card, state),
    queue: (name) => queueTitle(directory, name),
    party: (name) => entryTitle(directory, name),
    number: readableNumber,
    service: services.service,
    code: (kind, code, otherwise = code) => translateCode(kind, code, otherwise),
  };
}

/**
 * A sentence that needs whom it is about has a shorter one for entries that do not tell; one that is
 * about another card names it, one of what a person or the system may do names the person.
 */
function keyOf({ tag, author, agent_id, data }: TimelineItem, subject: TimelineSubject): string {
  const key = `timeline.${tag}`;
  if (data?.trusted === false && i18next.exists(`${key}_untrusted`)) return `${key}_untrusted`;
  if (subject.card !== UNTOLD && i18next.exists(`${key}_on`)) return `${key}_on`;
  const untold = tag === "callback_closed" ? subject.outcome === UNTOLD : subject.target === UNTOLD;
  if (untold && i18next.exists(`${key}_alone`)) return `${key}_alone`;
  return (author ?? agent_id) !== null && i18next.exists(`${key}_by`) ? `${key}_by` : key;
}

function sentence(line: TimelineLine, who: string, names: Names, services: ServiceNames): string {
  const { item, count } = line;
  const subject = subjectOf(item, names);
  const key = keyOf(item, subject);
  if (!i18next.exists(key)) return i18next.t("timeline.unknown", { tag: item.tag });
  const text = i18next.t(key, { who, ...subject });
  const reason = reasonOf(item);
  const detail = reason === null ? "" : ` (${reasonWords(reason, services.reason(reason))})`;
  const note = noteOf(item);
  const said = note === null ? "" : ` – ${note}`;
  return `${text}${detail}${said}${count > 1 ? ` ×${count}` : ""}`;
}

function whoOf(item: TimelineItem, card: Card, state: LiveState): string {
  if (item.agent_id !== null) return nameOf(item.agent_id, card, state);
  return item.author ?? "–";
}

export function Timeline({ card }: { card: Card }) {
  const { t } = useTranslation();
  const state = useLive();
  const session = useSession();
  const services = useNames();
  const names = namesFor(card, state, useDirectory(), useFieldTitles(), services);
  const undoables = undoable(card.timeline, card.fields);
  const takeBack = async (item: TimelineItem): Promise<void> => {
    const done = await attempt(session, () => undo(item.incident_id, item.key));
    if (done) session.toasts.show("info", t("undo.done"));
  };
  return (
    <section className="card-part" aria-labelledby="timeline-title">
      <h3 id="timeline-title">
        <Icon name="clock" /> {t("timeline.title")}
      </h3>
      <ol className="timeline" data-testid="timeline">
        {timelineLines(card.timeline).map((line, index) => (
          <li key={`${line.item.tag}-${index}`} data-testid="timeline-entry" data-tag={line.item.tag}>
            <Moment at={line.item.at} />
            <span>
              {sentence(line, whoOf(line.item, card, state), names, services)}
              {undoables.has(line.item) && (
                <button type="button" className="link undo" data-testid="undo" onClick={() => void takeBack(line.item)}>
                  {t("undo.action")}
                </button>
              )}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
