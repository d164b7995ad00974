# Shared by demo.sh and test.sh: finds Deno, and a WebGPU adapter to run on.
# shellcheck shell=bash

# Behind a proxy of its own, a machine trusts what its system trusts.
export DENO_TLS_CA_STORE=${DENO_TLS_CA_STORE:-mozilla,system}

# Without Vulkan, Deno would take OpenGL, which is many times slower.
if [ "$(uname)" = Linux ]; then
  export DENO_WEBGPU_BACKEND=${DENO_WEBGPU_BACKEND:-vulkan}
fi

DENO_VERSION=2.9.6 # what npm brings where no Deno of 2.9 or later is installed

# Sets the array `deno` to a command that runs Deno 2.9 or later.
find_deno() {
  local version major minor
  if version=$(deno --version 2>/dev/null | sed -n 's/^deno \([0-9.]*\).*/\1/p') &&
    [ -n "$version" ]; then
    IFS=. read -r major minor _ <<<"$version"
    if [ "$major" -gt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -ge 9 ]; }; then
      deno=(deno)
      return
    fi
    echo "Deno $version is too old, taking $DENO_VERSION from npm." >&2
  fi
  if ! command -v npx >/dev/null; then
    echo "error: neither Deno 2.9 nor npx is installed: install Node.js with npm, or Deno." >&2
    exit 1
  fi
  # npx costs half a second a call; the binary it fetches can be called itself.
  local path
  path=$(npx --yes --quiet "--package=deno@$DENO_VERSION" -- \
    deno eval --no-config 'console.log(Deno.execPath())' 2>/dev/null | tail -n 1) || path=
  if [ ! -x "$path" ]; then
    echo "error: npx could not fetch deno@$DENO_VERSION: check the network, or install Deno." >&2
    exit 1
  fi
  deno=("$path")
}

# Succeeds where WebGPU has an adapter.
has_adapter() {
  "${deno[@]}" eval --no-config \
    'Deno.exit(await navigator.gpu?.requestAdapter() ? 0 : 1)' 2>/dev/null
}

# Installs a software Vulkan driver where there is no adapter and it can be done.
ensure_adapter() {
  # Mesa prints an error of its own where this is unset.
  if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
    XDG_RUNTIME_DIR=$(mktemp -d)
    export XDG_RUNTIME_DIR
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$XDG_RUNTIME_DIR'" EXIT
  fi
  has_adapter && return
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo)
    elif command -v sudo >/dev/null && [ -t 0 ]; then
      as_root=(sudo)
    else
      as_root=(false)
    fi
  fi
  if command -v apt-get >/dev/null && [ "${as_root[*]}" != false ]; then
    echo "No WebGPU adapter: installing mesa-vulkan-drivers, a software one." >&2
    "${as_root[@]}" apt-get update -qq >&2 &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends mesa-vulkan-drivers \
        >/dev/null &&
      has_adapter && return
  fi
  echo "error: no WebGPU adapter: on Linux install a Vulkan driver (Debian, Ubuntu: apt-get install mesa-vulkan-drivers); on macOS update to 12 or later, which has Metal; on Windows update the graphics driver." >&2
  exit 1
}
