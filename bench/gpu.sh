#!/usr/bin/env bash
# Measures all there is on this machine's GPU, in one go and without a network,
# into bench/results/<device>.{json,md,svg}.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  cat <<'TEXT'
Usage: bash bench/gpu.sh [--small]

Runs doctor, the kernel tests (for 90 seconds at most), the CPU cost of a step,
what the device can do at best, every kernel on the shapes of llama13b, and the
embedded models, and writes bench/results/<device>.json, .md and .svg. It takes
less than 8 minutes on a GPU. --small takes sizes for a software driver. It needs
Deno 2.9 or later with the packages of deno.json cached, and no network.
TEXT
  exit 0
fi

small=()
if [ "${1:-}" = --small ]; then small=(--small); fi

export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp}
# Without Vulkan, Deno would take OpenGL, which is many times slower.
if [ "$(uname)" = Linux ]; then
  export DENO_WEBGPU_BACKEND=${DENO_WEBGPU_BACKEND:-vulkan}
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
run() { deno run -A --cached-only "$@"; }
step() { echo "== $1 ($SECONDS s)"; }

# Runs a command for that many seconds at most; macOS has no timeout.
at_most() {
  if command -v timeout >/dev/null; then timeout --signal=INT "$@"; else "${@:2}"; fi
}

step doctor
# What fails is told in the report: the rest is worth measuring all the same.
run cli.ts doctor --json >"$out/doctor.json" || [ -s "$out/doctor.json" ]

step "kernel tests"
tests=passed
at_most 90 deno test -A --cached-only --quiet --parallel \
  src/kernels src/gpu >"$out/tests.log" 2>&1 || tests="FAILED ($?)"
if [ "$tests" = "FAILED (124)" ]; then tests="not done in 90 seconds"; fi
tail -n 3 "$out/tests.log"

step "CPU cost of a step"
run bench/encode.ts --json | tee "$out/encode.json"

step "what the device can do"
run bench/probe.ts ${small[@]+"${small[@]}"} --json | tee "$out/probe.json"

step "models"
for model in models/*.gguf; do
  run cli.ts bench "$model" -p 64,512 -n 128 -r 5 -o jsonl >>"$out/models.jsonl"
done

step "kernels"
products=passed
which=(--variants tuned)
if [ ${#small[@]} -gt 0 ]; then which=("${small[@]}"); fi
at_most 270 deno run -A --cached-only cli.ts bench --kernels "${which[@]}" \
  -o jsonl --plot "$out/roofline.svg" >"$out/kernels.jsonl" || products=FAILED

step "report"
run bench/report.ts "$out" "$tests" "$products"
