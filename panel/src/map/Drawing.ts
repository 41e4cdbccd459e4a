/** MapLibre behind one small door: it draws a scene, and tells of clicks, of the pointer, of loss. */

import {
  addProtocol,
  Map as MapLibreMap,
  Marker,
  NavigationControl,
  ScaleControl,
  setWorkerUrl,
  type GeoJSONSource,
  type LngLat,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { Protocol } from "pmtiles";
import { boundsOf, type Outline } from "./geodesy";
import { CONFLICT_COLOUR } from "./look";
import { createMark, updateMark } from "./marks";
import type { Scene } from "./scene";
import { nearestZoom, styleOf, ZOOM_MAX } from "./style";
import type { MapFile, Position } from "./types";

// A file of our own origin, so that the content security policy needs no exception for it.
setWorkerUrl(workerUrl);
addProtocol("pmtiles", new Protocol().tile);

/** Latvia, for a map that has nothing to show yet. */
const HOME: [southWest: Outline[number], northEast: Outline[number]] = [
  [20.8, 55.6],
  [28.3, 58.1],
];

/** Pixels around what is fitted, so that no mark lies under the edge or a button. */
const MARGIN_PX = 48;

const FLIGHT_MS = 900;

/** How far a drawn outline may be from the true one; a circle of MapLibre's own 0.4 has corners. */
const SIMPLIFIED_PX = 0.05;

export interface DrawingOptions {
  maps: readonly MapFile[];
  scheme: "light" | "dark";
  /** MapLibre's own words, e.g. `Map.Title`. */
  locale: Record<string, string>;
  onPick: (place: Position) => void;
  /** Where the pointer is; `null` when it left. */
  onHover: (place: Position | null) => void;
  /** The graphics are lost, and (`false`) back again. */
  onLost: (lost: boolean) => void;
  /** The first picture is complete. */
  onDrawn: () => void;
}

export class Drawing {
  private readonly map: MapLibreMap;
  private readonly marks = new Map<string, Marker>();
  private readonly nearest: number;
  private readonly container: HTMLElement;
  private scene: Scene | null = null;
  private shownKey: string | null = null;
  /** A person is moving the map right now. */
  private held = false;
  /** What the map went to by itself; `null` since a person has moved it. */
  private goal: Outline | null = HOME;

  /** Throws where there is no WebGL. */
  constructor(container: HTMLElement, options: DrawingOptions) {
    this.container = container;
    this.nearest = nearestZoom(options.maps);
    this.map = new MapLibreMap({
      container,
      style: styleOf(options.maps, options.scheme, window.location.origin),
      bounds: HOME,
      maxZoom: ZOOM_MAX,
      // North is up, always: people speak of "north of the river".
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      renderWorldCopies: false,
      // Shown as text by the panel: what comes with a file is no HTML of ours.
      attributionControl: false,
      locale: options.locale,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.map.addControl(new ScaleControl(), "bottom-left");
    this.listen(options);
  }

  show(scene: Scene): void {
    this.scene = scene;
    this.drawMarks(scene);
    this.drawShapes(scene);
    if (scene.currentKey === this.shownKey) return;
    this.shownKey = scene.currentKey;
    // Whoever holds the map looks at something; the button leads back.
    if (!this.held) this.goToCurrent();
  }

  goToCurrent(): void {
    const outline = this.scene?.currentOutline;
    if (outline) this.fit(outline, FLIGHT_MS);
  }

  goTo({ lat, lon }: Position): void {
    this.fit([[lon, lat]], FLIGHT_MS);
  }

  remove(): void {
    for (const mark of this.marks.values()) mark.remove();
    this.marks.clear();
    this.map.remove();
  }

  private listen(options: DrawingOptions): void {
    const { map } = this;
    const place = ({ lngLat }: { lngLat: LngLat }): Position => {
      const { lat, lng } = lngLat.wrap();
      return { lat, lon: lng };
    };
    map.on("click", (event) => options.onPick(place(event)));
    map.on("mousemove", (event) => options.onHover(place(event)));
    map.on("mouseout", () => options.onHover(null));
    map.on("movestart", (event) => {
      if (!event.originalEvent) return;
      this.held = true;
      this.goal = null;
    });
    // What was fitted into another size is off the middle, or out of sight.
    map.on("resize", () => {
      if (this.goal) this.fit(this.goal, 0);
    });
    map.on("moveend", () => {
      this.held = false;
      this.tellView();
    });
    map.on("webglcontextlost", () => options.onLost(true));
    map.on("webglcontextrestored", () => options.onLost(false));
    map.on("styledata", () => {
      if (this.scene) this.drawShapes(this.scene);
    });
    void map.once("idle", () => {
      this.tellView();
      options.onDrawn();
    });
    // A tile that does not come leaves a gap in the picture and is asked for again when needed.
    map.on("error", () => undefined);
  }

  /** The view as attributes, by which a test proves where a click must lead. */
  private tellView(): void {
    const { lat, lng } = this.map.getCenter();
    Object.assign(this.container.dataset, {
      lat: String(lat),
      lon: String(lng),
      zoom: String(this.map.getZoom()),
    });
  }

  private fit(outline: Outline, duration: number): void {
    const bounds = boundsOf([outline]);
    if (bounds === null) return;
    this.goal = outline;
    this.map.fitBounds(bounds, { padding: MARGIN_PX, maxZoom: this.nearest, duration });
  }

  private drawMarks(scene: Scene): void {
    const wanted = new Set(scene.marks.map(({ key }) => key));
    for (const [key, marker] of this.marks) {
      if (wanted.has(key)) continue;
      marker.remove();
      this.marks.delete(key);
    }
    for (const mark of scene.marks) {
      let marker = this.marks.get(mark.key);
      if (marker === undefined) {
        marker = new Marker({ element: createMark() });
        marker.setLngLat([mark.lon, mark.lat]).addTo(this.map);
        this.marks.set(mark.key, marker);
      }
      updateMark(marker.getElement(), mark);
      marker.setLngLat([mark.lon, mark.lat]);
    }
  }

  private drawShapes({ areas, lines, trails }: Scene): void {
    const { map } = this;
    const known = map.getSource<GeoJSONSource>("areas");
    if (known) {
      // Refused when a newer scene overtakes it, or the map is gone.
      known.setData(areas).catch(() => undefined);
      map.getSource<GeoJSONSource>("lines")?.setData(lines).catch(() => undefined);
      map.getSource<GeoJSONSource>("trails")?.setData(trails).catch(() => undefined);
      return;
    }
    if (!map.isStyleLoaded() && map.getLayer("nowhere") === undefined) return;
    map.addSource("areas", { type: "geojson", data: areas, tolerance: SIMPLIFIED_PX });
    map.addSource("lines", { type: "geojson", data: lines });
    map.addSource("trails", { type: "geojson", data: trails });
    map.addLayer({
      id: "areas-fill",
      type: "fill",
      source: "areas",
      paint: { "fill-color": ["get", "colour"], "fill-opacity": ["*", 0.18, ["get", "opacity"]] },
    });
    map.addLayer({
      id: "areas-line",
      type: "line",
      source: "areas",
      paint: {
        "line-color": ["get", "colour"],
        "line-opacity": ["get", "opacity"],
        "line-width": ["case", ["get", "current"], 3, 1.5],
      },
    });
    map.addLayer({
      id: "trails-line",
      type: "line",
      source: "trails",
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": ["get", "colour"], "line-opacity": 0.55, "line-width": 4 },
    });
    map.addLayer({
      id: "lines-line",
      type: "line",
      source: "lines",
      paint: { "line-color": CONFLICT_COLOUR, "line-width": 2.5, "line-dasharray": [2, 1.5] },
    });
  }
}
