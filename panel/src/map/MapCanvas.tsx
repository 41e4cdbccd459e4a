/** The drawn map. Loaded when a map is first shown: MapLibre is larger than the whole panel. */

import "maplibre-gl/dist/maplibre-gl.css";
import { useEffect, useEffectEvent, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Drawing } from "./Drawing";
import type { Scene } from "./scene";
import type { MapFile, Position } from "./types";

interface Properties {
  maps: readonly MapFile[];
  scene: Scene;
  /** Where to go now; another value goes there, also to the same place once more. */
  focus: Position | null;
  /** Counts the wishes to go back to the location that holds. */
  homing: number;
  onPick: (place: Position) => void;
  onHover: (place: Position | null) => void;
  onLost: (lost: boolean) => void;
  onDrawn: () => void;
}

export default function MapCanvas({ maps, scene, focus, homing, ...listeners }: Properties) {
  const { t } = useTranslation();
  const container = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | null>(null);
  const onPick = useEffectEvent(listeners.onPick);
  const onHover = useEffectEvent(listeners.onHover);
  const onLost = useEffectEvent(listeners.onLost);
  const onDrawn = useEffectEvent(listeners.onDrawn);
  const firstScene = useEffectEvent(() => scene);
  const locale = useEffectEvent(() => ({
    "Map.Title": t("map.picture"),
    "NavigationControl.ZoomIn": t("map.zoom_in"),
    "NavigationControl.ZoomOut": t("map.zoom_out"),
  }));

  useEffect(() => {
    if (container.current === null) return;
    const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
    let made: Drawing;
    try {
      made = new Drawing(container.current, {
        maps,
        scheme: dark ? "dark" : "light",
        locale: locale(),
        onPick: (place) => onPick(place),
        onHover: (place) => onHover(place),
        onLost: (lost) => onLost(lost),
        onDrawn: () => onDrawn(),
      });
    } catch {
      onLost(true);
      return;
    }
    drawing.current = made;
    made.show(firstScene());
    return () => {
      drawing.current = null;
      made.remove();
    };
  }, [maps]);

  useEffect(() => drawing.current?.show(scene), [scene]);
  useEffect(() => {
    if (focus !== null) drawing.current?.goTo(focus);
  }, [focus]);
  useEffect(() => {
    if (homing > 0) drawing.current?.goToCurrent();
  }, [homing]);

  return <div ref={container} className="map-canvas" data-testid="map-canvas" />;
}
