/** What is special about a contact, in signs and words: language, redial, escalation, silence. */

import { useTranslation } from "react-i18next";
import type { ContactMsg } from "../api/types";
import { ServiceMarks } from "../ecall/ServiceMarks";
import { translateCode } from "../i18n";
import { Icon, type IconName } from "../shared/Icon";

interface MarkProperties {
  name: string;
  icon: IconName;
  strong?: boolean;
  children: string;
}

function Mark({ name, icon, strong = false, children }: MarkProperties) {
  return (
    <span className={strong ? "badge badge-strong" : "badge"} data-testid={`mark-${name}`}>
      <Icon name={icon} size={16} /> {children}
    </span>
  );
}

/** Nothing for an ordinary contact, so that a mark is always news. */
export function Marks({ contact }: { contact: ContactMsg }) {
  const { t } = useTranslation();
  const { language } = contact;
  return (
    <>
      <ServiceMarks asked={contact} />
      {contact.direction === "outbound" && (
        <Mark name="outbound" icon="outbound">
          {t("mark.outbound")}
        </Mark>
      )}
      {language !== null && (
        <Mark name="language" icon="language">
          {translateCode("language", language, language)}
        </Mark>
      )}
      {contact.redial && (
        <Mark name="redial" icon="redial">
          {t("mark.redial")}
        </Mark>
      )}
      {contact.escalated && (
        <Mark name="escalated" icon="escalated" strong>
          {t("mark.escalated")}
        </Mark>
      )}
      {contact.cannot_speak && (
        <Mark name="cannot-speak" icon="silent" strong>
          {t("mark.cannot_speak")}
        </Mark>
      )}
      {contact.silent && !contact.cannot_speak && (
        <Mark name="silent" icon="silent" strong>
          {t("mark.silent")}
        </Mark>
      )}
    </>
  );
}

/** Somebody who may be in danger and cannot talk: said large, with what to do now. */
export function SilenceNotice({ contact }: { contact: ContactMsg }) {
  const { t } = useTranslation();
  if (!contact.silent && !contact.cannot_speak) return null;
  const kind = contact.cannot_speak ? "cannot_speak" : "silent";
  return (
    <div className="silence" role="alert" data-testid="silence-notice" data-kind={kind}>
      <Icon name="silent" size={40} />
      <div>
        <p className="silence-title">{t(`silence.${kind}`)}</p>
        <ul>
          <li>{t("silence.listen")}</li>
          <li>{t("silence.ask_keys")}</li>
          <li>{t("silence.keys_55")}</li>
          <li>{t("silence.stay")}</li>
        </ul>
      </div>
    </div>
  );
}
