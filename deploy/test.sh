#!/usr/bin/env bash
# Installs what is needed, builds kiln and runs every test: all of them in Release; unit and
# contract tests under AddressSanitizer and UndefinedBehaviorSanitizer; what runs on several threads
# under ThreadSanitizer. Ends with the summary of all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

deploy/install.sh
deploy/python.sh
deploy/dev/format --check

mkdir -p build
status=0
summaries=build/test-summaries.txt
: >"$summaries"

# suite PRESET "TARGET…" CTEST-OPTION…: builds the targets (none: everything) and runs the tests that
# the options select.
suite() {
  local preset=$1 targets=$2 failed=0
  shift 2
  echo "== $preset: build ($(date +%T))"
  # shellcheck disable=SC2086
  if ! deploy/build.sh "$preset" $targets >"build/build-$preset.log" 2>&1; then
    grep -A 15 -E 'FAILED|error' "build/build-$preset.log" | head -80
    exit 1
  fi
  echo "== $preset: test ($(date +%T))"
  ctest --test-dir "build/$preset" --output-on-failure -j "$(nproc)" "$@" \
    >"build/test-$preset.log" 2>&1 || failed=1
  if [ "$failed" -ne 0 ]; then
    status=1
    grep -v ' Passed ' "build/test-$preset.log" | tail -200
  fi
  echo "== $preset" >>"$summaries"
  sed -n '/% tests passed/,$p' "build/test-$preset.log" >>"$summaries"
}

export ASAN_OPTIONS=detect_stack_use_after_return=0 TSAN_OPTIONS=halt_on_error=1
suite release ""
suite asan "tests_unit tests_contract" -L 'unit|contract'
# Tests that were not built have no label.
suite tsan "async_test trace_test graph_test graph_fuzz rules_test rules_run_fuzz watch_test fetch_test" -L 'unit|fuzz'

cat "$summaries"
exit "$status"
