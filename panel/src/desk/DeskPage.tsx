/**
 * The desk of one service: what was sent to it, unread first, with a sound until somebody looks; the
 * incident in hand with its card; the units. Whoever may see several services picks one.
 */

import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { explain, useConnection, useSession } from "../app/session";
import { isUnread } from "../services/involvements";
import { useNames, type Names } from "../services/names";
import type { DeskLine } from "../services/types";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Age } from "../shared/Time";
import { useShortcuts } from "../workplace/useShortcuts";
import { Incident, WaitingSteps } from "./Incident";
import { UnitsBoard } from "./UnitsBoard";
import { useAlert } from "./useAlert";
import { useDesk, type Desk } from "./useDesk";

const CHOSEN_KEY = "ccserver.desk-service";

interface ListProperties {
  desk: Desk;
  names: Names;
  openId: string | null;
  onOpen: (line: DeskLine) => void;
}

function Line({ line, names, open, onOpen }: { line: DeskLine; names: Names; open: boolean; onOpen: () => void }) {
  const { t } = useTranslation();
  const { involvement, incident } = line;
  const unread = isUnread(involvement);
  return (
    <li>
      <button
        type="button"
        className={unread ? "desk-line desk-line-unread" : "desk-line"}
        aria-current={open}
        data-testid="desk-line"
        data-involvement={involvement.involvement_id}
        data-state={involvement.state}
        data-unread={unread}
        onClick={onOpen}
      >
        <span className="desk-line-head">
          {unread && <Icon name="bell" size={18} />}
          <strong>{incident?.number ?? "–"}</strong>
          <span>{t(`service.state.${involvement.state}`)}</span>
          <Age since={involvement.sent_at} />
        </span>
        <span>
          {incident?.type != null && `${names.type(incident.type)} · `}
          {incident?.address !== "" && incident !== null ? incident.address : t("desk.no_address")}
        </span>
        <span className="faint">
          {incident?.caller_number != null && readableNumber(incident.caller_number)} {involvement.note}
        </span>
        {involvement.overdue && (
          <span className="badge badge-strong" data-testid="desk-overdue">
            {t("service.overdue")}
          </span>
        )}
      </button>
    </li>
  );
}

function List({ desk, names, openId, onOpen }: ListProperties) {
  const { t } = useTranslation();
  const unread = desk.lines.filter((line) => isUnread(line.involvement)).length;
  return (
    <section className="pane desk-list" aria-labelledby="desk-list-title">
      <h2 id="desk-list-title">
        {t("desk.incidents")} <span className="count" data-testid="desk-count">{desk.lines.length}</span>
      </h2>
      {unread > 0 && (
        <p className="desk-new" role="alert" data-testid="desk-new">
          <Icon name="bell" /> {t("desk.new", { amount: unread })}
        </p>
      )}
      {desk.loading && <p className="empty" role="status">{t("app.loading")}</p>}
      {!desk.loading && desk.lines.length === 0 && desk.error === null && (
        <p className="empty" data-testid="desk-empty">{t("desk.empty")}</p>
      )}
      <ol className="rows">
        {desk.lines.map((line) => (
          <Line
            key={line.involvement.involvement_id}
            line={line}
            names={names}
            open={line.involvement.involvement_id === openId}
            onOpen={() => onOpen(line)}
          />
        ))}
      </ol>
    </section>
  );
}

function Troubles({ desk }: { desk: Desk }) {
  const { t } = useTranslation();
  const connection = useConnection();
  return (
    <>
      {connection !== "live" && (
        <p className="banner banner-warning" role="status" data-testid="desk-offline">
          <Icon name="link" /> {t("desk.offline")}
        </p>
      )}
      {desk.error !== null && (
        <p className="banner banner-warning" role="alert" data-testid="desk-error">
          <Icon name="warning" /> {t("desk.not_read")} {explain(desk.error)}
          <button type="button" className="button" onClick={desk.retry}>
            {t("common.retry")}
          </button>
        </p>
      )}
    </>
  );
}

