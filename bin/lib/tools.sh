# tools.json: where everything is that set-up made or found. Sourced by setup.sh.
# shellcheck shell=bash disable=SC2153 # PANEL and MAP are set by panel_locate and map_locate

json_string() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# A program's path as JSON, or null where it is not installed.
json_program() {
  local path
  if path=$(command -v "$1"); then json_string "$path"; else printf null; fi
}

json_list() {
  local separator='' item
  printf '['
  for item in "$@"; do
    printf '%s' "$separator"
    json_string "$item"
    separator=', '
  done
  printf ']'
}

tools_text() {
  local command panel=null map_dirs=''
  mapfile -t command <"$ASTERISK/command"
  if [ -z "${SETUP_WITHOUT_PANEL:-}" ]; then
    panel=$(json_string "$PANEL/dist")
    # Street level stands in a place of its own: a new base map must not lose it.
    map_dirs=$(json_list "$MAP" "$CACHE/street")
  fi
  cat <<EOF
{
  "asterisk": {
    "command": $(json_list "${command[@]}"),
    "modules_dir": $(json_string "$(<"$ASTERISK/modules_dir")"),
    "data_dir": $(json_string "$(<"$ASTERISK/data_dir")"),
    "version": $(json_string "$(<"$ASTERISK/version")")
  },
  "sounds_dir": $(json_string "$SOUNDS"),
  "panel_dir": $panel,
  "map_dirs": ${map_dirs:-[]},
  "python": $(json_string "$VENV/bin/python"),
  "chromium": $(json_program chromium),
  "sipp": $(json_program sipp),
  "kamailio": $(json_program kamailio),
  "sox": $(json_program sox)
}
EOF
}

tools_locate() {
  python_locate
  asterisk_locate
  sounds_locate
  [ -n "${SETUP_WITHOUT_PANEL:-}" ] || { panel_locate && map_locate; }
}

tools_ready() { tools_locate && [ "$(cat "$CACHE/tools.json" 2>/dev/null)" = "$(tools_text)" ]; }

tools_make() {
  local work
  tools_locate
  work=$(work_dir tools)
  tools_text >"$work/tools.json"
  mv "$work/tools.json" "$CACHE/tools.json"
  rmdir "$work"
}
