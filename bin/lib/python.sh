# The virtual environment with exactly what requirements.lock pins. Sourced by setup.sh.
# shellcheck shell=bash

LOCK=$REPO/requirements.lock

# Set CC_PYTHON (the first Python on the PATH that is new enough and can make environments), CC_PYTHON_ID
# (what of it a built environment depends on) and VENV. Fails where there is none.
python_locate() {
  local name
  [ -n "${VENV:-}" ] && return 0
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    CC_PYTHON=$(command -v "$name") || continue
    CC_PYTHON_ID=$("$CC_PYTHON" -c '
import ensurepip, sys, sysconfig
assert sys.version_info >= (3, 11)
print(sys.implementation.cache_tag, sysconfig.get_platform(), sys.base_prefix, sys.version)
' 2>/dev/null) || continue
    VENV=$CACHE/venv-$(printf '%s' "$CC_PYTHON_ID" | hash_of "$LOCK" -)
    return 0
  done
  CC_PYTHON='' VENV=''
  return 1
}

python_ready() { python_locate && [ -e "$VENV/complete" ]; }

python_blocked() {
  python_locate && return 1
  printf 'no Python 3.11 or newer with venv is on the PATH'
}

# An environment cannot be moved once made, so the stamp tells a finished one from a broken one.
python_make() {
  python_locate
  rm -rf "$VENV"
  "$CC_PYTHON" -m venv "$VENV"
  "$VENV/bin/python" -m pip install --require-hashes --no-deps -r "$LOCK"
  "$VENV/bin/python" -m pip check
  touch "$VENV/complete"
  prune venv 3
}

# For maintainers: pin everything anew from pyproject.toml, as PyPI itself serves it. The user's own
# pip settings stay out, so that no mirror's files and names get into the lock.
python_update_lock() {
  local compile=(env -u PIP_FIND_LINKS -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL
    PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="bin/setup --update-lock"
    "$VENV/bin/pip-compile" --quiet --upgrade --generate-hashes --no-emit-index-url
    --no-emit-find-links --no-emit-trusted-host --strip-extras --allow-unsafe)
  cd "$REPO" || return
  "${compile[@]}" --extra dev -o requirements.lock pyproject.toml
  cd "$LIB" && "${compile[@]}" -o node.lock node.in && "${compile[@]}" -o map.lock map.in
}
