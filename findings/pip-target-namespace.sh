#!/usr/bin/env bash
# A second `pip install --target DIR` silently leaves out a package whose top-level directory is there.
#
# Expected by most: two installations into one directory give what one installation of both gives.
# Seen:             zope.event and zope.interface share the directory `zope`. Installed one after
#                   the other, the second prints a warning, ends with 0 and is listed by pip, but its
#                   code is not there. Installed in one command, both are.
# Consequence:      an environment must be made of one directory per wheel, merged file by file; one
#                   `--target` filled in steps is not the sum of its steps.
# Seen with:        pip 25.3, zope.event 6.0, zope.interface 8.0.1, CPython 3.11.
set -euo pipefail
dir=$(mktemp -d "${TMPDIR:-/tmp}/finding.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pip==25.3
pip() { venv/bin/pip --disable-pip-version-check "$@"; }
pip install -q --no-deps --target steps zope.event==6.0 2>log1
status=0
pip install -q --no-deps --target steps zope.interface==8.0.1 2>log2 || status=$?
pip install -q --no-deps --target once zope.event==6.0 zope.interface==8.0.1 2>log3
has() { [ -d "$1/zope/$2" ] && echo yes || echo no; }
{
  echo "in steps: exit code $status, zope/event $(has steps event), zope/interface $(has steps interface)"
  echo "pip list names it: $(pip list --path steps 2>/dev/null | grep -c '^zope.interface ')"
  echo "at once: zope/event $(has once event), zope/interface $(has once interface)"
} | tee seen
cat >expected <<'T'
in steps: exit code 0, zope/event yes, zope/interface no
pip list names it: 1
at once: zope/event yes, zope/interface yes
T
cmp -s seen expected || { cat log2; echo "changed"; exit 1; }
