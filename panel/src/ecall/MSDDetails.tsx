/** What of a message is for the second look: what is odd, additional data, the octets themselves. */

import { useTranslation } from "react-i18next";
import type { AdditionalData, Oddity } from "../api/ecall";
import { translateCode } from "../i18n";
import { CopyText } from "../shared/CopyText";
import { Icon } from "../shared/Icon";
import { groupedHex, linesOf, oddTold } from "./words";

export function Oddities({ oddities }: { oddities: readonly Oddity[] }) {
  const { t } = useTranslation();
  const told = oddTold(oddities);
  if (told.length === 0) return null;
  return (
    <div className="car-odd" data-testid="car-oddities">
      <p>
        <Icon name="warning" size={16} /> {t("ecall.odd")}
      </p>
      <ul>
        {told.map(({ code, detail }, index) => (
          <li key={`${code}-${index}`} data-code={code}>
            {translateCode("ecall.oddity", code, code)} {detail !== "" && <span className="faint">({detail})</span>}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Euro NCAP TB 040: where the car was hit. */
const EURO_NCAP = "8.1";

interface Crash {
  locationOfImpact?: string | null;
  rolloverDetected?: boolean;
  deltaV?: { deltaVX?: number; deltaVY?: number };
}

function CrashLines({ crash }: { crash: Crash }) {
  const { t } = useTranslation();
  const { locationOfImpact: place, rolloverDetected: rollover, deltaV } = crash;
  return (
    <dl className="car-lines">
      {place != null && (
        <div>
          <dt>{t("ecall.crash.impact")}</dt>
          <dd>{translateCode("ecall.crash.place", place, place)}</dd>
        </div>
      )}
      {rollover !== undefined && (
        <div>
          <dt>{t("ecall.crash.rollover")}</dt>
          <dd className={rollover ? "car-warning" : ""}>{t(rollover ? "ecall.crash.yes" : "ecall.crash.no")}</dd>
        </div>
      )}
      {deltaV && (
        <div>
          <dt>{t("ecall.crash.speed")}</dt>
          <dd>{t("ecall.crash.speed_of", { along: deltaV.deltaVX ?? "?", across: deltaV.deltaVY ?? "?" })}</dd>
        </div>
      )}
    </dl>
  );
}

export function Lines({ lines }: { lines: readonly (readonly [name: string, value: string])[] }) {
  if (lines.length === 0) return null;
  return (
    <dl className="car-lines">
      {lines.map(([name, value], index) => (
        <div key={`${name}-${index}`}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function AdditionalFacts({ additional }: { additional: AdditionalData | null }) {
  const { t } = useTranslation();
  if (additional === null) return null;
  const { oid, decoded, hex, cut } = additional;
  return (
    <div className="car-additional" data-testid="car-additional" data-oid={oid}>
      <h4>
        {t("ecall.additional")} <span className="faint digits">{oid}</span>
        {cut && <span className="badge badge-strong">{t("ecall.additional_cut")}</span>}
      </h4>
      {decoded !== null && oid === EURO_NCAP && <CrashLines crash={decoded} />}
      {decoded !== null && oid !== EURO_NCAP && <Lines lines={linesOf(decoded)} />}
      {decoded === null && hex !== "" && <code className="car-hex">{groupedHex(hex)}</code>}
    </div>
  );
}

/** Folded: of use to whoever looks into a fault. */
export function Octets({ hex, open = false }: { hex: string; open?: boolean }) {
  const { t } = useTranslation();
  if (hex === "") return null;
  return (
    <details className="car-octets" data-testid="car-octets" open={open}>
      <summary>{t("ecall.octets")}</summary>
      <code className="car-hex" data-testid="car-hex">
        {groupedHex(hex)}
      </code>
      <CopyText small text={hex} label={t("ecall.copy_hex")} testid="car-hex-copy" />
    </details>
  );
}
