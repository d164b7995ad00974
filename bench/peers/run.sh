#!/usr/bin/env bash
# Measures Seraph against llama.cpp on one device: bash bench/peers/run.sh
set -euo pipefail

VERSION=3.22.1 # of node-llama-cpp, which brings llama.cpp v0.5.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/seraph-peers

usage() {
  cat <<TEXT
Usage: bash bench/peers/run.sh [--json] [--rounds N] [--no-cpu] [--cache DIR] [MODEL.gguf ...]

Measures prefill and decode of every model (models/tiny-archangel-q8_0.gguf
where none is given) with Seraph and with llama.cpp on Vulkan, on CUDA where
there is one, and on the CPU, in turns, and prints the devices that they used
and the ratios.

  --json       print one JSON document, samples included
  --rounds N   turns that each engine gets with each test, 3 by default
  --no-cpu     leave llama.cpp on the CPU out
  --cache DIR  where llama.cpp is installed from npm, once and 725 MB of it;
               $cache by default

It needs Node.js 20 or later with npm and, the first time, a network. The first
run compiles shaders for minutes.
TEXT
}

fail() {
  echo "error: $1" >&2
  exit 1
}

arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      usage
      exit 0
      ;;
    --cache)
      [ -n "${2:-}" ] || fail "--cache wants a folder"
      cache=$2
      shift 2
      ;;
    --rounds)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail "--rounds is \"${2:-}\", a number from 1 on is wanted"
      arguments+=("$1" "$2")
      shift 2
      ;;
    --json | --no-cpu)
      arguments+=("$1")
      shift
      ;;
    -*) fail "there is no option \"$1\": see --help" ;;
    *)
      [ -f "$1" ] || fail "there is no file \"$1\""
      arguments+=("$(realpath "$1")")
      shift
      ;;
  esac
done

command -v node >/dev/null || fail "Node.js is not installed: llama.cpp runs in it, version 20 or later is wanted"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] ||
  fail "Node.js is $(node --version), version 20 or later is wanted"

# npm may have been interrupted: the stamp says that it came to its end.
mkdir -p "$cache"
cache=$(realpath "$cache")
if [ ! -f "$cache/installed-$VERSION" ]; then
  command -v npm >/dev/null || fail "npm is not installed, it fetches llama.cpp"
  echo "Installing node-llama-cpp $VERSION, 725 MB, to $cache." >&2
  printf '{ "private": true, "dependencies": { "node-llama-cpp": "%s" } }\n' \
    "$VERSION" >"$cache/package.json"
  # Its scripts would fetch and build llama.cpp's source.
  npm install --prefix "$cache" --ignore-scripts --no-audit --no-fund \
    --loglevel=error >&2 ||
    fail "npm could not install node-llama-cpp $VERSION to $cache: check the network and the space there"
  touch "$cache/installed-$VERSION"
fi

cd "$(dirname "$0")/../.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
find_deno
ensure_adapter
# Without it, llama.cpp passes software devices over.
export GGML_VK_VISIBLE_DEVICES=${GGML_VK_VISIBLE_DEVICES:-0}
# Not exec: the trap of lib.sh cleans up behind it.
"${deno[@]}" run --quiet -A bench/peers/compare.ts --cache "$cache" \
  ${arguments[@]+"${arguments[@]}"}
