import { useState } from "react";
import { useTranslation } from "react-i18next";
import { setLanguage } from "../api/session";
import type { Language } from "../api/types";
import { LanguageSwitch } from "../app/LanguageSwitch";
import { attempt, useConnection, useLive, usePhone, useSession } from "../app/session";
import { changeLanguage, currentLanguage } from "../i18n";
import { ownAgent } from "../live/state";
import { clockTime } from "../shared/format";
import { Icon, type IconName } from "../shared/Icon";
import { useServerNow } from "../shared/Time";
import { pagesFor, type Page } from "./pages";
import { PresenceControl } from "./PresenceControl";

function Clock() {
  const now = useServerNow();
  return (
    <span className="clock digits" data-testid="clock">
      {clockTime(currentLanguage(), new Date(now).toISOString())}
    </span>
  );
}

function ConnectionMark() {
  const { t } = useTranslation();
  const connection = useConnection();
  return (
    <span
      className={`mark ${connection === "live" ? "mark-good" : "mark-bad"}`}
      data-testid="connection"
      data-state={connection}
    >
      <Icon name={connection === "live" ? "link" : "warning"} size={18} /> {t(`connection.${connection}`)}
    </span>
  );
}

/** Whether the seat's phone can be rung: by its own word, or by the server's for a desk phone. */
function PhoneMark() {
  const { t } = useTranslation();
  const { me } = useSession();
  const agent = ownAgent(useLive());
  const { registration } = usePhone();
  if (me.agent === null) return null;
  const desk = agent?.reachable ? "registered" : "failed";
  const state = me.phone === null ? desk : registration;
  return (
    <span
      className={`mark ${state === "registered" ? "mark-good" : "mark-bad"}`}
      data-testid="phone-state"
      data-state={state}
    >
      <Icon name={state === "registered" ? "phone" : "warning"} size={18} /> {t(`phone.${state}`)}
    </span>
  );
}

function RingerSwitch() {
  const { t } = useTranslation();
  const { ringer } = useSession();
  const [muted, setMuted] = useState(ringer.muted);
  const label = t(muted ? "ringer.unmute" : "ringer.mute");
  return (
    <button
      type="button"
      className="icon-button"
      aria-pressed={muted}
      aria-label={label}
      title={label}
      data-testid="ringer-mute"
      onClick={() => {
        ringer.setMuted(!muted);
        setMuted(!muted);
      }}
    >
      <Icon name={muted ? "bell-off" : "bell"} />
    </button>
  );
}

const PAGE_ICONS: Record<Page, IconName> = {
  live: "headset",
  desk: "siren",
  routing: "routing",
  catalogue: "catalogue",
  messaging: "message",
  people: "people",
};

/** The ways to what is beside call taking; only those that the account has a right to. */
function PageButtons({ page, onPage }: Pick<Properties, "page" | "onPage">) {
  const { t } = useTranslation();
  const pages = pagesFor(useSession().me.rights);
  return pages.map((name) => (
    <button
      key={name}
      type="button"
      className="icon-button"
      aria-label={t(`page.${name}`)}
      aria-pressed={page === name}
      title={t(`page.${name}`)}
      data-testid={`page-${name}`}
      onClick={() => onPage(page === name ? null : name)}
    >
      <Icon name={PAGE_ICONS[name]} />
    </button>
  ));
}

interface Properties {
  /** What covers the workplace now. */
  page: Page | null;
  onPage: (page: Page | null) => void;
  onHelp: () => void;
  onLogout: () => void;
}

export function TopBar({ page, onPage, onHelp, onLogout }: Properties) {
  const { t } = useTranslation();
  const session = useSession();
  const { account, agent } = session.me;
  const choose = (language: Language): void => {
    void changeLanguage(language);
    void attempt(session, () => setLanguage(language));
  };
  return (
    <header className="topbar">
      <span className="brand" aria-hidden="true">112</span>
      <div className="who" data-testid="who">
        <strong>{account.name}</strong>
        <span>{agent ? t("who.seat", { extension: agent.extension }) : t(`role.${account.role}`)}</span>
      </div>
      <PresenceControl />
      <div className="topbar-end">
        <div className="marks">
          <ConnectionMark />
          <PhoneMark />
        </div>
        <Clock />
        <PageButtons page={page} onPage={onPage} />
        {session.phone && <RingerSwitch />}
        <LanguageSwitch onChange={choose} />
        <button
          type="button"
          className="icon-button"
          aria-label={t("help.open")}
          title={`${t("help.open")} (F1)`}
          data-testid="help-open"
          onClick={onHelp}
        >
          <Icon name="help" />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={t("logout.action")}
          title={t("logout.action")}
          data-testid="logout"
          onClick={onLogout}
        >
          <Icon name="logout" />
        </button>
      </div>
    </header>
  );
}
