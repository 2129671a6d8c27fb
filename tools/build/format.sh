#!/usr/bin/env bash
# Lays out every C source as .clang-format says, with the version of clang-format that the tests use. With --check
# nothing is changed and files that differ are named.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(compgen -G 'build/venv/lib/python3*/site-packages/clang_format/data/bin/clang-format')
mode=(-i)
[ "${1:-}" = --check ] && mode=(--dry-run --Werror)
find include src cli python tests bench reliability fuzz examples -name '*.[ch]' -print0 | xargs -0 "$program" "${mode[@]}"
