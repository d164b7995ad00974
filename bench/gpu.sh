#!/usr/bin/env bash
# Measures all there is on this machine's GPU, in one go and without a network,
# into bench/results/<device>.{json,md,svg}.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  cat <<'TEXT'
Usage: bash bench/gpu.sh [--small]

Measures, each for so many seconds at most:

  doctor                                        60
  the kernel tests                              60
  the CPU cost of a step                        20
  what the device can do at best                20
  the embedded models                     2 x  20
  llama13b of random weights in Q4_0, Q4_K_M
    and Q8_0, at depths 0 and 2048         3 x  40
  GPU time by stage and kernel of Q4_0          20
  several generations at once, scores of many
    continuations, grammars                3 x  15
  loading, beside a plain loop             3 x  20
  every kernel on the shapes of llama13b       130
  what llama13b should take by all that         10

and writes bench/results/<device>.json, .md and .svg: less than 8 minutes. What
is not done in its time is left out, and the report says so. --small takes sizes
for a software driver, and less than 3 minutes on llvmpipe. It needs Deno 2.9 or
later with the packages of deno.json cached, and no network.
TEXT
  exit 0
fi

small=
if [ "${1:-}" = --small ]; then small=yes; fi

export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp}
# Without Vulkan, Deno would take OpenGL, which is many times slower.
if [ "$(uname)" = Linux ]; then
  export DENO_WEBGPU_BACKEND=${DENO_WEBGPU_BACKEND:-vulkan}
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
step() { echo "== $1 ($SECONDS s)"; }
note() { echo "$1" | tee -a "$out/notes.txt" >&2; }

# Runs a command for that many seconds at most; macOS has no timeout.
at_most() {
  if command -v timeout >/dev/null; then
    timeout --signal=INT --kill-after=10 "$@"
  else
    "${@:2}"
  fi
}

# part NAME SECONDS COMMAND ...: what fails is told in the report, and the rest
# is worth measuring all the same.
part() {
  local name=$1 seconds=$2 code=0
  shift 2
  at_most "$seconds" "$@" || code=$?
  case $code in
    0) ;;
    124 | 137) note "$name: not done in $seconds seconds" ;;
    *) note "$name: FAILED ($code)" ;;
  esac
}

# Runs a program of this project.
run() { part "$1" "$2" deno run -A --cached-only "${@:3}"; }

step doctor
run doctor 60 cli.ts doctor --json >"$out/doctor.json"

step "kernel tests"
tests=(src/kernels src/gpu)
seconds=60
if [ -n "$small" ]; then
  tests=(src/kernels/matvec_test.ts src/kernels/attention_test.ts src/gpu)
  seconds=20
fi
part "kernel tests" "$seconds" deno test -A --cached-only --quiet --parallel \
  "${tests[@]}" >"$out/tests.log" 2>&1
tail -n 3 "$out/tests.log"

step "CPU cost of a step"
run "CPU cost" 20 bench/encode.ts --json | tee "$out/encode.json"

step "what the device can do"
run probe 20 bench/probe.ts ${small:+--small} --json | tee "$out/probe.json"

step models
lengths=(-p "64,512" -n 128 -r 5)
if [ -n "$small" ]; then lengths=(-p 64 -n 32 -r 2); fi
for model in models/*.gguf; do
  run "$model" 20 cli.ts bench "$model" "${lengths[@]}" -o jsonl \
    >>"$out/models.jsonl"
done

step "llama13b of random weights"
shape=(--shape llama13b)
lengths=(-p 512 -n 128 -d "0,2048")
seconds=40
if [ -n "$small" ]; then
  # Two layers of a tenth of the width: a quarter of a second a prompt.
  shape+=(--layers 2 --dim 512 --hidden 1280 --heads 4 --vocabulary 4096)
  lengths=(-p 64 -n 16 -d "0,512")
  seconds=20
fi
for type in q4_0 q4_k_m q8_0; do
  run "llama13b $type" "$seconds" bench/synthetic.ts "${shape[@]}" \
    --type "$type" "${lengths[@]}" -r 3 -o jsonl | tee -a "$out/synthetic.jsonl"
done

step "GPU time by stage and kernel"
run profile 20 bench/synthetic.ts "${shape[@]}" --type q4_0 "${lengths[@]}" \
  --profile -r 3 -o jsonl >"$out/profile.jsonl"

step "generations at once, scores, grammars"
rounds=9
if [ -n "$small" ]; then rounds=1; fi
{
  run "generations at once" 15 bench/batch.ts
  run scores 15 bench/score.ts --rounds "$rounds" --tokens 1,4,8
  run grammars 15 bench/structure.ts models/tiny-archangel-q8_0.gguf "$rounds"
} | tee "$out/generation.txt"

step loading
size=1024
if [ -n "$small" ]; then size=64; fi
for type in q4_0 q4_k f16; do
  run "loading $type" 20 bench/load.ts "$type:$size" 3
done | tee -a "$out/generation.txt"

step kernels
# What matters most comes first, should the time not do for all.
formats=Q4_0,Q8_0,Q4_K,Q6_K,F16,Q5_K,Q3_K,Q2_K,BF16,F32,Q4_1,Q5_0,Q5_1
formats+=,IQ4_XS,IQ4_NL,IQ3_S,IQ3_XXS,IQ2_S,IQ2_XS,IQ2_XXS,IQ1_M,IQ1_S
formats+=,TQ1_0,TQ2_0,MXFP4
which=(--variants tuned)
seconds=130
if [ -n "$small" ]; then
  which=(--small)
  seconds=60
fi
run "kernel benchmark" "$seconds" cli.ts bench --kernels "${which[@]}" \
  --formats "$formats" -o jsonl --plot "$out/roofline.svg" >"$out/kernels.jsonl"

step "what is to be expected"
run expect 10 bench/expect.ts --results "$out" >"$out/expect.md"

step report
deno run -A --cached-only bench/report.ts "$out"
