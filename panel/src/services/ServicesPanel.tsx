/** The services of a card: who is proposed, one key that sends to all of them, and how far each is. */

import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { guide } from "../api/cards";
import type { Card, GuideRequest } from "../api/types";
import { attempt, explain, useSession } from "../app/session";
import { Icon } from "../shared/Icon";
import { newKey, sendServices, tellStep } from "./api";
import { Chain, StateMark, Trouble, UnitMark } from "./Chain";
import { isOver, notesOf } from "./involvements";
import { useNames, type Names } from "./names";
import type { Involvement } from "./types";
import { useInvolvements } from "./useInvolvements";

const NOTE_MAX = 2_000;
/** The type, answers and place of a card change together; the catalogue is asked once for all. */
const PROPOSE_AFTER_MS = 300;

/** What the catalogue needs to propose services, as far as the card says it. */
function requestOf(card: Card): GuideRequest {
  const type = card.fields.type?.value;
  const answers = card.fields.answers?.value;
  const place = card.locations.find((one) => one.location_id === card.location.current);
  return {
    type: typeof type === "string" ? type : null,
    answers: (answers ?? {}) as GuideRequest["answers"],
    lat: place?.lat ?? null,
    lon: place?.lon ?? null,
  };
}

/** The services that the catalogue proposes for what is known; none while nothing is. */
function useProposed(card: Card): readonly string[] {
  const [proposed, setProposed] = useState<readonly string[]>([]);
  const asked = JSON.stringify(requestOf(card));
  useEffect(() => {
    const request = JSON.parse(asked) as GuideRequest;
    if (request.type === null) return undefined;
    const abort = new AbortController();
    const timer = window.setTimeout(() => {
      guide(request, abort.signal).then(
        ({ services }) => setProposed(services.map(({ service }) => service)),
        // Without a proposal the call taker chooses; that is no fault to tell of.
        () => undefined,
      );
    }, PROPOSE_AFTER_MS);
    return () => {
      window.clearTimeout(timer);
      abort.abort();
    };
  }, [asked]);
  return proposed;
}

/** A request that the server has not taken: the same again, with its key. */
interface Unsent {
  services: readonly string[];
  note: string;
  key: string;
  error: unknown;
}

function Withdraw({ involvement, onDone }: { involvement: Involvement; onDone: (one: Involvement) => void }) {
  const { t } = useTranslation();
  const session = useSession();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const key = useRef(newKey());
  const withdraw = async (): Promise<void> => {
    setBusy(true);
    const step = { key: key.current };
    const done = await attempt(session, async () => onDone(await tellStep(involvement.involvement_id, "withdrawn", step)));
    setBusy(false);
    if (done) setAsking(false);
  };
  if (!asking) {
    return (
      <button type="button" className="button button-small" data-testid="service-withdraw" onClick={() => setAsking(true)}>
        {t("service.withdraw")}
      </button>
    );
  }
  return (
    <span className="acts">
      <button
        type="button"
        className="button button-small button-danger"
        disabled={busy}
        data-testid="service-withdraw-confirm"
        onClick={() => void withdraw()}
      >
        {t("service.withdraw_confirm")}
      </button>
      <button type="button" className="button button-small" onClick={() => setAsking(false)}>
        {t("common.cancel")}
      </button>
    </span>
  );
}

function Item({ involvement, names, onDone }: { involvement: Involvement; names: Names; onDone: (one: Involvement) => void }) {
  return (
    <li className="service" data-testid="service" data-service={involvement.service} data-state={involvement.state}>
      <div className="service-head">
        <strong>{names.service(involvement.service)}</strong>
        <StateMark involvement={involvement} />
        {involvement.allowed.includes("withdrawn") && !isOver(involvement) && (
          <Withdraw involvement={involvement} onDone={onDone} />
        )}
      </div>
      <Trouble involvement={involvement} names={names} />
      <Chain involvement={involvement} />
      {involvement.units.map((unit) => (
        <UnitMark key={unit.unit_id} unit={unit} />
      ))}
      {notesOf(involvement).map((step) => (
        <p key={step.key} className="service-note">
          <span className="faint">{step.author}</span> {step.note}
        </p>
      ))}
    </li>
  );
}

