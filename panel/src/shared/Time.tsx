/** Leaves that tick by themselves, so that a second's passing redraws a few characters only. */

import { useEffect, useState } from "react";
import { useSession } from "../app/session";
import { currentLanguage } from "../i18n";
import { clockTime, dayAndMonth, dayOf, duration, secondsLeft, secondsSince, shortTime } from "./format";

/** Twice a second, so that no shown second is skipped. */
const TICK_MS = 500;

/** Milliseconds since 1970 on the server's clock, ticking. */
export function useServerNow(): number {
  const { clock } = useSession().live;
  const [now, setNow] = useState(() => clock.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(clock.now()), TICK_MS);
    return () => window.clearInterval(timer);
  }, [clock]);
  return now;
}

/** Time since a moment: `0:42`. */
export function Age({ since }: { since: string }) {
  return <span className="digits">{duration(secondsSince(since, useServerNow()))}</span>;
}

/** Time left until a moment, in seconds. */
export function Countdown({ deadline }: { deadline: string }) {
  return <span className="digits">{secondsLeft(deadline, useServerNow())}</span>;
}

/** What is left of a span, as a bar that shrinks; says nothing to a screen reader. */
export function CountdownBar({ deadline, total }: { deadline: string; total: number }) {
  const left = (Date.parse(deadline) - useServerNow()) / 1000;
  const share = Math.min(1, Math.max(0, left / total));
  return (
    <div className="countdown-bar" aria-hidden="true">
      <div style={{ transform: `scaleX(${share})` }} />
    </div>
  );
}

/** The time of day of a moment; the day too when it is not today, the year when not this one. */
export function Moment({ at, seconds = true }: { at: string; seconds?: boolean }) {
  const language = currentLanguage();
  const { clock } = useSession().live;
  const now = new Date(clock.now());
  const time = seconds ? clockTime(language, at) : shortTime(language, at);
  const today = dayOf(language, at) === dayOf(language, now.toISOString());
  const sameYear = new Date(at).getFullYear() === now.getFullYear();
  const day = sameYear ? dayAndMonth(language, at) : dayOf(language, at);
  return (
    <time dateTime={at} className="digits">
      {today ? time : `${day} ${time}`}
    </time>
  );
}
