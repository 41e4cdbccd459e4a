/** English, Latvian and Russian; all bundled, so a change of language needs no network. */

import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type { Language } from "../api/types";

export const LANGUAGES: readonly Language[] = ["lv", "ru", "en"];

/** Each language under its own name, for people who cannot read the present one. */
export const LANGUAGE_NAMES: Record<Language, string> = {
  lv: "Latviešu",
  ru: "Русский",
  en: "English",
};

interface Texts {
  [key: string]: string | Texts;
}

const FILES = import.meta.glob<Texts>("./*.json", { eager: true, import: "default" });

/** `lv.json` and what parts of the panel bring along, `<part>.lv.json`. */
function textsOf(language: Language): Texts {
  const own = Object.entries(FILES).filter(([name]) => name.endsWith(`/${language}.json`) || name.endsWith(`.${language}.json`));
  return Object.assign({}, ...own.map(([, texts]) => texts)) as Texts;
}

const STORED_KEY = "ccserver.language";

function isLanguage(value: string | null | undefined): value is Language {
  return LANGUAGES.some((language) => language === value);
}

/** The language of this machine until somebody logs in: last used, else the browser's. */
function initialLanguage(): Language {
  const stored = localStorage.getItem(STORED_KEY);
  if (isLanguage(stored)) return stored;
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2));
  return wanted.find(isLanguage) ?? "lv";
}

export async function startI18n(language: Language = initialLanguage()): Promise<void> {
  i18next.on("languageChanged", (code) => {
    document.documentElement.lang = code;
    document.title = i18next.t("app.title");
  });
  await i18next.use(initReactI18next).init({
    resources: Object.fromEntries(LANGUAGES.map((one) => [one, { translation: textsOf(one) }])),
    lng: language,
    fallbackLng: "en",
    interpolation: { escapeValue: false }, // React escapes.
  });
}

export function currentLanguage(): Language {
  return isLanguage(i18next.language) ? i18next.language : "en";
}

export async function changeLanguage(language: Language): Promise<void> {
  localStorage.setItem(STORED_KEY, language);
  await i18next.changeLanguage(language);
}

/** The translation of a code of the server, or `fallback` for one that this panel does not know. */
export function translateCode(prefix: string, code: string, fallback: string, values: Record<string, string | number> = {}): string {
  const key = `${prefix}.${code}`;
  return i18next.exists(key) ? i18next.t(key, values) : fallback;
}

/** What others answered, as the server passes it on: `sip_469` of a telephone, `http_404` and `held_…` of a place's address. */
const PASSED_ON = /^(sip|http|held)_(\w+)$/;

/** Why something did not work, by the server's code. */
export function reasonWords(reason: string, fallback: string): string {
  const [, by, code] = PASSED_ON.exec(reason) ?? [];
  return by === undefined ? translateCode("reason", reason, fallback) : i18next.t(`reason.${by}`, { code });
}
