/** Parts that the strips of the call panel share. */

import { useTranslation } from "react-i18next";
import { usePhone } from "../app/session";
import { readableNumber } from "../shared/format";
import { Icon } from "../shared/Icon";

/** A caller's number in large type; a hidden one is marked, for the law shows it to 112. */
export function CallerNumber({ number, hidden }: { number: string | null; hidden: boolean }) {
  const { t } = useTranslation();
  return (
    <span className="caller-number" data-testid="caller-number">
      {number === null ? t("contact.no_number") : readableNumber(number)}
      {hidden && <span className="chip">{t("contact.hidden_number")}</span>}
    </span>
  );
}

export function Key({ children }: { children: string }) {
  return <kbd aria-hidden="true">{children}</kbd>;
}

export function MediaWarning() {
  const { t } = useTranslation();
  const { media, microphone, call } = usePhone();
  if (call?.stage !== "talking") return null;
  const keys = [
    ...(media === "ok" ? [] : [`media.${media}`]),
    ...(microphone === "ended" ? ["microphone.ended"] : []),
  ];
  return keys.map((key) => (
    <p key={key} className="strip-warning" role="alert" data-testid="media-warning">
      <Icon name="warning" /> {t(key)}
    </p>
  ));
}
