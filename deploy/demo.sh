#!/usr/bin/env bash
# The main job, on real input: installs what is needed, builds kiln (Release), and compiles, links
# and runs GoogleTest's own sources with one `kiln exec` per command: at first from nothing, then
# unchanged, after an edit, after undoing it, and after a restart of the daemon. Then it lints scripts
# of this machine, with the same steps.
# Everything it makes is under build/; it can be interrupted and run again at any time.
set -euo pipefail
cd "$(dirname "$0")/.."

deploy/install.sh
echo "building kiln (Release)"
# ninja's progress: one line on a terminal, elsewhere every twentieth of its lines.
if [ -t 1 ]; then
  deploy/build.sh release kiln kilnd
else
  deploy/build.sh release kiln kilnd | awk '!/^\[[0-9]+\/[0-9]+\]/ || ++lines % 20 == 1 { print; fflush() }'
fi

bin=$PWD/build/release/bin
demo=$PWD/build/demo
export KILN_HOME=$demo/home KILN_RUNTIME_DIR=/tmp/kiln-demo-$(id -u)
PATH=$bin:$PATH
kiln daemon stop >/dev/null 2>&1 || true
rm -rf "$demo"
mkdir -p "$demo/workspace" "$demo/out"
trap 'kiln daemon stop >/dev/null 2>&1 || true' EXIT

cp -r /usr/src/googletest/googletest "$demo/workspace/"
: >"$demo/workspace/kiln.toml" # marks the root of the workspace
cd "$demo/workspace"
sources=$(cd googletest && ls src/gtest*.cc samples/sample1.cc samples/sample1_unittest.cc samples/sample3_unittest.cc |
  grep -v gtest-all.cc)

# compile SOURCE: one hermetic process; its inputs are the headers and the source, its output the
# object file. Leaves what kiln says about it in out/.
compile() {
  kiln exec --json --description "compile $1" \
    --input 'googletest/include/**' --input 'googletest/**/*.h' --input "googletest/$1" \
    --workdir googletest --output-file object.o \
    -- clang++-16 -std=c++14 -O1 -Iinclude -I. -c "$1" -o object.o \
    >"$demo/out/$(echo "$1" | tr / _).json"
}
export -f compile
export demo

field() { sed -n "s/.*\"$2\": *\"\\([^\"]*\\)\".*/\\1/p" "$1" | head -1; }

# The link takes each object by digest, from the store: objects never lie in the workspace.
link_and_run() {
  local digests=() objects=() name object
  for source in $sources; do
    name=$(echo "$source" | tr / _)
    object=$(kiln digest add-prefix "$(field "$demo/out/$name.json" output_digest)" "$name.d")
    digests+=(--digest "$object")
    objects+=("$name.d/object.o")
  done
  kiln exec --json --description "link" "${digests[@]}" --output-file tests \
    -- clang++-16 "${objects[@]}" -lpthread -o tests >"$demo/out/link.json"
  kiln exec --json --description "run the tests" --digest "$(field "$demo/out/link.json" output_digest)" \
    -- ./tests --gtest_brief=1 >"$demo/out/run.json"
}

