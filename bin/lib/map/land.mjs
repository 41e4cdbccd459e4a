// Land, borders and sea around Latvia from Natural Earth (1 : 10 million), as GeoJSON for tippecanoe.
//
// node land.mjs ATLAS.json OUT_DIR: writes sea.json, land.json and border.json. Run where the panel's
// modules are (topojson-client).

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// From the working directory, not from this file, which has no modules beside it.
const { feature, mesh } = createRequire(join(process.cwd(), "package.json"))("topojson-client");

/** [west, south, east, north]: Latvia, its waters, and enough around it to know where one is. */
const BOUNDS = [17.5, 54.0, 31.5, 60.0];
const LATVIA = "428"; // ISO 3166-1 numeric

const [atlasFile, outDir] = process.argv.slice(2);
const atlas = JSON.parse(readFileSync(atlasFile, "utf8"));
const { countries } = atlas.objects;

function write(name, features) {
  const collection = { type: "FeatureCollection", features };
  writeFileSync(join(outDir, `${name}.json`), JSON.stringify(collection));
}

function positions(coordinates) {
  return typeof coordinates[0] === "number" ? [coordinates] : coordinates.flatMap(positions);
}

/** Whether the box around it touches ours. */
function near(geometry) {
  const points = positions(geometry.coordinates);
  const [lons, lats] = [points.map(([lon]) => lon), points.map(([, lat]) => lat)];
  const least = (values) => values.reduce((a, b) => Math.min(a, b));
  const most = (values) => values.reduce((a, b) => Math.max(a, b));
  const [west, south, east, north] = BOUNDS;
  return least(lons) <= east && most(lons) >= west && least(lats) <= north && most(lats) >= south;
}

const land = feature(atlas, countries).features.filter(({ geometry }) => near(geometry));
if (!land.some(({ id }) => id === LATVIA)) throw new Error(`no Latvia in ${atlasFile}`);

const [west, south, east, north] = BOUNDS;
const box = [[west, south], [east, south], [east, north], [west, north], [west, south]];
// The sea is drawn, so that what lies outside of the map does not look like one.
write("sea", [{ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [box] } }]);
write(
  "land",
  land.map(({ id, geometry }) => ({
    type: "Feature",
    properties: { home: id === LATVIA },
    geometry,
  })),
);
const shared = { ...countries, geometries: countries.geometries.filter(({ id }) => land.some((one) => one.id === id)) };
write("border", [
  { type: "Feature", properties: {}, geometry: mesh(atlas, shared, (one, other) => one !== other) },
]);
