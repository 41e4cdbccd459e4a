# The panel, built by Vite from a copy of panel/, so that the working tree stays as it is.
# Sourced by setup.sh.
# shellcheck shell=bash

PANEL_SOURCE=$REPO/panel
PANEL_SKIP=(node_modules dist coverage .vite) # what a developer's own build leaves in the tree

panel_files() {
  local skip=() name
  for name in "${PANEL_SKIP[@]}"; do skip+=(-name "$name" -prune -o); done
  (cd "$PANEL_SOURCE" && find . "${skip[@]}" -type f -print0 | LC_ALL=C sort -z)
}

# Set PANEL (its built copy) and PANEL_MODULES (what npm installed for it).
panel_locate() {
  [ -e "$PANEL_SOURCE/package-lock.json" ] || return 1
  node_locate
  PANEL=$CACHE/panel-$(panel_files | (cd "$PANEL_SOURCE" && xargs -0 sha256sum) |
    { recipe_of panel && echo "$NODE_ID" && cat; } | hash_of -)
  PANEL_MODULES=$CACHE/modules-$(echo "$NODE_ID" |
    hash_of "$PANEL_SOURCE/package.json" "$PANEL_SOURCE/package-lock.json" -)
}

panel_ready() { panel_locate && [ -e "$PANEL/dist/index.html" ]; }

panel_blocked() {
  [ ! -e "$PANEL_SOURCE/package-lock.json" ] &&
    printf 'panel/package.json or panel/package-lock.json is missing, so there is no panel to build'
}

# npm ci takes most of the time and depends on the lock only, so its result serves every later build.
panel_modules() {
  local work
  [ -d "$PANEL_MODULES" ] && return 0
  work=$(work_dir modules)
  cp "$PANEL_SOURCE"/package*.json "$work"
  [ ! -e "$PANEL_SOURCE/.npmrc" ] || cp "$PANEL_SOURCE/.npmrc" "$work"
  (cd "$work" && npm ci)
  publish "$work" "$PANEL_MODULES"
  prune modules 3
}

panel_make() {
  local work
  panel_locate
  export PATH=$NODE_BIN:$PATH
  panel_modules
  work=$(work_dir panel)
  panel_files | (cd "$PANEL_SOURCE" && tar --null -cf - --files-from=-) | tar -xf - -C "$work"
  cp -al "$PANEL_MODULES/node_modules" "$work/node_modules"
  (cd "$work" && npm run build)
  publish "$work" "$PANEL"
  prune panel 5
}