# The answers that came from there.
from() { grep -l "\"source\": *\"$1\"" "$demo"/out/*.json || true; }

# step NAME [RAN]: everything once more, and a line of what ran and what came from where. Fails
# unless exactly RAN processes ran.
step() {
  rm -f "$demo"/out/*.json
  local start end
  start=$(date +%s%N)
  # shellcheck disable=SC2086
  printf '%s\n' $sources | xargs -P "$(nproc)" -I{} bash -c 'compile "$@"' _ {}
  link_and_run
  end=$(date +%s%N)
  local ran memoized hit what
  ran=$(from ran | wc -l)
  memoized=$(from memoized | wc -l)
  hit=$(from hit_locally | wc -l)
  what=$(from ran | xargs -r -n1 basename -s .json | sort | tr '\n' ' ')
  [ "$ran" -le 4 ] || what="everything"
  printf '%-28s %5s %9s %12s %8s.%03ds  %s\n' "$1" "$ran" "$memoized" "$hit" \
    $(((end - start) / 1000000000)) $(((end - start) / 1000000 % 1000)) "${what:-nothing}"
  [ "$(field "$demo/out/run.json" source)" != "" ]
  [ $((ran + memoized + hit)) -eq $(($(echo "$sources" | wc -w) + 2)) ]
  [ -z "${2:-}" ] || [ "$ran" = "$2" ] || { echo "demo: expected $2 to run, not $ran" >&2; exit 1; }
}

count=$(($(echo "$sources" | wc -w) + 2))
echo
echo "GoogleTest in $(echo "$sources" | wc -w) sources: compile each, link, run the tests"
printf '%-28s %5s %9s %12s %13s  %s\n' step ran memoized hit_locally time "what ran"
step "from nothing" "$count"
step "again" 0
cp googletest/samples/sample1.cc "$demo/saved.cc"
sed -i 's/^int Factorial/int Unused() { return 7; }\nint Factorial/' googletest/samples/sample1.cc
step "after editing sample1.cc" 3 # its compile, the link, and the tests
cp "$demo/saved.cc" googletest/samples/sample1.cc
step "after undoing the edit" 0
kiln daemon restart 2>"$demo/out/restart" || { cat "$demo/out/restart" >&2; exit 1; }
step "after a daemon restart" 0
echo
kiln exec --digest "$(field "$demo/out/link.json" output_digest)" -- ./tests --gtest_brief=1

# lint_step NAME RAN: lints all scripts, and a line of how many processes that took. Fails unless it
# is exactly RAN.
processes_ran() { kiln daemon status --json | sed -n 's/.*"process\.ran": *\([0-9]*\).*/\1/p'; }
lint_step() {
  local start end before ran status=0
  before=$(processes_ran)
  start=$(date +%s%N)
  kiln lint :: >"$demo/out/lint" 2>"$demo/out/lint.err" || status=$?
  end=$(date +%s%N)
  ran=$(($(processes_ran) - before))
  printf '%-28s %5s %8s.%03ds  %s\n' "$1" "$ran" \
    $(((end - start) / 1000000000)) $(((end - start) / 1000000 % 1000)) "$(grep -m1 'shellcheck: ' "$demo/out/lint.err")"
  [ "$status" -le 1 ] || { cat "$demo/out/lint.err" >&2; exit 1; }
  [ "$ran" = "$2" ] || { echo "demo: expected $2 to run, not $ran" >&2; exit 1; }
}

mkdir -p "$demo/scripts"
cd "$demo/scripts"
: >kiln.toml
# Scripts that Debian itself installs, each once.
scripts=0
for script in /usr/bin/* /usr/sbin/*; do
  [ "$scripts" -lt 40 ] || break
  if [ -f "$script" ] && [ ! -L "$script" ] &&
    LC_ALL=C grep -aqm1 '^#! */bin/\(ba\|da\)\?sh' < <(head -c 64 "$script"); then
    cp "$script" "./$(basename "$script" .sh).sh"
    scripts=$((scripts + 1))
  fi
done

echo
echo "ShellCheck over $scripts scripts of /usr/bin and /usr/sbin"
printf '%-28s %5s %13s  %s\n' step ran time answer
lint_step "from nothing" "$scripts"
lint_step "again" 0
edited=$(find . -name '*.sh' | sort | head -1)
cp -p "$edited" "$demo/saved.sh"
echo '# edited' >>"$edited"
lint_step "after editing one" 1
cp -p "$demo/saved.sh" "$edited"
lint_step "after undoing the edit" 0
echo 'disable=SC2086' >.shellcheckrc
lint_step "after adding .shellcheckrc" "$scripts"
rm .shellcheckrc
lint_step "after removing it" 0
