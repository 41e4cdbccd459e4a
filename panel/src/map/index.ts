/** The map, for the rest of the panel. */

export { CoordinateBox, Coordinates, CopyButton } from "./CoordinateBox";
export { fromLKS92, lks92Text, parseCoordinates, toLKS92, wgs84Text } from "./coordinates";
export { MapView, type MapViewProperties } from "./MapView";
export type { Candidate, LocationKind, LocationSource, MapLocation, MapUnit, Position, Shape } from "./types";
