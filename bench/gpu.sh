#!/usr/bin/env bash
# Measures all there is on this machine's GPU, in one go and without a network,
# into bench/results/<device>.{json,md}.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  cat <<'TEXT'
Usage: bash bench/gpu.sh [--small]

Runs doctor, the kernel tests, the CPU cost of a step and the speed of the
embedded models, and writes bench/results/<device>.json and .md. It takes a few
minutes (--small: on a software driver) and needs Deno 2.9 or later, with the packages of deno.json cached.
TEXT
  exit 0
fi

# A software driver gets the small sizes: bash bench/gpu.sh --small
probe=()
if [ "${1:-}" = --small ]; then probe=(--small); fi

export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp}
# Without Vulkan, Deno would take OpenGL, which is many times slower.
if [ "$(uname)" = Linux ]; then
  export DENO_WEBGPU_BACKEND=${DENO_WEBGPU_BACKEND:-vulkan}
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
run() { deno run -A --cached-only "$@"; }

echo "== doctor"
run cli.ts doctor
run cli.ts doctor --json >"$out/doctor.json"

echo "== kernel tests"
if deno test -A --cached-only --quiet src/kernels src/gpu >"$out/tests.log" 2>&1; then
  tests=passed
else
  tests=FAILED
fi
tail -n 3 "$out/tests.log"

echo "== CPU cost of a step"
run bench/encode.ts
run bench/encode.ts --json >"$out/encode.json"

echo "== what the device can do"
run bench/probe.ts ${probe[@]+"${probe[@]}"} --json | tee "$out/probe.json"

echo "== models"
for model in models/*.gguf; do
  run cli.ts bench "$model" -p 64,512 -n 128 -r 5 -o jsonl | tee -a "$out/models.jsonl"
done

run bench/report.ts "$out" "$tests"
