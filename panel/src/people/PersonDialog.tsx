/** Adds a person, or changes one: account and seat. */

import { useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/http";
import type { Device, Role } from "../api/types";
import { LANGUAGES, LANGUAGE_NAMES } from "../i18n";
import { Dialog } from "../shared/Dialog";
import { addPerson, changePerson, fetchServices, type Person } from "./api";
import {
  changeOf,
  complaintsOf,
  emptyForm,
  formOf,
  newPerson,
  refusal,
  refusedField,
  type Complaints,
  type FieldName,
  type PersonForm,
} from "./person-form";
import { PersonField } from "./PersonField";

const ROLES: readonly Role[] = [
  "call_taker",
  "supervisor",
  "service_dispatcher",
  "quality_officer",
  "telecom_admin",
  "system_admin",
];
const DEVICES: readonly Device[] = ["browser", "sip"];

/** The catalogue's services, once they are known. */
function useServices(): readonly string[] | null {
  const [services, setServices] = useState<readonly string[] | null>(null);
  useEffect(() => {
    let shown = true;
    void fetchServices().then((found) => {
      if (shown) setServices(found);
    });
    return () => {
      shown = false;
    };
  }, []);
  return services;
}

interface Properties {
  /** Null: somebody new. */
  person: Person | null;
  onClose: () => void;
  onDone: (name: string) => void;
}

export function PersonDialog({ person, onClose, onDone }: Properties) {
  const { t } = useTranslation();
  const [form, setForm] = useState<PersonForm>(() => (person === null ? emptyForm() : formOf(person)));
  /** Fields that were left or sent: before that nobody wants to hear what is still missing. */
  const [seen, setSeen] = useState<ReadonlySet<FieldName>>(new Set());
  /** What the server refused, until that field changes. */
  const [refused, setRefused] = useState<Complaints>({});
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const services = useServices();
  const servicesId = useId();
  const own = complaintsOf(form, person === null, services);

  const complaint = (field: FieldName): string | null => {
    if (refused[field] !== undefined) return refused[field];
    const code = own[field];
    return code !== undefined && seen.has(field) ? t(`people.complaint.${code}`) : null;
  };
  const set = (field: FieldName, value: string): void => {
    setForm({ ...form, [field]: value });
    setRefused(Object.fromEntries(Object.entries(refused).filter(([name]) => name !== field)));
    setFailure(null);
  };
  const leave = (field: FieldName) => () => setSeen(new Set([...seen, field]));
  const send = async (): Promise<void> => {
    setSeen(new Set(Object.keys(own) as FieldName[]));
    if (Object.keys(own).length > 0) return;
    setBusy(true);
    setFailure(null);
    try {
      if (person === null) await addPerson(newPerson(form));
      else await changePerson(person.login, changeOf(person, form));
      onDone(form.name.trim());
    } catch (error) {
      setBusy(false);
      const field = refusedField(error);
      // The server's sentence tells more than "invalid": it is shown where we have none for it.
      if (field !== null) setRefused({ [field]: serverSentence(error) ?? refusal(error) });
      else setFailure(refusal(error));
    }
  };
  const title = person === null ? t("people.add_title") : t("people.change_title", { name: person.name });
  return (
    <Dialog title={title} onClose={onClose} testid="person-dialog">
      <form
        className="person-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <PersonField name="login" complaint={complaint("login")}>
          {(wiring) => (
            <input
              {...wiring}
              className="text"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              disabled={person !== null}
              value={form.login}
              onChange={(event) => set("login", event.target.value)}
              onBlur={leave("login")}
            />
          )}
        </PersonField>
        <PersonField name="name" complaint={complaint("name")}>
          {(wiring) => (
            <input
              {...wiring}
              className="text"
              autoComplete="off"
              value={form.name}
              onChange={(event) => set("name", event.target.value)}
              onBlur={leave("name")}
            />
          )}
        </PersonField>
        <PersonField name="role" complaint={complaint("role")}>
          {(wiring) => (
            <select {...wiring} value={form.role} onChange={(event) => set("role", event.target.value)}>
              {ROLES.map((role) => (
                <option key={role} value={role}>
                  {t(`role.${role}`)}
                </option>
              ))}
            </select>
          )}
        </PersonField>
        {form.role === "service_dispatcher" && (
          <PersonField name="service" complaint={complaint("service")}>
            {(wiring) => (
              <>
                <input
                  {...wiring}
                  className="text"
                  autoComplete="off"
                  autoCapitalize="none"
                  spellCheck={false}
                  list={servicesId}
                  value={form.service}
                  onChange={(event) => set("service", event.target.value)}
                  onBlur={leave("service")}
                />
                <datalist id={servicesId}>
                  {services?.map((service) => <option key={service} value={service} />)}
                </datalist>
              </>
            )}
          </PersonField>
        )}
        <PersonField name="language" complaint={complaint("language")}>
          {(wiring) => (
            <select {...wiring} value={form.language} onChange={(event) => set("language", event.target.value)}>
              {LANGUAGES.map((language) => (
                <option key={language} value={language}>
                  {LANGUAGE_NAMES[language]}
                </option>
              ))}
            </select>
          )}
        </PersonField>
        <PersonField name="extension" complaint={complaint("extension")}>
          {(wiring) => (
            <input
              {...wiring}
              className="number"
              inputMode="numeric"
              autoComplete="off"
              value={form.extension}
              onChange={(event) => set("extension", event.target.value)}
              onBlur={leave("extension")}
            />
          )}
        </PersonField>
        <PersonField name="device" complaint={complaint("device")}>
          {(wiring) => (
            <select
              {...wiring}
              disabled={form.extension.trim() === ""}
              value={form.device}
              onChange={(event) => set("device", event.target.value)}
            >
              {DEVICES.map((device) => (
                <option key={device} value={device}>
                  {t(`people.device.${device}`)}
                </option>
              ))}
            </select>
          )}
        </PersonField>
        {person === null && (
          <PersonField name="password" complaint={complaint("password")}>
            {(wiring) => (
              <input
                {...wiring}
                type="password"
                className="text"
                autoComplete="new-password"
                value={form.password}
                onChange={(event) => set("password", event.target.value)}
                onBlur={leave("password")}
              />
            )}
          </PersonField>
        )}
        {failure !== null && (
          <p role="alert" className="problem-error" data-testid="person-failed">
            {failure}
          </p>
        )}
        <div className="dialog-actions">
          <button
            type="submit"
            className="button button-primary"
            disabled={busy || (person !== null && Object.keys(changeOf(person, form)).length === 0)}
            data-testid="person-save"
          >
            {t(busy ? "people.busy" : "people.save")}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {t("document.cancel")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function serverSentence(error: unknown): string | null {
  return error instanceof ApiError && error.message !== "" ? error.message : null;
}
