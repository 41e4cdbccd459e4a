/** One Minimum Set of Data as a call taker reads it: where, which way, what car, who is in it. */

import { useTranslation } from "react-i18next";
import type { MSDView } from "../api/ecall";
import { currentLanguage, translateCode } from "../i18n";
import { Coordinates, CopyButton } from "../map";
import { compassPoint } from "../map/look";
import { CopyText } from "../shared/CopyText";
import { clockTime, dayOf, metres } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Age, Moment } from "../shared/Time";
import { AdditionalFacts, Octets, Oddities } from "./MSDDetails";
import { EnergyIcon } from "./EnergyIcon";
import { byDanger, cameFrom, clockOf, groupedVIN, isHazardous, oddTold } from "./words";

function Fact({ name, testid, wide = false, children }: {
  name: string;
  testid: string;
  wide?: boolean;
  children: React.ReactNode;
}) {
  return (
    <div className={wide ? "car-fact car-fact-wide" : "car-fact"} data-testid={testid}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** How old the data are, as far as the car's clock can be believed. */
function Clock({ msd }: { msd: MSDView }) {
  const { t } = useTranslation();
  const state = clockOf(msd);
  const language = currentLanguage();
  const said = msd.sent_at === null ? "" : `${dayOf(language, msd.sent_at)} ${clockTime(language, msd.sent_at)}`;
  const warning = state === "failed" ? t("ecall.clock_failed") : t("ecall.clock_absurd", { time: said });
  return (
    <p className="car-line car-age" data-testid="car-age" data-clock={state}>
      {t("ecall.told_since")} <Age since={msd.received_at} />
      {state === "ok" && msd.sent_at !== null && (
        <span className="faint">
          {" "}
          · {t("ecall.first_sent")} <Moment at={msd.sent_at} />
        </span>
      )}
      {state !== "ok" && (
        <span className="car-warning">
          <Icon name="warning" size={16} /> {warning}
        </span>
      )}
    </p>
  );
}

function Place({ msd }: { msd: MSDView }) {
  const { t } = useTranslation();
  const { lat, lon, trusted } = msd;
  if (lat === null || lon === null) {
    return (
      <p className="car-warning" role="note" data-testid="car-no-position">
        <Icon name="warning" size={18} /> {t("ecall.no_position")}
      </p>
    );
  }
  return (
    <>
      <p className="car-place" data-testid="car-position" data-trusted={trusted}>
        <Coordinates place={{ lat, lon }} /> <CopyButton place={{ lat, lon }} />
      </p>
      <div className="car-trust">
        {trusted ? (
          <p className="car-line car-good">
            <Icon name="check" size={16} /> {t("ecall.trusted")}
          </p>
        ) : (
          <p className="car-warning" role="note" data-testid="car-untrusted">
            <Icon name="warning" size={18} /> {t("ecall.untrusted")}
          </p>
        )}
        <Clock msd={msd} />
      </div>
    </>
  );
}

function Heading({ degrees }: { degrees: number | null }) {
  const { t } = useTranslation();
  if (degrees === null) return <span className="car-unknown">{t("ecall.unknown")}</span>;
  return (
    <span className="car-heading">
      <svg width={28} height={28} viewBox="0 0 24 24" aria-hidden="true" focusable="false" style={{ rotate: `${degrees}deg` }}>
        <path d="M12 1l6 11h-4v11h-4V12H6z" />
      </svg>
      {t("ecall.direction_of", { degrees, heading: t(`map.heading.${compassPoint(degrees)}`) })}
    </span>
  );
}

function Trail({ msd }: { msd: MSDView }) {
  const { t } = useTranslation();
  const steps = cameFrom(msd);
  if (steps.length === 0) return null;
  return (
    <Fact name={t("ecall.trail")} testid="car-trail">
      {steps
        .map(({ distance, bearing }) =>
          t("ecall.trail_point", { distance: metres(distance), heading: t(`map.heading.${compassPoint(bearing)}`) }),
        )
        .join("; ")}
    </Fact>
  );
}

function Energies({ energies }: { energies: readonly string[] }) {
  const { t } = useTranslation();
  if (energies.length === 0) return <span className="car-unknown">{t("ecall.unknown")}</span>;
  return (
    <ul className="energies">
      {byDanger(energies).map((energy) => (
        <li
          key={energy}
          className={isHazardous(energy) ? "energy energy-hazard" : "energy"}
          data-testid="car-energy"
          data-energy={energy}
        >
          <EnergyIcon energy={energy} />
          <span>
            <strong>{translateCode("ecall.energy", energy, energy)}</strong>
            {isHazardous(energy) && <span> – {t(`ecall.hazard.${energy}`)}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Vehicle({ msd }: { msd: MSDView }) {
  const { t } = useTranslation();
  const { make, model_year, vehicle_type } = msd;
  const type = vehicle_type === null ? null : translateCode("ecall.type", vehicle_type, vehicle_type);
  return (
    <Fact name={t("ecall.type_title")} testid="car-vehicle">
      <span data-testid="car-type">{type ?? <span className="car-unknown">{t("ecall.unknown")}</span>}</span>
      <span className="car-line" data-testid="car-make">
        {make ?? <span className="car-unknown">{t("ecall.make_unknown")}</span>}
        {model_year !== null && <span className="faint">, {t("ecall.model_year", { year: model_year })}</span>}
      </span>
    </Fact>
  );
}

function raisedBy({ test, automatic }: MSDView): "test" | "automatic" | "manual" {
  if (test) return "test";
  return automatic ? "automatic" : "manual";
}

/** What is to be read while the caller speaks; it fits beside the call on a small screen. */
export function CarFacts({ msd }: { msd: MSDView }) {
  const { t } = useTranslation();
  return (
    <>
      <dl className="car-facts" data-testid="car-facts">
        <Fact name={t("ecall.position")} testid="car-place" wide>
          <Place msd={msd} />
        </Fact>
        <Fact name={t("ecall.occupants")} testid="car-occupants">
          {msd.occupants === null ? (
            <span className="car-unknown">{t("ecall.unknown")}</span>
          ) : (
            <>
              <strong className="car-count digits">{msd.occupants}</strong>{" "}
              <span className="faint">{t("ecall.occupants_hint")}</span>
            </>
          )}
        </Fact>
        <Fact name={t("ecall.direction")} testid="car-direction">
          <Heading degrees={msd.direction_deg} />
        </Fact>
        <Vehicle msd={msd} />
        <Fact name={t("ecall.energy_title")} testid="car-energies" wide>
          <Energies energies={msd.energy} />
        </Fact>
      </dl>
      <Oddities oddities={oddTold(msd.oddities)} />
    </>
  );
}

/** What is asked for later: by whoever identifies the car, or looks into a fault. */
export function MoreCarFacts({ msd }: { msd: MSDView }) {
  const { t } = useTranslation();
  return (
    <>
      <dl className="car-facts" data-testid="car-more">
        <Fact name={t("ecall.vin")} testid="car-vin">
          <span className="digits car-vin">{groupedVIN(msd.vin)}</span>{" "}
          <CopyText small text={msd.vin} label={t("ecall.copy_vin")} testid="car-vin-copy" />
        </Fact>
        <Trail msd={msd} />
        <Fact name={t("ecall.raised.title")} testid="car-raised">
          {t(`ecall.raised.${raisedBy(msd)}`)}
        </Fact>
        <Fact name={t("ecall.message")} testid="car-message">
          {t("ecall.message_of", { n: msd.message_identifier, version: msd.version })}
        </Fact>
      </dl>
      <AdditionalFacts additional={msd.additional} />
      <Octets hex={msd.hex} />
    </>
  );
}
