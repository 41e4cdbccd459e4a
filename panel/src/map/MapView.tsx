/** A card's locations: drawn on a map, and in words beside it. Without WebGL the words remain. */

import { Component, lazy, Suspense, useEffect, useMemo, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { CoordinateBox, Coordinates } from "./CoordinateBox";
import { LocationList, useLocationText } from "./LocationList";
import { COLOURS, lengthText } from "./look";
import { useMaps } from "./maps";
import { sceneOf } from "./scene";
import { SOURCES, type Candidate, type MapFile, type MapLocation, type MapUnit, type Position } from "./types";

const MapCanvas = lazy(() => import("./MapCanvas"));

/** Ages are told in seconds up to two minutes; finer than that is unrest. */
const AGE_TICK_MS = 5_000;

/** Leads back to the location that holds; free in MapLibre, which has the arrows, + and -. */
const HOME_KEY = "Home";

export interface MapViewProperties {
  locations: readonly MapLocation[];
  /** The id of the location that holds now. */
  current: string | null;
  /** Pairs of ids of locations that contradict each other. */
  conflicts: readonly (readonly [string, string])[];
  /** Places that could be meant, e.g. hits of the address search. */
  candidates?: readonly Candidate[];
  units?: readonly MapUnit[];
  /** Where to go; each new object goes there, also to the same place once more. */
  focus?: Position | null;
  /** A place was clicked or typed. Without it the map is only looked at. */
  onPick?: (place: Position) => void;
  /** Milliseconds since 1970 on the server's clock. */
  now?: () => number;
}

const NONE: readonly never[] = [];

function useNow(now: () => number): number {
  const [at, setAt] = useState(now);
  useEffect(() => {
    const timer = window.setInterval(() => setAt(now()), AGE_TICK_MS);
    return () => window.clearInterval(timer);
  }, [now]);
  return at;
}

export function MapView({
  locations,
  current,
  conflicts,
  candidates = NONE,
  units = NONE,
  focus = null,
  onPick,
  now = Date.now,
}: MapViewProperties) {
  const { t, i18n } = useTranslation();
  const maps = useMaps();
  const at = useNow(now);
  const text = useLocationText();
  const { language } = i18n;
  const [asked, setAsked] = useState<{ place: Position; after: Position | null } | null>(null);
  const [homing, setHoming] = useState(0);
  const [hovered, setHovered] = useState<Position | null>(null);
  const [typed, setTyped] = useState<Position | null>(null);
  const [state, setState] = useState<"loading" | "drawn" | "lost">("loading");
  // The newer of the two wishes: that of whoever placed the map here, or of whoever uses it.
  const goal = asked !== null && asked.after === focus ? asked.place : focus;
  const scene = useMemo(
    () =>
      sceneOf({ locations, current, conflicts, candidates, units }, at, {
        location: text,
        conflict: (metres) => lengthText(metres, language),
      }),
    // `text` is new each time and depends on nothing but the language.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [locations, current, conflicts, candidates, units, at, language],
  );
  const go = (place: Position): void => setAsked({ place: { ...place }, after: focus });
  const held = locations.find(({ location_id }) => location_id === current) ?? null;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== HOME_KEY || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    setHoming(homing + 1);
  };

  return (
    // The key is a short cut for the button beside it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <section className="map" aria-label={t("map.title")} data-testid="map" data-state={state} onKeyDown={onKeyDown}>
      <div className="map-picture">
        {state === "lost" && <p className="map-notice">{t("map.lost")}</p>}
        {state === "loading" && <p className="map-notice">{t("map.loading")}</p>}
        {maps?.length === 0 && state === "drawn" && <p className="map-notice">{t("map.no_base")}</p>}
        {maps !== null && (
          <WithoutPicture onFailed={() => setState("lost")}>
            <Suspense fallback={null}>
              <MapCanvas
                maps={maps}
                scene={scene}
                focus={goal}
                homing={homing}
                onPick={(place) => onPick?.(place)}
                onHover={setHovered}
                onLost={(lost) => setState(lost ? "lost" : "drawn")}
                onDrawn={() => setState("drawn")}
              />
            </Suspense>
          </WithoutPicture>
        )}
        <p className="map-hovered" aria-hidden="true" data-testid="map-hovered">
          {hovered !== null && <Coordinates place={hovered} />}
        </p>
      </div>
      <div className="map-side">
        <div className="map-box-line">
          <button
            type="button"
            className="button"
            disabled={held === null}
            onClick={() => setHoming(homing + 1)}
            data-testid="map-home"
          >
            {t("map.home")} <kbd>Home</kbd>
          </button>
        </div>
        <LocationList locations={locations} current={current} conflicts={conflicts} now={at} onGo={go} />
        <CoordinateBox
          place={typed}
          onPick={(place) => {
            setTyped(place);
            go(place);
            onPick?.(place);
          }}
        />
        <Legend locations={locations} />
        <Credits maps={maps ?? NONE} />
      </div>
    </section>
  );
}

/** The colours that are on the map now. */
function Legend({ locations }: { locations: readonly MapLocation[] }) {
  const { t } = useTranslation();
  const shown = SOURCES.filter((source) => locations.some((location) => location.source === source));
  if (shown.length === 0) return null;
  return (
    <ul className="map-legend" aria-label={t("map.legend")}>
      {shown.map((source) => (
        <li key={source}>
          <span className="map-swatch" style={{ background: COLOURS[source] }} aria-hidden="true" />
          {t(`map.source.${source}`)}
        </li>
      ))}
    </ul>
  );
}

function Credits({ maps }: { maps: readonly MapFile[] }) {
  const { t } = useTranslation();
  const owed = [...new Set(maps.map(({ attribution }) => attribution))].filter((one) => one !== "");
  if (owed.length === 0) return null;
  return (
    <p className="map-credits" data-testid="map-credits">
      {t("map.data")} {owed.join("; ")}
    </p>
  );
}

/** A map that cannot be loaded or drawn leaves the words beside it alone. */
class WithoutPicture extends Component<{ children: ReactNode; onFailed: () => void }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(): void {
    this.props.onFailed();
  }

  override render(): ReactNode {
    return this.state.failed ? null : this.props.children;
  }
}
