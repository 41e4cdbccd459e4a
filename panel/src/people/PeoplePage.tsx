/** The accounts of the centre and their seats, for admins. */

import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSession } from "../app/session";
import { LANGUAGE_NAMES } from "../i18n";
import { Dialog } from "../shared/Dialog";
import { useHidden } from "../documents/useHidden";
import { Icon } from "../shared/Icon";
import { changePerson, fetchPeople, removePerson, type Person } from "./api";
import { KeysSection } from "./KeysSection";
import { PasswordDialog } from "./PasswordDialog";
import { PersonDialog } from "./PersonDialog";
import { refusal } from "./person-form";

type Listed =
  | { kind: "loading" }
  | { kind: "failed"; error: unknown }
  | { kind: "ready"; people: readonly Person[] };

/** What an admin is about to do. */
type Task =
  | { kind: "add" }
  | { kind: "change" | "password" | "remove"; person: Person };

function usePeople(): [Listed, () => Promise<void>] {
  const [listed, setListed] = useState<Listed>({ kind: "loading" });
  const read = useCallback(async (): Promise<void> => {
    try {
      setListed({ kind: "ready", people: await fetchPeople() });
    } catch (error) {
      setListed({ kind: "failed", error });
    }
  }, []);
  useEffect(() => {
    const timer = window.setTimeout(() => void read(), 0);
    return () => window.clearTimeout(timer);
  }, [read]);
  return [listed, read];
}

interface RowProperties {
  person: Person;
  own: boolean;
  onTask: (task: Task) => void;
}

function Row({ person, own, onTask }: RowProperties) {
  const { t } = useTranslation();
  const say = (key: string): string => t(`people.${key}`, { name: person.name });
  return (
    <tr data-testid="person" data-login={person.login}>
      <th scope="row">
        {person.name} {own && <span className="chip">{say("you")}</span>}
      </th>
      <td>{person.login}</td>
      <td>
        {t(`role.${person.role}`)} {person.service !== null && <span className="chip">{person.service}</span>}
      </td>
      <td>{LANGUAGE_NAMES[person.language]}</td>
      <td>
        {person.extension === null ? (
          <span className="faint">{say("no_seat")}</span>
        ) : (
          <>
            <span className="digits">{person.extension}</span> <span className="faint">{say(`device.${person.device ?? "sip"}`)}</span>
          </>
        )}
      </td>
      <td className="person-actions">
        <button type="button" className="button button-small" aria-label={say("change_of")} onClick={() => onTask({ kind: "change", person })}>
          {say("change")}
        </button>
        <button type="button" className="button button-small" aria-label={say("password_of")} onClick={() => onTask({ kind: "password", person })}>
          {say("password_reset")}
        </button>
        <button
          type="button"
          className="button button-small"
          aria-label={say("remove_of")}
          disabled={own}
          onClick={() => onTask({ kind: "remove", person })}
        >
          {say("remove")}
        </button>
      </td>
    </tr>
  );
}

interface RemoveProperties {
  person: Person;
  onClose: () => void;
  onDone: () => void;
}

function RemoveDialog({ person, onClose, onDone }: RemoveProperties) {
  const { t } = useTranslation();
  const [error, setError] = useState<unknown>(null);
  return (
    <Dialog title={t("people.remove_title", { name: person.name })} onClose={onClose} testid="person-remove">
      <p>{t("people.remove_hint")}</p>
      {error !== null && (
        <p role="alert" className="problem-error">
          {refusal(error)}
        </p>
      )}
      <div className="dialog-actions">
        <button
          type="button"
          className="button button-primary"
          data-testid="person-remove-confirm"
          onClick={() => void removePerson(person.login).then(onDone, setError)}
        >
          {t("people.remove")}
        </button>
        <button type="button" className="button" onClick={onClose}>
          {t("document.cancel")}
        </button>
      </div>
    </Dialog>
  );
}

export function PeoplePage({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const { me, toasts } = useSession();
  const [listed, read] = usePeople();
  const [filter, setFilter] = useState("");
  const [task, setTask] = useState<Task | null>(null);
  const root = useRef<HTMLElement>(null);
  useHidden(root, useCallback(() => setTask(null), []));
  const people = listed.kind === "ready" ? listed.people : [];
  const wanted = filter.trim().toLocaleLowerCase();
  const found = people.filter((person) =>
    `${person.name} ${person.login} ${person.extension ?? ""}`.toLocaleLowerCase().includes(wanted),
  );
  const done = (text: string): void => {
    setTask(null);
    toasts.show("info", text);
    void read();
  };
  return (
    <section ref={root} className="routing people" aria-label={t("people.title")} data-testid="people">
      <header className="routing-head">
        <h2>
          <Icon name="people" /> {t("people.title")}
        </h2>
        <label className="matrix-filter">
          <Icon name="search" size={18} />
          <span className="visually-hidden">{t("people.filter")}</span>
          <input
            type="search"
            placeholder={t("people.filter")}
            data-testid="people-filter"
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
          />
        </label>
        <div className="routing-tools">
          <button
            type="button"
            className="button button-small button-primary"
            disabled={listed.kind !== "ready"}
            data-testid="person-add"
            onClick={() => setTask({ kind: "add" })}
          >
            <Icon name="add" size={16} /> {t("people.add")}
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={t("document.close")}
            title={t("document.close")}
            data-testid="people-close"
            onClick={onClose}
          >
            <Icon name="close" />
          </button>
        </div>
      </header>
      <div className="people-body">
        <p className="field-help">{t("people.about")}</p>
        {listed.kind === "loading" && (
          <p className="empty" role="status" data-testid="people-loading">
            {t("document.loading")}
          </p>
        )}
        {listed.kind === "failed" && (
          <div className="empty" role="alert" data-testid="people-failed">
            <p>{refusal(listed.error)}</p>
            <button type="button" className="button" onClick={() => void read()}>
              {t("document.retry")}
            </button>
          </div>
        )}
        {listed.kind === "ready" && found.length === 0 && <p className="empty">{t("people.nobody")}</p>}
        {found.length > 0 && (
          <table className="people-table">
            <thead>
              <tr>
                {["name", "login", "role", "language", "seat", "actions"].map((name) => (
                  <th key={name} scope="col">
                    {t(`people.column.${name}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.map((person) => (
                <Row key={person.login} person={person} own={person.login === me.account.login} onTask={setTask} />
              ))}
            </tbody>
          </table>
        )}
        {me.rights.keys && <KeysSection />}
      </div>
      {task?.kind === "add" && (
        <PersonDialog person={null} onClose={() => setTask(null)} onDone={(name) => done(t("people.added", { name }))} />
      )}
      {task?.kind === "change" && (
        <PersonDialog person={task.person} onClose={() => setTask(null)} onDone={(name) => done(t("people.changed", { name }))} />
      )}
      {task?.kind === "password" && (
        <PasswordDialog
          login={task.person.login}
          name={task.person.name}
          send={(password) => changePerson(task.person.login, { password })}
          onClose={() => setTask(null)}
          onDone={() => done(t("people.password_done", { name: task.person.name }))}
        />
      )}
      {task?.kind === "remove" && (
        <RemoveDialog
          person={task.person}
          onClose={() => setTask(null)}
          onDone={() => done(t("people.removed", { name: task.person.name }))}
        />
      )}
    </section>
  );
}
