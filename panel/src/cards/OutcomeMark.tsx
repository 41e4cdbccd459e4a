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

/** How a contact stands, by sign and word; the colour only repeats it. */
export function OutcomeMark({ outcome }: { outcome: Outcome }) {
  const { t } = useTranslation();
  return (
    <span className={`outcome outcome-${outcome}`} data-testid="outcome" data-outcome={outcome}>
      <Icon name={ICONS[outcome]} size={16} /> {t(`outcome.${outcome}`)}
    </span>
  );
}
