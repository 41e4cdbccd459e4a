/** Whatever makes the screen, the phone or the microphone untrustworthy is said in full width. */

import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useConnection, useLive, usePhone, useSession } from "../app/session";
import { carsUntaken, ownAgent } from "../live/state";
import { attempt } from "../app/session";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { MonitorBar } from "../supervise/MonitorBar";
import { NoticeBanners } from "../supervise/NoticeBanners";

function useOnline(): boolean {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const update = (): void => setOnline(navigator.onLine);
    window.addEventListener("online", update);
    window.addEventListener("offline", update);
    return () => {
      window.removeEventListener("online", update);
      window.removeEventListener("offline", update);
    };
  }, []);
  return online;
}

function StaleBanner() {
  const { t } = useTranslation();
  const connection = useConnection();
  const online = useOnline();
  if (connection === "live" && online) return null;
  if (connection === "connecting" && online) return null;
  const lost = connection === "replaced" ? "banner.replaced" : "banner.stale";
  return (
    <div className="banner banner-danger" role="alert" data-testid="stale-banner">
      <Icon name="warning" /> <span>{t(online ? lost : "banner.offline")}</span>
    </div>
  );
}

function UnavailableBanner() {
  const { t } = useTranslation();
  const agent = ownAgent(useLive());
  const connection = useConnection();
  if (agent?.state !== "unavailable" || connection !== "live") return null;
  const cause = agent.busy ? "busy" : agent.reachable ? "pause" : "unreachable";
  return (
    <div className="banner banner-warning" role="alert" data-testid="unavailable-banner">
      <Icon name="warning" /> <span>{t(`banner.unavailable_${cause}`)}</span>
    </div>
  );
}

function MicrophoneBanner() {
  const { t } = useTranslation();
  const session = useSession();
  const { microphone } = usePhone();
  if (session.phone === null || microphone === "off" || microphone === "ok") return null;
  const { phone } = session;
  return (
    <div className="banner banner-danger" role="alert" data-testid="microphone-banner">
      <Icon name="mic" /> <span>{t(`microphone.${microphone}`)}</span>
      <button
        type="button"
        className="button"
        data-testid="microphone-retry"
        onClick={() => void attempt(session, () => phone.prepare())}
      >
        {t("common.retry")}
      </button>
    </div>
  );
}

/** Told with how many there are, and since when, by `CarsBanner`. */
const CARS_ALARM = "ecall_handed_over";

/** An alarm stands until its reason is gone; it cannot be put away, only be mended. */
function AlarmBanners() {
  const { t } = useTranslation();
  const { alarms } = useLive();
  return alarms
    .filter((code) => code !== CARS_ALARM)
    .map((code) => (
      <div key={code} className="banner banner-danger" role="alert" data-testid="alarm-banner" data-code={code}>
        <Icon name="warning" /> <span>{t([`alarm.${code}`, "alarm.unknown"], { code })}</span>
      </div>
    ));
}

/** Cars that a maker's centre has handed over: they rang nowhere, so this stands until somebody takes them. */
function CarsBanner() {
  const { t } = useTranslation();
  const state = useLive();
  const cars = carsUntaken(state);
  if (!state.alarms.includes(CARS_ALARM) && cars.length === 0) return null;
  const oldest = cars[0];
  return (
    <div className="banner banner-danger" role="alert" data-testid="alarm-banner" data-code={CARS_ALARM}>
      <Icon name="warning" />
      <span>
        {t(`alarm.${CARS_ALARM}`)}
        {oldest !== undefined && (
          <>
            {" "}
            {t("callback.cars", { cars: cars.length })} <Moment at={oldest.created_at} />
          </>
        )}
      </span>
    </div>
  );
}

export function Banners() {
  return (
    <div className="banners">
      <StaleBanner />
      <MicrophoneBanner />
      <UnavailableBanner />
      <AlarmBanners />
      <CarsBanner />
      <NoticeBanners />
      <MonitorBar />
    </div>
  );
}
