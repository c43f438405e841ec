#!/usr/bin/env bash
# Installs what building and running kiln needs, from Debian's packages. Idempotent: does nothing,
# and needs no network, when everything is there.
set -euo pipefail
cd "$(dirname "$0")"

# The installed version of a package; nothing if it is not installed.
installed() {
  { dpkg-query -W -f='${Status} ${Version}' "$1" 2>/dev/null || true; } |
    sed -n 's/^install ok installed //p'
}

missing=()
while read -r name tested; do
  case $name in '' | '#'*) continue ;; esac
  have=$(installed "$name")
  if [ -z "$have" ]; then
    missing+=("$name")
  elif [ "$have" != "$tested" ]; then
    echo "note: $name is $have; kiln was last tested with $tested"
  fi
done <packages.txt

[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "deploy/install.sh: these Debian 12 packages are needed: ${missing[*]}" >&2
  exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
