#!/usr/bin/env bash
# Installs what is needed, builds kiln and runs every test: all of them in Release; unit and
# contract tests under AddressSanitizer and UndefinedBehaviorSanitizer; what runs on several threads
# under ThreadSanitizer. Ends with the summary of all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

deploy/install.sh
deploy/dev/format --check

mkdir -p build
status=0
summaries=build/test-summaries.txt
: >"$summaries"

# suite PRESET FILTER…: builds the preset and runs the tests that the ctest filter selects.
suite() {
  local preset=$1
  shift
  echo "== $preset: build"
  if ! deploy/build.sh "$preset" >"build/build-$preset.log" 2>&1; then
    tail -60 "build/build-$preset.log"
    exit 1
  fi
  echo "== $preset: test"
  ctest --test-dir "build/$preset" --output-on-failure -j "$(nproc)" "$@" \
    >"build/test-$preset.log" 2>&1 || status=$?
  if [ "$status" -ne 0 ]; then
    grep -v ' Passed ' "build/test-$preset.log" | tail -200
  fi
  echo "== $preset" >>"$summaries"
  sed -n '/% tests passed/,$p' "build/test-$preset.log" >>"$summaries"
}

export ASAN_OPTIONS=detect_stack_use_after_return=0 TSAN_OPTIONS=halt_on_error=1
suite release
suite asan -L 'unit|contract'
suite tsan -L 'unit|fuzz' -R 'async|graph|Graph|Watch|watch|Scope|OneShot|WhenAll|Fuzz'

cat "$summaries"
exit "$status"
