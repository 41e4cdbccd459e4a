/** Who changed presences, people, passwords and the plan; for supervisors, newest first. */

import i18next from "i18next";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { fetchAudit, type AuditEntry, type AuditPage } from "../api/audit";
import { translateCode } from "../i18n";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";

const NOTHING: AuditPage = { entries: [], next: null, people: [] };

/** A presence in words, with the reason where there is one. */
function presenceOf(data: AuditEntry["data"]): string {
  const kind = typeof data.kind === "string" ? translateCode("presence", data.kind, data.kind) : "–";
  return typeof data.reason === "string" ? `${kind}: ${translateCode("presence.reason", data.reason, data.reason)}` : kind;
}

function fieldsOf(data: AuditEntry["data"]): string {
  const names = typeof data.fields === "string" ? data.fields.split(", ") : [];
  return names.map((name) => translateCode("audit.field", name, name)).join(", ");
}

/** One entry as a sentence; a tag that this panel does not know is shown as it is. */
export function auditSentence(entry: AuditEntry): string {
  const { data } = entry;
  const key = `audit.tag.${entry.tag}`;
  if (!i18next.exists(key)) return entry.tag;
  return i18next.t(key, {
    who: entry.author_name ?? entry.author,
    whom: entry.name ?? entry.login ?? entry.agent_id ?? "–",
    presence: presenceOf(data),
    fields: fieldsOf(data),
    role: typeof data.role === "string" ? translateCode("role", data.role, data.role) : "–",
    version: String(data.version ?? "–"),
    key: String(data.name ?? "–"),
    card: String(data.number ?? data.incident_id ?? "–"),
  });
}

interface Listed extends AuditPage {
  state: "loading" | "ready" | "failed";
}

/** The list for one person or everybody; `acts` grows with each act of our own, which reads anew. */
function useAudit(person: string, acts: number): [Listed, (before: number | null) => Promise<void>] {
  const [listed, setListed] = useState<Listed>({ ...NOTHING, state: "loading" });
  // The answer to an older question must not cover that to a newer one.
  const asked = useRef(0);
  const read = useCallback(
    async (before: number | null): Promise<void> => {
      const own = ++asked.current;
      try {
        const page = await fetchAudit(person, before);
        if (own !== asked.current) return;
        setListed((old) => ({
          ...page,
          entries: before === null ? page.entries : [...old.entries, ...page.entries],
          state: "ready",
        }));
      } catch {
        if (own === asked.current) setListed((old) => ({ ...old, state: "failed" }));
      }
    },
    [person],
  );
  useEffect(() => {
    const timer = window.setTimeout(() => void read(null), 0);
    return () => window.clearTimeout(timer);
  }, [read, acts]);
  return [listed, read];
}

export function AuditLog({ acts }: { acts: number }) {
  const { t } = useTranslation();
  const [person, setPerson] = useState("");
  const [listed, read] = useAudit(person, acts);
  return (
    <section className="pane audit" aria-labelledby="audit-title" data-testid="audit">
      <h2 id="audit-title">
        <Icon name="clock" /> {t("audit.title")}
      </h2>
      <div className="acts">
        <label>
          {t("audit.person")}{" "}
          <select value={person} data-testid="audit-person" onChange={(event) => setPerson(event.target.value)}>
            <option value="">{t("audit.everybody")}</option>
            {listed.people.map((one) => (
              <option key={one.login} value={one.login}>
                {one.name} ({one.login})
              </option>
            ))}
          </select>
        </label>
        <button type="button" className="button button-small" data-testid="audit-refresh" onClick={() => void read(null)}>
          {t("audit.refresh")}
        </button>
      </div>
      {listed.state === "failed" && <p className="empty" role="alert">{t("audit.failed")}</p>}
      {listed.state === "ready" && listed.entries.length === 0 && <p className="empty">{t("audit.empty")}</p>}
      <ol className="timeline">
        {listed.entries.map((entry) => (
          <li key={entry.number} data-testid="audit-entry" data-tag={entry.tag}>
            <Moment at={entry.at} />
            <span>
              {auditSentence(entry)}
              {entry.comment !== "" && <span className="faint"> – {entry.comment}</span>}
            </span>
          </li>
        ))}
      </ol>
      {listed.next !== null && (
        <button type="button" className="button button-small" data-testid="audit-older" onClick={() => void read(listed.next)}>
          {t("audit.older")}
        </button>
      )}
    </section>
  );
}
