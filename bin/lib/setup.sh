#!/bin/bash
# What the commands in bin/ need before they can run: setup_all, setup_python.
#
# Each step is NAME_ready (is it there, in milliseconds) and NAME_make (make it), see `step`. Results are
# named by the hash of what they are made from, so a changed lock file or prompt makes anew only what
# depends on it, and several clones share one cache.

# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
for part in packages python asterisk pjsua2 sounds node panel map tools; do
  # shellcheck source=/dev/null
  . "$LIB/$part.sh"
done

# The environment for `bin/ccserver` alone.
setup_python() {
  python_ready && return 0
  PACKAGE_GROUPS=python step packages 'Debian packages for Python'
  step python 'Python environment'
}

setup_all() {
  local started
  started=$(now_us)
  # pjproject's makefiles, apt's settings and the linker's path each stumble over some of these.
  case $CACHE in
  /*[[:space:]\"\'\\:]* | [!/]*) die "the cache directory $CACHE must be absolute, without spaces, quotes and colons; set CCSERVER_CACHE" ;;
  esac
  mkdir -p "$CACHE" || die "cannot make the cache directory $CACHE; set CCSERVER_CACHE"
  step packages 'Debian packages'
  step python 'Python environment'
  step asterisk "Asterisk $ASTERISK_MIN or newer" 'downloads about 100 MB'
  step pjsua2 'simulated SIP phones (pjsua2)' 'compiles for about 2 min'
  step sounds 'prompts and music'
  if [ -z "${SETUP_WITHOUT_PANEL:-}" ]; then
    step node 'Node for the panel'
    step panel 'panel'
    step map 'base map of Latvia'
  fi
  step tools 'tools.json'
  say "all ready in $(since "$started")"
}

# Become a Python module of this repository, in the environment that set-up made.
run_module() {
  export CCSERVER_CACHE=$CACHE # what runs inside looks for tools.json in the same place
  PYTHONPATH=$REPO${PYTHONPATH:+:$PYTHONPATH} exec "$VENV/bin/python" -m "$@"
}

# `setup.sh make NAME` is how `step` makes one thing in a shell of its own, see there.
if [ "${BASH_SOURCE[0]}" = "$0" ] && [ "${1:-}" = make ]; then
  set -euo pipefail
  PS4='+ '
  "${2}_make"
fi
