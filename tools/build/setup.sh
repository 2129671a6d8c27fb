#!/usr/bin/env bash
# Sees to everything that one of the Makefile's doors needs, and installs what is missing: `setup.sh build`, `test`,
# `bench`, `reliability` or `wheels`. Says nothing and takes no time when all is there. Knows Debian packages and Python environments under
# build/; knows nothing of how Tilework is built.
set -euo pipefail
cd "$(dirname "$0")/../.."
level=${1:-build}

# Daemons lie there, where not every user looks.
PATH=$PATH:/usr/sbin:/sbin

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
library() { have pkg-config && pkg-config --exists "$1"; }

# The Python that can make environments: the one on PATH, else the system's.
python_with_venv() {
    local python
    for python in python3 /usr/bin/python3; do
        if have "$python" && "$python" -c 'import venv, ensurepip' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    return 1
}

# Clang's sanitizer and fuzzer runtimes are a package of their own, named after Clang's version.
clang_runtime() {
    compgen -G "$(clang -print-resource-dir)/lib/*/libclang_rt.fuzzer*" >/dev/null
}

missing_packages() {
    # CC may be several words ("ccache gcc").
    printf '#include <stdio.h>\n' | ${CC:-cc} -E - >/dev/null 2>&1 || echo gcc libc6-dev
    have meson || echo meson
    have ninja || echo ninja-build
    have pkg-config || echo pkg-config
    library libxxhash || echo libxxhash-dev
    library jansson || echo libjansson-dev
    if [ "$level" = test ]; then
        have gcc || echo gcc libc6-dev
        if have clang; then
            clang_runtime || echo "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
        else
            echo clang
        fi
        library cmocka || echo libcmocka-dev
        have valgrind || echo valgrind
        have mandoc || echo mandoc
    fi
    if [ "$level" = bench ] || [ "$level" = reliability ]; then
        have gcc || echo gcc libc6-dev
    fi
    if [ "$level" != build ] && [ ! -x "$environment/bin/python" ]; then
        python_with_venv >/dev/null || echo python3-venv
    fi
}

# Packages that are useful but not needed: if one is not available, what needs it says so and is left out.
wished_packages() {
    case "$level" in
    test)
        have ccache || echo ccache
        have spin || echo spin
        have chromium || have chromium-browser || have google-chrome || echo chromium
        have munged || echo munge
        have slurmctld || echo slurmctld
        have slurmd || echo slurmd
        have sbatch || echo slurm-client
        have mpirun.openmpi || echo openmpi-bin
        have mpirun.mpich || echo mpich
        have unshare || echo util-linux
        have linux.uml || echo user-mode-linux
        have uml_switch || echo uml-utilities
        have rpc.nfsd || echo nfs-kernel-server
        have mke2fs || echo e2fsprogs
        have ip || echo iproute2
        have insmod || echo kmod
        library fuse3 || echo libfuse3-dev
        ;;
    reliability)
        have mpirun && have mpicc || echo openmpi-bin libopenmpi-dev
        have munged || echo munge
        have slurmctld || echo slurmctld
        have slurmd || echo slurmd
        have sbatch || echo slurm-client
        ;;
    wheels)
        have mmdebstrap || echo mmdebstrap
        have qemu-aarch64-static || echo qemu-user-static
        have ccache || echo ccache
        have gcc || echo gcc libc6-dev
        [ -e /usr/include/zlib.h ] || echo zlib1g-dev
        compgen -G "/usr/include/*/ffi.h" >/dev/null || echo libffi-dev
        have dpkg-source || echo dpkg-dev
        ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Debian starts the daemons of a package when it installs it, unless this file says no. The tests start their own.
policy=/usr/sbin/policy-rc.d
keep_daemons_still() {
    [ -e "$policy" ] && return
    trap 'as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

install_packages() {
    have apt-get || fail "please install what Debian calls $*"
    if [ "$(id -u)" != 0 ]; then
        have sudo && sudo -n true 2>/dev/null || fail "please install these packages: apt-get install $*"
    fi
    say "installing $*"
    keep_daemons_still
    local -a get=(as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    local -a install=("${get[@]}" install -y --no-install-recommends "$@")
    mkdir -p build
    # Package lists may be missing or stale: one update, then one more try.
    if ! "${install[@]}" >build/apt.log 2>&1; then
        "${get[@]}" update >>build/apt.log 2>&1 || true
        "${install[@]}" >>build/apt.log 2>&1 || {
            tail -n 5 build/apt.log >&2
            fail "apt-get could not install $* (all it said is in build/apt.log)"
        }
    fi
}

# make_environment FOLDER REQUIREMENTS: a Python environment that holds the packages listed. With `some` as a third
# word, packages that are not available are skipped with a line.
make_environment() {
    local folder=$1 list=$2 some=${3:-} python line
    [ -x "$folder/bin/python" ] && cmp -s "$list" "$folder/installed.txt" && return
    python=$(python_with_venv) || fail "no Python that can make environments was found: please install python3-venv"
    say "making a Python environment in $folder"
    rm -rf "$folder"
    mkdir -p build
    "$python" -m venv "$folder" || fail "$python could not make an environment in $folder"
    local -a pip=("$folder/bin/python" -m pip install --quiet --disable-pip-version-check)
    if ! "${pip[@]}" -r "$list" 2>"$folder/pip.log"; then
        if [ -z "$some" ]; then
            tail -n 3 "$folder/pip.log" >&2
            fail "pip could not install the packages in $list (all it said is in $folder/pip.log)"
        fi
        grep -v '^#' "$list" | while read -r line; do
            "${pip[@]}" "$line" 2>>"$folder/pip.log" || say "$line is not available here, so it is left out"
        done
    fi
    cp "$list" "$folder/installed.txt"
}

case "$level" in
build) environment= ;;
test) environment=build/venv ;;
bench) environment=build/venv-bench ;;
reliability) environment=build/venv-reliability ;;
wheels) environment=build/venv-wheels ;;
*) fail "unknown level '$level': one of build, test, bench, reliability, wheels" ;;
esac

# Twice, as the name of Clang's runtime package is known only when Clang is there.
for round in 1 2 3; do
    mapfile -t missing < <(missing_packages | tr ' ' '\n' | sort -u)
    [ ${#missing[@]} = 0 ] && break
    [ "$round" = 3 ] && fail "still missing after installing it: ${missing[*]}"
    install_packages "${missing[@]}"
done

# All at once, since each call of apt-get takes its time; one by one if that fails.
mapfile -t wished < <(wished_packages | tr ' ' '\n' | sort -u)
if [ ${#wished[@]} != 0 ] && ! (install_packages "${wished[@]}"); then
    for one in "${wished[@]}"; do
        (install_packages "$one") || say "continuing without $one"
    done
fi

case "$level" in
test)
    make_environment "$environment" tools/build/requirements-test.txt
    make_environment build/venv-package tools/build/requirements-package.txt some
    make_environment build/venv-nodes tools/build/requirements-nodes.txt some
    ;;
reliability) make_environment "$environment" tools/build/requirements-reliability.txt some ;;
wheels) make_environment "$environment" tools/build/requirements-wheels.txt ;;
bench) make_environment "$environment" tools/build/requirements-bench.txt some ;;
esac
