#!/usr/bin/env bash
# Installs the NumPy package into a Python environment that has what builds it: `package.sh build/venv-bench`. Silent
# unless it fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
environment=$1
export PATH="$PWD/$environment/bin:$PATH"
log="$environment/package.log"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps \
    --force-reinstall "--config-settings=build-dir=$PWD/$environment/package" . >"$log" 2>&1 || {
    printf 'the NumPy package cannot be installed here, so it is left out: %s\n' "$(tail -n 1 "$log")" >&2
}
