#!/usr/bin/env bash
# build.sh PRESET [TARGET…]: configures and builds one preset into build/PRESET.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
cmake --preset "$preset" >"/tmp/kiln-configure-$preset-$(id -u).log" 2>&1 ||
  { cat "/tmp/kiln-configure-$preset-$(id -u).log" >&2; exit 1; }
if [ $# -gt 0 ]; then
  cmake --build --preset "$preset" --target "$@"
else
  cmake --build --preset "$preset"
fi
