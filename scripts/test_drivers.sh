#!/usr/bin/env bash
# Runs the kernel tests on a second Vulkan driver: bash scripts/test_drivers.sh
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  cat <<'TEXT'
Usage: bash scripts/test_drivers.sh [file or option of "deno test" ...]

Runs the tests of src/gpu, src/kernels and of quantizing on the GPU, or those in
the given files, on SwiftShader, the software Vulkan driver of Chromium: it has
no 16-bit floats, and subgroups of 4 where Mesa's llvmpipe has 8.

It takes the driver that SWIFTSHADER_ICD names (a vk_swiftshader_icd.json), else
that of an installed Chromium or Chrome. On Debian, where there is none, it
installs chromium (as root or with sudo).
TEXT
  exit 0
fi

# shellcheck source=scripts/lib.sh
. scripts/lib.sh

# Prints where the driver's description is.
find_swiftshader() {
  local icd
  for icd in "${SWIFTSHADER_ICD:-}" \
    /usr/lib/chromium/vk_swiftshader_icd.json \
    /opt/google/chrome/vk_swiftshader_icd.json; do
    if [ -f "$icd" ]; then
      realpath "$icd"
      return
    fi
  done
  return 1
}

install_chromium() {
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  command -v apt-get >/dev/null &&
    command -v "${as_root[0]:-apt-get}" >/dev/null || return
  echo "No SwiftShader: installing chromium, which brings it." >&2
  "${as_root[@]}" apt-get update -qq >&2 &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -qq -y --no-install-recommends chromium >/dev/null
}

find_deno
if ! icd=$(find_swiftshader); then
  install_chromium || true
  if ! icd=$(find_swiftshader); then
    echo "error: no SwiftShader: install chromium, or set SWIFTSHADER_ICD to its vk_swiftshader_icd.json." >&2
    exit 1
  fi
fi

# Mesa, which is asked first, prints an error of its own where this is unset.
if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
  XDG_RUNTIME_DIR=$(mktemp -d)
  export XDG_RUNTIME_DIR
  trap 'rm -rf "$XDG_RUNTIME_DIR"' EXIT
fi
# Vulkan loaders before 1.3.207 know only the second name.
export VK_DRIVER_FILES=$icd VK_ICD_FILENAMES=$icd
adapter=$("${deno[@]}" eval --no-config \
  'console.log((await navigator.gpu.requestAdapter())?.info.description)')
echo "Adapter: $adapter"
if [[ $adapter != *SwiftShader* ]]; then
  echo "error: the adapter is not the SwiftShader of $icd." >&2
  exit 1
fi
if [ $# -eq 0 ]; then
  set -- src/gpu src/kernels src/quantize/quantizer_test.ts
fi
# Not exec: the trap cleans up behind it.
SERAPH_TUNE=off "${deno[@]}" test --parallel -A "$@"