function ServiceDesk({ service, names, mayTell }: { service: string; names: Names; mayTell: boolean }) {
  const { t } = useTranslation();
  const session = useSession();
  const desk = useDesk(service);
  const [openId, setOpenId] = useState<string | null>(null);
  const alert = useAlert(mayTell ? desk.lines.filter((line) => isUnread(line.involvement)).length : 0);
  const open = desk.lines.find((line) => line.involvement.involvement_id === openId) ?? null;
  const show = (line: DeskLine): void => {
    const { involvement } = line;
    setOpenId(involvement.involvement_id);
    const told = desk.waiting.some((step) => step.involvementId === involvement.involvement_id && step.state === "seen");
    if (mayTell && involvement.seen_at === null && !told) {
      desk.tell({ involvementId: involvement.involvement_id, unitId: null, state: "seen" });
    }
  };
  const press = (testid: string): void =>
    document.querySelector<HTMLElement>(`[data-testid="desk-incident"] ${testid}`)?.click();
  // With a seat these keys belong to the telephone.
  const keys = session.me.agent === null && mayTell;
  useShortcuts(
    {
      F2: () => press(".button-primary"),
      F6: () => document.querySelector<HTMLElement>('[data-testid="desk-note"]')?.focus(),
      F8: () => press('[data-testid="desk-refused"]'),
    },
    keys,
  );
  const shown = new Set(desk.lines.map((line) => line.involvement.involvement_id));
  const gone = desk.waiting.filter((step) => !shown.has(step.involvementId));
  return (
    <>
      <Troubles desk={desk} />
      <WaitingSteps steps={gone} onDismiss={desk.dismiss} />
      <div className="desk-columns">
        <div className="desk-column">
          <button
            type="button"
            className="icon-button desk-mute"
            aria-pressed={alert.muted}
            aria-label={t(alert.muted ? "ringer.unmute" : "ringer.mute")}
            data-testid="desk-mute"
            onClick={() => alert.setMuted(!alert.muted)}
          >
            <Icon name={alert.muted ? "bell-off" : "bell"} />
          </button>
          <List desk={desk} names={names} openId={openId} onOpen={show} />
        </div>
        <div className="desk-column desk-column-wide">
          {open === null ? (
            <p className="empty" data-testid="desk-none">{t("desk.none_open")}</p>
          ) : (
            <Incident key={open.involvement.involvement_id} line={open} desk={desk} names={names} mayTell={mayTell} keys={keys} />
          )}
        </div>
        <div className="desk-column">
          <UnitsBoard service={service} desk={desk} open={open} mayTell={mayTell} />
        </div>
      </div>
    </>
  );
}

export function DeskPage({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const session = useSession();
  const names = useNames();
  const own = session.me.account.service ?? null;
  const [picked, setPicked] = useState(() => localStorage.getItem(CHOSEN_KEY) ?? "");
  const service = own ?? (names.services.includes(picked) ? picked : (names.services[0] ?? ""));
  useEffect(() => {
    if (own === null && service !== "") localStorage.setItem(CHOSEN_KEY, service);
  }, [own, service]);
  return (
    <div className="desk" data-testid="desk" data-service={service}>
      <div className="page-head">
        <h1>{t("desk.title", { service: service === "" ? "" : names.service(service) })}</h1>
        {own === null && (
          <>
            <label>
              {t("desk.service")}{" "}
              <select value={service} data-testid="desk-service" onChange={(event) => setPicked(event.target.value)}>
                {names.services.map((code) => (
                  <option key={code} value={code}>
                    {names.service(code)}
                  </option>
                ))}
              </select>
            </label>
            <button type="button" className="icon-button" aria-label={t("common.close")} data-testid="desk-close" onClick={onClose}>
              <Icon name="close" />
            </button>
          </>
        )}
      </div>
      {service === "" ? (
        <p className="empty">{t("desk.no_services")}</p>
      ) : (
        <ServiceDesk key={service} service={service} names={names} mayTell />
      )}
    </div>
  );
}
