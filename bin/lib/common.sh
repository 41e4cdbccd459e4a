# Progress, logs, locking and stamps that all set-up steps share. Sourced, never run.
# shellcheck shell=bash

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LIB=$REPO/bin/lib
# Outside the working tree, so that a fresh clone finds everything made already.
CACHE=${CCSERVER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ccserver}
LOG_TAIL_LINES=25 # enough to show a compiler's or apt's error without scrolling it away

say() { printf 'set-up: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

now_us() { printf '%s' "${EPOCHREALTIME//[.,]/}"; }

# Seconds since a now_us value, with two decimals.
since() {
  local us=$(($(now_us) - $1))
  printf '%d.%02d s' $((us / 1000000)) $((us / 10000 % 100))
}

# A short content hash of files (their contents, not their names) and of stdin with "-".
hash_of() { cat -- "$@" | sha256sum | cut -c1-16; }

# A step's own text without its comments: a better explanation must not cost a compilation.
recipe_of() { grep -vE '^ *(#|$)' "$LIB/$1.sh"; }

can_be_root() { [ "$(id -u)" = 0 ] || { command -v sudo && sudo -n true; } >/dev/null 2>&1; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# A directory beside the results, so that a rename puts a finished one in place at once.
work_dir() {
  mkdir -p "$CACHE/work"
  mktemp -d "$CACHE/work/$1.XXXXXX"
}

# Put a finished directory in its place; whatever an earlier attempt left there goes.
publish() {
  mkdir -p "$(dirname "$2")"
  rm -rf -- "$2"
  mv -- "$1" "$2"
}

# Keep the newest directories of a kind; older ones belong to sources that have changed since.
# Nothing younger than a day goes: another clone or a running instance may use it.
prune() {
  local kind=$1 keep=$2
  find "$CACHE" -maxdepth 1 -type d -name "$kind-*" -mtime +0 -printf '%T@ %p\n' |
    sort -rn | tail -n "+$((keep + 1))" | cut -d' ' -f2- | xargs -r -d '\n' rm -rf --
}

# step NAME TEXT [HINT]: make NAME if it is not there, one line on what it took.
#
# NAME_ready tells in milliseconds whether it is there; NAME_make makes it, in a shell of its own with
# `set -e`, its output in a log. NAME_blocked, where it exists, prints one line when making it is not
# possible at all. Only one process makes anything at a time; the others wait, then look again.
step() {
  local name=$1 text=$2 started log=$CACHE/logs/$1.log reason
  started=$(now_us)
  if "${name}_ready"; then
    [ -n "${SETUP_QUIET:-}" ] || say "$text: ready ($(since "$started"))"
    return 0
  fi
  if declare -F "${name}_blocked" >/dev/null && reason=$("${name}_blocked"); then die "$reason"; fi
  mkdir -p "$CACHE/logs"
  say "$text${3:+ ($3)} ..."
  (
    exec 9>"$CACHE/lock"
    flock --nonblock 9 || { say "another set-up is at work; waiting for it" && flock 9; }
    "${name}_ready" && exit
    rm -rf "$CACHE/work" # what a failed attempt left behind
    # The lock stays with this shell, so that nothing which a tool leaves running can hold it.
    NO_COLOR=1 bash "$LIB/setup.sh" make "$name" >"$log" 2>&1 9>&-
  ) || {
    tail -n "$LOG_TAIL_LINES" "$log" >&2
    die "$text: failed after $(since "$started"); the whole log is in $log"
  }
  "${name}_ready" || die "$text: was made but is not usable; the log is in $log"
  say "$text: done in $(since "$started")"
}
