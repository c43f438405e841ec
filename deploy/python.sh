#!/usr/bin/env bash
# Makes build/python, the virtual environment of tests that speak gRPC from Python, with the versions
# of deploy/python.txt. Idempotent: does nothing, and needs no network, when that is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=build/python
if [ -x $environment/bin/python ] && cmp -s deploy/python.txt $environment/installed.txt; then exit 0; fi
rm -rf $environment
mkdir -p build
python3 -m venv $environment
$environment/bin/pip install -q --disable-pip-version-check -r deploy/python.txt
cp deploy/python.txt $environment/installed.txt
