# Debian packages. Sourced by setup.sh.
# shellcheck shell=bash

APT_LOCK_TIMEOUT_S=600 # a machine's own nightly upgrade may hold the lock for minutes
PACKAGE_GROUPS=${PACKAGE_GROUPS:-all}

packages_wanted() {
  awk -F '\t' -v groups="$PACKAGE_GROUPS" \
    '!/^#/ && NF && (groups == "all" || $2 == groups) { print $1 }' "$LIB/packages.txt"
}

packages_missing() {
  local installed
  # shellcheck disable=SC2016 # dpkg's own variables
  installed=$(packages_wanted | xargs dpkg-query -W \
    -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
  packages_wanted | grep -vxF -e "$installed" | paste -sd ' '
}

packages_ready() { [ -z "$(packages_missing)" ]; }

packages_blocked() {
  if ! command -v apt-get >/dev/null; then
    printf 'this is not Debian; ccserver sets itself up on Debian 12 and newer'
    return 0
  fi
  can_be_root && return 1
  printf 'root is needed once, run: sudo apt-get update && sudo apt-get install -y %s %s' \
    --no-install-recommends "$(packages_missing)"
}

# The tests start PostgreSQL servers of their own; the package shall not start one on its port.
packages_keep_postgresql_idle() {
  local dir=/etc/postgresql-common/createcluster.d
  as_root mkdir -p $dir
  printf 'create_main_cluster = false\n' | as_root tee $dir/ccserver.conf >/dev/null
}

packages_make() {
  local missing
  missing=$(packages_missing)
  echo "missing: $missing"
  case " $missing " in *" postgresql "*) packages_keep_postgresql_idle ;; esac
  as_root apt-get -o "DPkg::Lock::Timeout=$APT_LOCK_TIMEOUT_S" update
  # shellcheck disable=SC2086 # a list of package names, one word each
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o "DPkg::Lock::Timeout=$APT_LOCK_TIMEOUT_S" \
    install -y --no-install-recommends $missing
}
