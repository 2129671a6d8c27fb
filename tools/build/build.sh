#!/usr/bin/env bash
# Builds the release in build/release, silently unless it fails. Options go to `meson setup`, again where they differ
# from those given before: `build.sh --prefix=/usr`.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=build/release
if ! mkdir -p build 2>/dev/null || [ ! -w build ]; then
    printf 'build: the folder build/ cannot be written: it may be another user'"'"'s (make clean as that user)\n' >&2
    exit 1
fi

configure() {
    printf 'configuring %s\n' "$folder"
    meson setup "$@" "$folder" --buildtype=release -Dtests=false >build/setup.log 2>&1 || {
        cat build/setup.log >&2
        exit 1
    }
}

if [ ! -f "$folder/build.ninja" ]; then
    rm -rf "$folder"
    configure "$@"
    printf '%s' "$*" >"$folder/options.txt"
elif [ $# != 0 ] && [ "$*" != "$(cat "$folder/options.txt")" ]; then
    configure --reconfigure "$@"
    printf '%s' "$*" >"$folder/options.txt"
fi
if ninja -C "$folder" -n | grep -q 'no work to do'; then
    exit 0
fi
printf 'building %s\n' "$folder"
ninja -C "$folder" >build/build.log 2>&1 || {
    cat build/build.log >&2
    exit 1
}
