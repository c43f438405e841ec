#!/usr/bin/env bash
# perf record makes a hard link to every program and library that it sampled.
#
# Expected by most: a profiler reads the binaries of what it profiles, and leaves them as they are.
# Seen:             when recording ends, perf puts each sampled file into its build-id cache
#                   (~/.debug) by link(2) where that is on the same file system. The link count of
#                   the system's own programs rises to 2 and their ctime becomes now, though neither
#                   name, content nor mtime changed.
# Consequence:      whoever keys by ctime sees the shell and the C library "change", and whoever
#                   distrusts files with several names distrusts them until ~/.debug is removed.
#                   `perf record --no-buildid-cache` leaves them alone.
# Seen with:        linux-perf 6.1.192-3 of Debian 12 on Linux 6.18.44, ext4.
set -euo pipefail
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/finding.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
command -v perf gcc >/dev/null || { apt-get update -qq && apt-get install -y -qq linux-perf gcc libc6-dev >/dev/null; }
printf 'int main(void) { volatile long n = 0; while (n < 300000000) n++; }\n' >busy.c
for name in one other; do gcc -O1 -Wl,--build-id -DNAME="$name" -o "$name" busy.c; done
HOME=$dir perf record -q -e task-clock -o data ./one >/dev/null 2>&1 || { echo "no right to profile here"; exit 77; }
HOME=$dir perf record -q -e task-clock --no-buildid-cache -o data2 ./other >/dev/null 2>&1
{
  echo "after perf record:                     $(stat -c %h one) names"
  echo "after perf record --no-buildid-cache:  $(stat -c %h other) names"
} | tee seen
cat >expected <<'T'
after perf record:                     2 names
after perf record --no-buildid-cache:  1 names
T
cmp -s seen expected || { echo "changed"; exit 1; }
