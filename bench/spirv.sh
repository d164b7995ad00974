#!/usr/bin/env bash
# Counts what matters in the SPIR-V of matrix-vector products:
#   bash bench/spirv.sh SHIM.c [FORMAT ...]
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -eq 0 ] || [ "$1" = --help ] || [ "$1" = -h ]; then
  cat <<'TEXT'
Usage: bash bench/spirv.sh SHIM.c [FORMAT ...]

Compiles the products of each format (Q4_0 Q4_K Q6_K Q8_0 F16) for hardware and
prints the loops, clamps, barriers, workgroup variables and storage loads of the
SPIR-V that naga makes of them.

SHIM.c is a Vulkan loader shim that writes each module to $SHIM_DIR as modNN.spv
and hands everything on to the real loader. It needs gcc and spirv-dis (Debian:
gcc, spirv-tools).
TEXT
  exit 0
fi

shim=$(realpath "$1")
shift
formats=("$@")
if [ $# -eq 0 ]; then formats=(Q4_0 Q4_K Q6_K Q8_0 F16); fi
script=$PWD/bench/spirv.ts
config=$PWD/deno.json
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
gcc -shared -fPIC -O1 -o "$out/libvulkan.so.1" "$shim" -ldl
cd "$out"
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp} DENO_WEBGPU_BACKEND=vulkan
LD_LIBRARY_PATH=$out SHIM_DIR=. SHIM_LOG=shim.log \
  deno run -A --config "$config" "$script" "${formats[@]}" >modules.txt

count() { grep -c -- "$1" module.txt || true; }
while read -r n name variant input; do
  spirv-dis "$(printf 'mod%02d.spv' "$n")" -o module.txt
  # Loads through a pointer into a storage buffer, by type.
  loads=$(awk '
    /= OpAccessChain %_ptr_StorageBuffer/ { storage[$1] = 1 }
    /= OpLoad/ && ($5 in storage) { sub("%", "", $4); loads[$4]++ }
    END { for (t in loads) printf " %d %s", loads[t], t }' module.txt)
  echo "$name $variant $input: $(count OpLoopMerge) loop," \
    "$(count 'OpVariable .* Workgroup$') workgroup variables," \
    "$(count OpControlBarrier) barriers, $(count ' UMin ') UMin," \
    "$(count OpSDot) OpSDot; storage loads:$loads"
done <modules.txt
