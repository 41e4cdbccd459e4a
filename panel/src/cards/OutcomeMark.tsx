import { useTranslation } from "react-i18next";
import type { Outcome } from "../api/types";
import { Icon, type IconName } from "../shared/Icon";

const ICONS: Record<Outcome, IconName> = {
  waiting: "clock",
  answered: "phone",
  parachute: "parachute",
  abandoned: "missed",
  cut_off: "warning",
  ended: "check",
  unreached: "outbound",
};

interface Properties {
  outcome: Outcome;
  medium: string | null;
}

/** How a contact stands, by sign and word; the colour only repeats it. Whoever texts is in no call. */
export function OutcomeMark({ outcome, medium }: Properties) {
  const { t } = useTranslation();
  const texting = outcome === "answered" && medium !== null && medium !== "voice";
  return (
    <span className={`outcome outcome-${outcome}`} data-testid="outcome" data-outcome={outcome}>
      <Icon name={texting ? "message" : ICONS[outcome]} size={16} /> {t(texting ? "texts.texting" : `outcome.${outcome}`)}
    </span>
  );
}