interface SendProperties {
  card: Card;
  involvements: readonly Involvement[];
  names: Names;
  onSent: (involvements: readonly Involvement[]) => void;
}

function Send({ card, involvements, names, onSent }: SendProperties) {
  const { t } = useTranslation();
  const proposed = useProposed(card);
  const [chosen, setChosen] = useState<Readonly<Record<string, boolean>>>({});
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const [unsent, setUnsent] = useState<Unsent | null>(null);
  const there = new Set(involvements.filter((one) => !isOver(one)).map((one) => one.service));
  const tried = new Set(involvements.map((one) => one.service));
  // Who has refused or was withdrawn can be sent anew, but never by itself.
  const offered = names.services.filter((code) => !there.has(code));
  const ticked = offered.filter((code) => chosen[code] ?? (proposed.includes(code) && !tried.has(code)));

  const post = async (request: Omit<Unsent, "error">): Promise<void> => {
    setBusy(true);
    try {
      onSent(await sendServices(card.incident_id, request.services, request.note, request.key));
      setUnsent(null);
      setChosen({});
      setNote((old) => (old === request.note ? "" : old));
    } catch (error) {
      setUnsent({ ...request, error });
    }
    setBusy(false);
  };
  const send = (): void => {
    if (busy || ticked.length === 0) return;
    const same = unsent !== null && unsent.note === note && unsent.services.join() === ticked.join();
    void post({ services: ticked, note, key: same ? unsent.key : newKey() });
  };
  const latest = useRef(send);
  useEffect(() => {
    latest.current = send;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key !== "Enter" || !event.ctrlKey || event.altKey || event.shiftKey || event.repeat) return;
      if (document.querySelector("dialog[open]") !== null) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);

  return (
    <div className="service-send">
      <fieldset>
        <legend>{t(involvements.length === 0 ? "service.choose" : "service.add")}</legend>
        {offered.map((code) => (
          <label key={code} className="service-choice">
            <input
              type="checkbox"
              checked={ticked.includes(code)}
              data-testid="service-choice"
              data-service={code}
              onChange={(event) => setChosen({ ...chosen, [code]: event.target.checked })}
            />
            {names.service(code)}
            {proposed.includes(code) && <span className="chip">{t("service.proposed")}</span>}
          </label>
        ))}
      </fieldset>
      <label className="service-note-field">
        {t("service.note")}
        <input value={note} maxLength={NOTE_MAX} data-testid="service-note" onChange={(event) => setNote(event.target.value)} />
      </label>
      {unsent !== null && (
        <p className="service-trouble" role="alert" data-testid="service-unsent">
          <Icon name="warning" size={18} />{" "}
          {t("service.unsent", { services: unsent.services.map(names.service).join(", "), why: explain(unsent.error) })}
          <button type="button" className="button button-small" disabled={busy} data-testid="service-again" onClick={() => void post(unsent)}>
            {t("common.retry")}
          </button>
        </p>
      )}
      <button
        type="button"
        className="button button-primary"
        disabled={busy || ticked.length === 0}
        title="Ctrl+Enter"
        data-testid="service-send"
        onClick={send}
      >
        {t("service.send", { amount: ticked.length })} <kbd>Ctrl+Enter</kbd>
      </button>
    </div>
  );
}

export function ServicesPanel({ card }: { card: Card }) {
  const { t } = useTranslation();
  const names = useNames();
  const { involvements, error, took } = useInvolvements(card.incident_id);
  return (
    <section className="card-part services" aria-labelledby="services-title" data-testid="services">
      <h3 id="services-title">
        <Icon name="people" /> {t("service.title")}
      </h3>
      {error !== null && (
        <p className="service-trouble" role="status" data-testid="services-error">
          {t("service.not_known")} {explain(error)}
        </p>
      )}
      {involvements !== null && (
        <ul className="service-list">
          {involvements.map((one) => (
            <Item key={one.involvement_id} involvement={one} names={names} onDone={(changed) => took([changed])} />
          ))}
        </ul>
      )}
      <Send card={card} involvements={involvements ?? []} names={names} onSent={took} />
    </section>
  );
}
