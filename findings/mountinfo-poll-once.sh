#!/usr/bin/env bash
# poll(2) on /proc/self/mountinfo tells of a mount once per open file, and asking uses the answer up.
#
# Expected by most: POLLPRI stays set until the file is read, as data on a socket does, so that a
#                   poll "just to look" changes nothing and a later poll(2) or epoll sees it as well.
# Seen:             the first poll after a mount returns POLLERR and POLLPRI; the next returns
#                   nothing, though nobody has read the file. Another open file tells it once more.
# Consequence:      a program that checks with a timeout of 0 on the descriptor of its event loop
#                   silently loses mounts. Each watcher needs an open file of its own.
# Seen with:        Linux 6.18.44, python 3.11.2 of Debian 12. Needs root, for a mount namespace.
set -euo pipefail
dir=$(mktemp -d "${TMPDIR:-/tmp}/finding.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
command -v python3 >/dev/null || { apt-get update -qq && apt-get install -y -qq python3-minimal >/dev/null; }
mkdir point
cat >look.py <<'P'
import select, subprocess
def asked(file):
    p = select.poll(); p.register(file, select.POLLPRI)
    return "told" if p.poll(0) else "nothing"
one, two = open("/proc/self/mountinfo"), open("/proc/self/mountinfo")
one.read(), two.read()
print("before:               ", asked(one), asked(two))
subprocess.check_call(["mount", "-t", "tmpfs", "none", "point"])
print("first file, asked:    ", asked(one))
print("first file, again:    ", asked(one))
print("second file, asked:   ", asked(two))
one.seek(0)
print("the first can read it:", "yes" if "/point " in one.read() else "no")
P
unshare -m python3 look.py | tee seen
cat >expected <<'T'
before:                nothing nothing
first file, asked:     told
first file, again:     nothing
second file, asked:    told
the first can read it: yes
T
cmp -s seen expected || { echo "changed"; exit 1; }
