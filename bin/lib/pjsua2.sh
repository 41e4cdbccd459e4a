# The pjsua2 wheel: the SIP phones of the simulator. Sourced by setup.sh.
#
# PyPI's pjsua2 lacks the library that it wraps, so the wheel is built from the pjproject source that
# Debian's Asterisk carries. It is kept outside the environments, keyed by Python, source and recipe.
# shellcheck shell=bash

pjsua2_locate() {
  local tag
  python_locate || return 1
  asterisk_locate
  [ -e "$ASTERISK/pjproject.id" ] || return 1
  tag=${CC_PYTHON_ID%% *}
  PJSUA2=$CACHE/wheels/$tag/$({ recipe_of pjsua2 && echo "$CC_PYTHON_ID"; } |
    hash_of - "$ASTERISK/pjproject.id")
}

pjsua2_ready() { pjsua2_locate && [ -e "$VENV/pjsua2-${PJSUA2##*/}" ]; }

pjsua2_make() {
  pjsua2_locate
  compgen -G "$PJSUA2/*.whl" >/dev/null || pjsua2_build
  "$VENV/bin/python" -m pip install --no-index --no-deps --force-reinstall "$PJSUA2"/*.whl
  "$VENV/bin/python" -c 'import pjsua2; pjsua2.Endpoint().libCreate()'
  touch "$VENV/pjsua2-${PJSUA2##*/}"
}

# One process plays a whole night shift: many phones, each with a player and a recorder. The limits
# of the library are sized for one phone.
pjsua2_limits() {
  cat <<EOF
#define PJ_IOQUEUE_MAX_HANDLES 1024
#define PJSUA_MAX_CALLS 64
#define PJSUA_MAX_ACC 64
#define PJSUA_MAX_PLAYERS 128
#define PJSUA_MAX_RECORDERS 128
EOF
}

# L16 is off because its many payload types push an INVITE over the size of one UDP packet; Opus and
# UPnP because their libraries would be picked up where they happen to be installed.
pjsua2_configure() {
  CFLAGS='-fPIC -O2' CXXFLAGS='-fPIC -O2' ./configure --disable-video --disable-sound \
    --disable-libwebrtc --disable-opencore-amr --disable-silk --disable-bcg729 --disable-libyuv \
    --disable-gsm-codec --disable-speex-codec --disable-speex-aec --disable-ilbc-codec \
    --disable-g7221-codec --disable-l16-codec --disable-opus --disable-upnp \
    --with-external-srtp --enable-libsamplerate --disable-resample
}

pjsua2_build() {
  local work jobs include=../../../..
  work=$(work_dir pjsua2)
  jobs=$(nproc)
  mkdir "$work/source" "$work/wheel"
  tar -xf "$ASTERISK/pjproject.tar.xz" -C "$work/source" --strip-components 1
  cd "$work/source" || return
  pjsua2_limits >pjlib/include/pj/config_site.h
  # Debian's tarball leaves this file out although the build lists it; without sound it is empty.
  : >pjmedia/src/pjmedia-audiodev/bdimad_dev.c
  pjsua2_configure
  # No `make dep`: lists of what depends on what matter only to a second build.
  make lib -j "$jobs"
  cd pjsip-apps/src/swig/python || return
  swig -I$include/pjlib/include -I$include/pjlib-util/include -I$include/pjmedia/include \
    -I$include/pjsip/include -I$include/pjnath/include \
    -c++ -w312 -threads -python -o pjsua2_wrap.cpp ../pjsua2.i
  # The wrapper is glue: optimising it takes minutes and gains nothing.
  CFLAGS='-O0 -g0' "$VENV/bin/python" setup.py bdist_wheel --dist-dir "$work/wheel"
  cd / || return
  publish "$work/wheel" "$PJSUA2"
  rm -rf "$work"
}
