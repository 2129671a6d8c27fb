#!/usr/bin/env bash
# Installs the release under $PREFIX (/usr/local), below $DESTDIR where that is given. Builds first.
set -euo pipefail
from=$PWD
cd "$(dirname "$0")/../.."
absolute() { case "$1" in '' | /*) printf '%s' "$1" ;; *) printf '%s/%s' "$from" "$1" ;; esac; }
prefix=$(absolute "${PREFIX:-/usr/local}")
DESTDIR=$(absolute "${DESTDIR:-}")
export DESTDIR

if ! mkdir -p "$DESTDIR$prefix" 2>/dev/null || [ ! -w "$DESTDIR$prefix" ]; then
    printf 'install: %s cannot be written: use sudo, or a folder of your own (make install PREFIX=~/.local)\n' \
        "$DESTDIR$prefix" >&2
    exit 1
fi
tools/build/build.sh "--prefix=$prefix"
meson install -C build/release --no-rebuild --quiet
# The loader finds a library in a new place only after its cache has been made again.
if [ -z "$DESTDIR" ] && [ "$(id -u)" = 0 ] && command -v ldconfig >/dev/null; then
    ldconfig
fi
printf 'installed under %s\n' "$DESTDIR$prefix"

# A folder that the loader and pkg-config do not search must be named to them. The command itself runs from anywhere.
library=$(find "$prefix" -name libtilework.so -printf '%h\n' -quit 2>/dev/null || true)
searched=$( (ldconfig -v -N 2>/dev/null || /sbin/ldconfig -v -N 2>/dev/null || true) | sed -n 's|^\(/[^:]*\):.*|\1|p')
if [ -z "$DESTDIR" ] && [ -n "$library" ] && ! grep -qxF "$library" <<<"$searched"; then
    printf 'for programs that use it: export LD_LIBRARY_PATH=%s PKG_CONFIG_PATH=%s/pkgconfig\n' "$library" "$library"
fi
