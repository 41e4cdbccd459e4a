/** The look of the map under everything: the base map, and street level where an installer has it. */

import type { ExpressionSpecification, LayerSpecification, SourceSpecification, StyleSpecification } from "maplibre-gl";
import type { MapFile } from "./types";

interface Palette {
  /** Where the map knows nothing; neither land nor sea. */
  nowhere: string;
  sea: string;
  land: string;
  home: string;
  border: string;
  green: string;
  built: string;
  building: string;
  road: string;
  main: string;
  casing: string;
  rail: string;
  text: string;
  halo: string;
}

export const PALETTES: Record<"light" | "dark", Palette> = {
  light: {
    nowhere: "#d9dadb",
    sea: "#b5d3e7",
    land: "#e9e8e3",
    home: "#f8f7f2",
    border: "#8d8599",
    green: "#d3e6c8",
    built: "#ebe6df",
    building: "#d5cabd",
    road: "#ffffff",
    main: "#f6d58b",
    casing: "#b9b1a5",
    rail: "#8a8a90",
    text: "#1c232b",
    halo: "#ffffff",
  },
  dark: {
    nowhere: "#0c0e10",
    sea: "#17303f",
    land: "#1d2126",
    home: "#272d34",
    border: "#8a8399",
    green: "#23352a",
    built: "#2c3138",
    building: "#3b424b",
    road: "#4c5560",
    main: "#7a6636",
    casing: "#15191d",
    rail: "#767b83",
    text: "#e9eef5",
    halo: "#12161b",
  },
};

/**
 * Fonts of the machine itself, first found first: with no `glyphs` in the style, MapLibre draws each
 * letter from them, Latvian and Cyrillic ones too, and asks no server.
 */
const FONTS = ["system-ui", "Segoe UI", "Noto Sans", "DejaVu Sans", "sans-serif"];

/** Beyond it there is nothing more to see in either map; a house fills the screen. */
export const ZOOM_MAX = 19;

/** From here on the street map's names are as many as fit. */
const STREET_NAMES_ZOOM = 10;

/** The land alone: a street map of it need not reach out to sea. */
const LATVIA: MapFile["bounds"] = [21.0, 55.7, 28.2, 58.05];

/** How near the map goes by itself: to a house, or to a parish where there are no streets. */
export function nearestZoom(maps: readonly MapFile[]): number {
  return maps.some((map) => map.name !== "base") ? 17 : 12;
}

export function styleOf(maps: readonly MapFile[], scheme: "light" | "dark", origin: string): StyleSpecification {
  const palette = PALETTES[scheme];
  const sources: Record<string, SourceSpecification> = {};
  const areas: LayerSpecification[] = [];
  const labels: LayerSpecification[] = [];
  const named = maps.some((map) => map.name !== "base" && covers(map.bounds, LATVIA));
  for (const map of maps) {
    sources[map.name] = { type: "vector", url: `pmtiles://${new URL(map.url, origin).href}` };
    const parts = map.name === "base" ? baseLayers(palette, named) : streetLayers(map.name, palette);
    areas.push(...parts.filter(({ type }) => type !== "symbol"));
    labels.push(...parts.filter(({ type }) => type === "symbol"));
  }
  return {
    version: 8,
    sources,
    layers: [
      { id: "nowhere", type: "background", paint: { "background-color": palette.nowhere } },
      ...areas,
      ...labels,
    ],
  };
}

function fill(source: string, layer: string, colour: string, minzoom = 0): LayerSpecification {
  return {
    id: `${source}-${layer}`,
    type: "fill",
    source,
    "source-layer": layer,
    minzoom,
    paint: { "fill-color": colour },
  };
}

function text(palette: Palette): NonNullable<SymbolLayer["paint"]> {
  return { "text-color": palette.text, "text-halo-color": palette.halo, "text-halo-width": 1.4 };
}

function covers(outer: MapFile["bounds"], inner: MapFile["bounds"]): boolean {
  return outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
}

/** `named`: the street map has the names from `STREET_NAMES_ZOOM` on, so that none stands twice. */
function baseLayers(palette: Palette, named: boolean): LayerSpecification[] {
  const base = { source: "base" };
  return [
    fill("base", "sea", palette.sea),
    {
      ...base,
      id: "base-land",
      type: "fill",
      "source-layer": "land",
      paint: { "fill-color": ["case", ["get", "home"], palette.home, palette.land] },
    },
    {
      ...base,
      id: "base-border",
      type: "line",
      "source-layer": "border",
      paint: { "line-color": palette.border, "line-width": 1.5, "line-dasharray": [4, 2] },
    },
    {
      ...base,
      id: "base-place",
      type: "symbol",
      "source-layer": "place",
      maxzoom: named ? STREET_NAMES_ZOOM : 24,
      layout: {
        "text-field": ["get", "name"],
        "text-font": FONTS,
        "text-size": ["match", ["get", "rank"], 1, 18, 2, 15, 3, 14, 4, 13, 12],
        "symbol-sort-key": ["-", 0, ["get", "population"]],
        "text-padding": 4,
      },
      paint: text(palette),
    },
  ];
}

/** The layers that `bin/map-street` makes, and by which any other overlay is drawn. */
function streetLayers(source: string, palette: Palette): LayerSpecification[] {
  const wide = (base: number): LayerWidth => ["interpolate", ["exponential", 1.6], ["zoom"], 8, base / 4, 13, base, 18, base * 8];
  return [
    fill(source, "green", palette.green),
    fill(source, "built", palette.built),
    fill(source, "water", palette.sea),
    line(source, "waterway", palette.sea, wide(1.2)),
    fill(source, "building", palette.building, 13),
    line(source, "rail", palette.rail, wide(0.9)),
    { ...line(source, "road", palette.casing, wide(2.6)), id: `${source}-casing`, minzoom: 12 },
    { ...line(source, "road", palette.road, wide(2)), filter: ["!", MAIN] },
    { ...line(source, "road", palette.main, wide(2.6)), id: `${source}-main`, filter: MAIN },
    label(source, "road", palette, { "symbol-placement": "line", "text-size": 12 }, 13),
    label(source, "number", palette, { "text-size": 11 }, 16, "number"),
    label(source, "place", palette, { "text-size": 13, "symbol-sort-key": ["get", "rank"] }, STREET_NAMES_ZOOM),
  ];
}

type LineLayer = Extract<LayerSpecification, { type: "line" }>;
type LayerWidth = NonNullable<NonNullable<LineLayer["paint"]>["line-width"]>;
type SymbolLayer = Extract<LayerSpecification, { type: "symbol" }>;

const MAIN: ExpressionSpecification = ["match", ["get", "class"], ["motorway", "main"], true, false];

function line(source: string, layer: string, colour: string, width: LayerWidth): LineLayer {
  return {
    id: `${source}-${layer}`,
    type: "line",
    source,
    "source-layer": layer,
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": colour, "line-width": width },
  };
}

function label(
  source: string,
  layer: string,
  palette: Palette,
  layout: NonNullable<SymbolLayer["layout"]>,
  minzoom: number,
  field = "name",
): SymbolLayer {
  return {
    id: `${source}-${layer}-label`,
    type: "symbol",
    source,
    "source-layer": layer,
    minzoom,
    layout: { "text-field": ["get", field], "text-font": FONTS, ...layout },
    paint: text(palette),
  };
}
