# Asterisk 22.10 or newer, and the pjproject source that belongs to it. Sourced by setup.sh.
#
# Debian 12 and 13 have no Asterisk 22; the suites below have. Their packages are fetched from the
# machine's own Debian mirror by an apt with a state of its own, so that apt resolves the whole tree
# of libraries down to libc and checks every signature, while the host's packages stay as they are.
# They are only unpacked, and started through their own dynamic linker: no chroot, no root.
# shellcheck shell=bash

ASTERISK_MIN=22.10
ASTERISK_SUITES=(forky sid)
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

asterisk_locate() {
  ASTERISK=$CACHE/asterisk-$({ recipe_of asterisk && dpkg --print-architecture; } | hash_of -)
}

# `command` in it holds what starts Asterisk, one word a line; its last word must still be there.
asterisk_ready() {
  asterisk_locate
  [ -e "$ASTERISK/complete" ] && [ -x "$(tail -n 1 "$ASTERISK/command")" ]
}

asterisk_version_is_enough() { dpkg --compare-versions "${1#*:}" ge "$ASTERISK_MIN"; }

# The main archives among the machine's own sources, one "<uri> <suite>" a line. Release files need not
# have been fetched; other vendors' sources that borrow Debian's suite names simply lack our suites.
asterisk_mirrors() {
  local codename
  codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --no-release-info --format '$(COMPONENT) $(REPO_URI) $(RELEASE)' \
    'Created-By: Packages' |
    awk -v codename="$codename" '$1 == "main" && !seen[$0]++ &&
      ($3 == codename || $3 ~ /^(oldstable|stable|testing|unstable|sid)$/) { print $2, $3 }'
}

# The host's suite if its Asterisk is new enough, else nothing.
asterisk_host_version() {
  local version
  version=$(apt-cache policy asterisk | sed -n 's/^ *Candidate: //p')
  if [ -n "$version" ] && [ "$version" != "(none)" ] && asterisk_version_is_enough "$version"; then
    printf '%s' "$version"
  fi
}

# Write an apt configuration that knows one suite only and thinks that nothing is installed.
asterisk_apt_conf() {
  local dir=$1 uri=$2 suite=$3 type
  rm -rf "$dir"
  mkdir -p "$dir"/{state/lists/partial,cache/archives/partial,none}
  : >"$dir/status"
  for type in deb deb-src; do
    echo "$type [signed-by=$DEBIAN_KEYRING] $uri $suite main"
  done >"$dir/sources.list"
  cat >"$dir/apt.conf" <<EOF
Dir::State "$dir/state";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "$dir/none";
Dir::Etc::preferences "$dir/none";
Dir::Etc::preferencesparts "$dir/none";
APT::Default-Release "";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
EOF
}

asterisk_fetch_private() {
  local dir=$1 conf=$1/apt/apt.conf
  (cd "$dir" && apt-get -c "$conf" install -y --download-only asterisk asterisk-modules)
  mkdir "$dir/root"
  # shellcheck disable=SC2016 # expanded by the inner shells
  find "$dir/apt/cache/archives" -name '*.deb' -print0 |
    xargs -0 -n 8 -P 2 sh -c 'for deb; do dpkg-deb -x "$deb" "$0" || exit 255; done' "$dir/root"
  rm -rf "$dir"/root/usr/share/{doc,man,locale,info}
}

# Write what starts the Asterisk unpacked in a directory, once that directory has its final name.
asterisk_private_command() {
  local dir=$1 final=$2 modules lib linker
  modules=$(cd "$dir" && find root/usr/lib -path '*/asterisk/modules' | head -n 1)
  lib=${modules%/asterisk/modules}
  linker=$(cd "$dir" && find root/usr/lib* -maxdepth 2 -name 'ld*.so.*' -exec test -x {} ';' -print |
    sort | head -n 1)
  printf '%s\n' "$final/$linker" --library-path "$final/$lib" "$final/root/usr/sbin/asterisk" \
    >"$dir/command"
  echo "$final/$modules" >"$dir/modules_dir"
  echo "$final/root/usr/share/asterisk" >"$dir/data_dir"
}

# Install the host's Asterisk without letting its package start a server on the SIP port.
asterisk_install_host() {
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod +x $policy
    # shellcheck disable=SC2064 # the name is meant as it is now
    trap "as_root rm -f $policy" EXIT
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    asterisk asterisk-modules
  command -v /usr/sbin/asterisk >"$1/command"
  dpkg -L asterisk-modules | grep '/asterisk/modules$' >"$1/modules_dir"
  echo /usr/share/asterisk >"$1/data_dir"
}

# Find the first mirror and suite that has it; leaves an apt for it in DIR and prints the version.
asterisk_find() {
  local dir=$1 host_version=$2 uri host_suite suite version
  while read -r uri host_suite; do
    for suite in ${host_version:+"$host_suite"} "${ASTERISK_SUITES[@]}"; do
      asterisk_apt_conf "$dir/apt" "$uri" "$suite"
      apt-get -c "$dir/apt/apt.conf" update >&2 || continue
      version=$(apt-cache -c "$dir/apt/apt.conf" policy asterisk | sed -n 's/^ *Candidate: //p')
      asterisk_version_is_enough "$version" && printf '%s' "$version" && return 0
    done
  done < <(asterisk_mirrors)
  echo "none of the machine's Debian mirrors has Asterisk $ASTERISK_MIN or newer" >&2
  return 1
}

asterisk_make() {
  local work version host_version
  asterisk_locate
  work=$(work_dir asterisk)
  host_version=$(asterisk_host_version)
  version=$(asterisk_find "$work" "$host_version")
  (cd "$work" && apt-get -c apt/apt.conf source --download-only --only-source "asterisk=$version")
  mv "$work"/asterisk_*-Xpjproject.tar.xz "$work/pjproject.tar.xz"
  hash_of "$work/pjproject.tar.xz" >"$work/pjproject.id"
  if [ -n "$host_version" ] && can_be_root; then
    asterisk_install_host "$work"
    asterisk_start "$work"
  else
    asterisk_fetch_private "$work"
    asterisk_private_command "$work" "$work"
    asterisk_start "$work"
    asterisk_private_command "$work" "$ASTERISK"
  fi
  rm -rf "$work/apt" "$work"/asterisk_*
  touch "$work/complete"
  publish "$work" "$ASTERISK"
  prune asterisk 2
}

# Prove that it starts here, and note what it says it is.
asterisk_start() {
  local command
  mapfile -t command <"$1/command"
  "${command[@]}" -V | sed 's/^Asterisk //' | tee "$1/version"
}
