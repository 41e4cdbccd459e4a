/** What of a message is for the second look: what is odd, additional data, the octets themselves. */

import { useTranslation } from "react-i18next";
import type { AdditionalData, DataItem, Oddity } from "../api/ecall";
import { translateCode } from "../i18n";
import { CopyText } from "../shared/CopyText";
import { Icon } from "../shared/Icon";
import { faultWords } from "./fault-words";
import { groupedHex, linesOf } from "./words";

/** What the server noticed, for whoever knows the standard: folded, and in the server's own words. */
function Exactly({ lines }: { lines: readonly (readonly [code: string, detail: string])[] }) {
  const { t } = useTranslation();
  if (lines.every(([, detail]) => detail === "")) return null;
  return (
    <details className="car-exactly" data-testid="car-exactly">
      <summary>{t("ecall.detail_title")}</summary>
      <ul lang="en">
        {lines.map(([code, detail], index) => (
          <li key={`${code}-${index}`}>
            <code>{code}</code>
            {detail !== "" && `: ${detail}`}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** What was strange about something that was read all the same; a code that is not known here stands for itself. */
export function Oddities({ oddities }: { oddities: readonly Oddity[] }) {
  const { t } = useTranslation();
  if (oddities.length === 0) return null;
  const codes = [...new Set(oddities.map(({ code }) => code))];
  return (
    <div className="car-odd" data-testid="car-oddities">
      <p>
        <Icon name="warning" size={16} /> {t("ecall.odd")}
      </p>
      <ul>
        {codes.map((code) => (
          <li key={code} data-code={code}>
            {translateCode("ecall.oddity", code, code)}
          </li>
        ))}
      </ul>
      <Exactly lines={oddities.map(({ code, detail }) => [code, detail])} />
    </div>
  );
}

/** Why an item cannot be read. */
export function FaultNote({ item }: { item: DataItem }) {
  const { t } = useTranslation();
  const { fault, error } = item;
  if (fault === null && error === null) return null;
  const code = fault?.code ?? "unknown";
  return (
    <div data-testid="data-item-error" data-code={code}>
      <p className="car-warning">
        <Icon name="warning" size={16} /> {t("ecall.unreadable_item", { error: faultWords(fault, error) })}
      </p>
      {fault !== null && <Exactly lines={[[code, error ?? ""]]} />}
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
