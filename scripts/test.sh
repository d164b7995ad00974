#!/usr/bin/env bash
# Runs every test: bash scripts/test.sh [arguments of deno test]
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  cat <<'TEXT'
Usage: bash scripts/test.sh [file or option of "deno test" ...]

Runs the tests, kernels on the GPU included, or those in the given files.

It uses an installed Deno of 2.9 or later, else the one that npm brings. Where
WebGPU has no adapter it installs mesa-vulkan-drivers (as root or with sudo).
TEXT
  exit 0
fi

# shellcheck source=scripts/lib.sh
. scripts/lib.sh
find_deno
ensure_adapter
# Not exec: the trap of lib.sh cleans up behind it.
"${deno[@]}" task test "$@"
