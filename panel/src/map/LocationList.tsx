/** The same as on the map, in words: for screen readers, and for everybody when there is no picture. */

import { useTranslation } from "react-i18next";
import { Coordinates, CopyButton } from "./CoordinateBox";
import { distanceM } from "./geodesy";
import { ageOf, COLOURS, compassPoint, headingOf, isTrusted, lengthText, roundedAge } from "./look";
import type { MapLocation, Position } from "./types";

interface Properties {
  locations: readonly MapLocation[];
  current: string | null;
  conflicts: readonly (readonly [string, string])[];
  now: number;
  onGo: (place: Position) => void;
}

/** `AML · 35 m · 40 s` in words; also the text of a mark. */
export function useLocationText(): (location: MapLocation, age: number) => string {
  const { t, i18n } = useTranslation();
  return (location, age) => {
    const { unit, count } = roundedAge(age);
    const parts = [t(`map.source.${location.source}`)];
    if (location.radius_m !== null) parts.push(`± ${lengthText(location.radius_m, i18n.language)}`);
    parts.push(t(`map.age.${unit}`, { count }));
    if (!isTrusted(location)) parts.push(t("map.untrusted"));
    return parts.join(" · ");
  };
}

/** One of eight directions, for people who cannot see the arrow. */
function useHeading(): (degrees: number) => string {
  const { t } = useTranslation();
  return (degrees) => t(`map.heading.${compassPoint(degrees)}`);
}

export function LocationList({ locations, current, conflicts, now, onGo }: Properties) {
  const { t, i18n } = useTranslation();
  const text = useLocationText();
  const heading = useHeading();
  const byId = new Map(locations.map((location) => [location.location_id, location]));
  const against = (id: string): MapLocation[] =>
    conflicts
      .filter((pair) => pair.includes(id))
      .flatMap(([one, other]) => byId.get(one === id ? other : one) ?? []);
  if (locations.length === 0) return <p className="empty">{t("map.no_locations")}</p>;
  const newestFirst = [...locations].reverse();
  return (
    <ul className="map-list" aria-label={t("map.list")} data-testid="map-list">
      {newestFirst.map((location) => {
        const { location_id: id } = location;
        const degrees = headingOf(location);
        return (
          <li key={id} data-testid="map-place" data-current={id === current}>
            <span className="map-swatch" style={{ background: COLOURS[location.source] }} aria-hidden="true" />
            <div className="map-place-text">
              <p>
                <strong>{t(`map.kind.${location.kind}`)}</strong> {text(location, ageOf(location, now))}
                {id === current && <span className="map-current">{t("map.current")}</span>}
              </p>
              <Coordinates place={location} />
              {degrees !== null && <p className="faint">{t("map.moves", { heading: heading(degrees) })}</p>}
              {against(id).map((other) => (
                <p key={other.location_id} className="map-fault" data-testid="map-conflict">
                  {t("map.conflict_with", {
                    source: t(`map.source.${other.source}`),
                    distance: lengthText(distanceM(location, other), i18n.language),
                  })}
                </p>
              ))}
            </div>
            <button type="button" className="button" onClick={() => onGo(location)} data-testid="map-go">
              {t("map.show")}
            </button>
            <CopyButton place={location} />
          </li>
        );
      })}
    </ul>
  );
}
