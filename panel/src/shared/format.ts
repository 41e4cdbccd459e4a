/** Times and lengths as people read them: their zone, their language, 24 hours. */

import type { Language } from "../api/types";

const LOCALES: Record<Language, string> = { en: "en-GB", lv: "lv-LV", ru: "ru-RU" };

type Style = "time" | "short" | "date" | "day";

const STYLES: Record<Style, Intl.DateTimeFormatOptions> = {
  time: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  short: { hour: "2-digit", minute: "2-digit" },
  day: { day: "2-digit", month: "2-digit" },
  date: { day: "2-digit", month: "2-digit", year: "numeric" },
};

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: Language, style: Style): Intl.DateTimeFormat {
  const key = `${language}/${style}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(LOCALES[language], { ...STYLES[style], hourCycle: "h23" });
    formats.set(key, found);
  }
  return found;
}

function render(language: Language, style: Style, value: string): string {
  const at = Date.parse(value);
  return Number.isNaN(at) ? "–" : format(language, style).format(at);
}

/** `14:05:09` */
export function clockTime(language: Language, value: string): string {
  return render(language, "time", value);
}

/** `14:05` */
export function shortTime(language: Language, value: string): string {
  return render(language, "short", value);
}

/** `23.11.2026`, in the order of the language. */
export function dayOf(language: Language, value: string): string {
  return render(language, "date", value);
}

function padded(value: number): string {
  return String(value).padStart(2, "0");
}

/** `23.11.`, for a day of the present year. */
export function dayAndMonth(language: Language, value: string): string {
  return render(language, "day", value);
}

/** `0:07`, `12:30`, `1:02:03`; never negative. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = padded(whole % 60);
  return hours > 0 ? `${hours}:${padded(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** Seconds from `since` to `now`, both of the server's clock. */
export function secondsSince(since: string, now: number): number {
  return Math.max(0, (now - Date.parse(since)) / 1000);
}

/** Whole seconds left, rounded up, so that a countdown shows 0 only when time is over. */
export function secondsLeft(deadline: string, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(deadline) - now) / 1000));
}

/** A number grouped for reading aloud: `+371 2612 3456`; others stay as they are. */
export function readableNumber(value: string): string {
  const latvian = /^\+371(\d{4})(\d{4})$/.exec(value);
  if (latvian) return `+371 ${latvian[1]} ${latvian[2]}`;
  return value;
}

/** `350 m`, `1.2 km`: as near as anybody wants to know. */
export function metres(value: number): string {
  return value < 1_000 ? `${Math.round(value)} m` : `${(value / 1_000).toFixed(1)} km`;
}

/** `12 kB`, `3.4 MB` */
export function fileSize(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
