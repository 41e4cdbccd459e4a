/** English, Latvian and Russian; all bundled, so a change of language needs no network. */

import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type { Language } from "../api/types";
import addressesEn from "./addresses.en.json";
import addressesLv from "./addresses.lv.json";
import addressesRu from "./addresses.ru.json";
import cardEn from "./card.en.json";
import cardLv from "./card.lv.json";
import cardRu from "./card.ru.json";
import en from "./en.json";
import lv from "./lv.json";
import mapEn from "./map.en.json";
import mapLv from "./map.lv.json";
import mapRu from "./map.ru.json";
import routingEn from "./routing.en.json";
import routingLv from "./routing.lv.json";
import routingRu from "./routing.ru.json";
import ru from "./ru.json";

export const LANGUAGES: readonly Language[] = ["lv", "ru", "en"];

/** Each language under its own name, for people who cannot read the present one. */
export const LANGUAGE_NAMES: Record<Language, string> = {
  lv: "Latviešu",
  ru: "Русский",
  en: "English",
};

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
    resources: {
      en: { translation: { ...en, ...cardEn, ...mapEn, ...routingEn } },
      lv: { translation: { ...lv, ...cardLv, ...mapLv, ...routingLv } },
      ru: { translation: { ...ru, ...cardRu, ...mapRu, ...routingRu } },
      en: { translation: { ...en, ...addressesEn, ...cardEn, ...routingEn } },
      lv: { translation: { ...lv, ...addressesLv, ...cardLv, ...routingLv } },
      ru: { translation: { ...ru, ...addressesRu, ...cardRu, ...routingRu } },
    },
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
export function translateCode(prefix: string, code: string, fallback: string): string {
  const key = `${prefix}.${code}`;
  return i18next.exists(key) ? i18next.t(key) : fallback;
}
