#!/usr/bin/env bash
# Counts dispatches and barriers of a step in the Vulkan command stream:
#   bash bench/commands.sh SHIM.c [MODEL ...]
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -eq 0 ] || [ "$1" = --help ] || [ "$1" = -h ]; then
  cat <<'TEXT'
Usage: bash bench/commands.sh SHIM.c [MODEL ...]

Prints, for each model, the dispatches and the pipeline barriers of one decode
step, without and with a long context, of one prompt batch, and of one and of
eight steps in the decode loop, where those of copies and of the choice of a
token come to them; for one layer, what each dispatch waits for:

  read       it reads what another one wrote
  write      it adds to what another one wrote
  overwrite  it writes what another one may still be reading
  layout     it only reads otherwise: the barrier could go
  none       it may run beside the one before

MODEL is a GGUF file, or SHAPE:TYPE for random weights (see bench/synthetic.ts);
models/tiny-archangel-q8_0.gguf and narrow13b:q4_0, which has the graph of
llama13b, where none is given.

SHIM.c is a Vulkan loader shim that logs vkCmdDispatch, vkCmdPipelineBarrier
with its buffers, and vkQueueSubmit to $SHIM_LOG, a line each, and hands
everything on to the real loader. It needs gcc.
TEXT
  exit 0
fi

shim=$(realpath "$1")
shift
models=("$@")
if [ $# -eq 0 ]; then models=(models/tiny-archangel-q8_0.gguf narrow13b:q4_0); fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
gcc -shared -fPIC -O1 -o "$out/libvulkan.so.1" "$shim" -ldl
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp} DENO_WEBGPU_BACKEND=vulkan
LD_LIBRARY_PATH=$out SHIM_DIR=$out SHIM_LOG=$out/commands.log \
  deno run -A bench/commands.ts "${models[@]}"
