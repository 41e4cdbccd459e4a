import { useTranslation } from "react-i18next";
import { LANGUAGE_NAMES, LANGUAGES, currentLanguage } from "../i18n";
import type { Language } from "../api/types";

export function LanguageSwitch({ onChange }: { onChange: (language: Language) => void }) {
  const { t } = useTranslation();
  const current = currentLanguage();
  return (
    <div className="languages" role="group" aria-label={t("app.language")}>
      {LANGUAGES.map((language) => (
        <button
          key={language}
          type="button"
          lang={language}
          title={LANGUAGE_NAMES[language]}
          aria-label={`${language.toUpperCase()}, ${LANGUAGE_NAMES[language]}`}
          aria-pressed={language === current}
          data-testid={`language-${language}`}
          onClick={() => onChange(language)}
        >
          {language.toUpperCase()}
        </button>
      ))}
    </div>
  );
}
