#!/usr/bin/env bash
# Answers the model card's cake question with the embedded model.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  cat <<'TEXT'
Usage: bash scripts/demo.sh

Loads the embedded chat model, tiny-archangel, onto the GPU and lets it answer
the cake dialogue of Archangel's model card: once with the control token
<|good|> and once with <|bad|>, ending with the speed of each in tokens a second.

It uses an installed Deno of 2.9 or later, else the one that npm brings. Where
WebGPU has no adapter it installs mesa-vulkan-drivers (as root or with sudo).
TEXT
  exit 0
fi

if [ $# -gt 0 ]; then
  echo "error: demo.sh takes no arguments but --help, not \"$1\"" >&2
  exit 2
fi

# shellcheck source=scripts/lib.sh
. scripts/lib.sh
find_deno
ensure_adapter
"${deno[@]}" run --quiet -A scripts/demo.ts
