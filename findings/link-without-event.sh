#!/usr/bin/env bash
# A second name for a file, made outside of the watched directory, queues no inotify event there.
#
# Expected by most: link(2) changes the file's link count and ctime, so a watch on the directory of
#                   its first name queues IN_ATTRIB for that name, as chmod(2) and a removal do.
# Seen:             link(2) queues IN_ATTRIB only for a watch on the file itself. A watch on the
#                   directory sees nothing; neither does it see a write through the new name.
# Consequence:      a watcher that watches directories cannot learn that a file has got a name from
#                   where it can be changed unseen. Only the link count of a later stat tells.
# Seen with:        Linux 6.18.44, ext4, python 3.11.2 of Debian 12.
set -euo pipefail
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/finding.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
command -v python3 >/dev/null || { apt-get update -qq && apt-get install -y -qq python3-minimal >/dev/null; }
mkdir watched elsewhere
echo old >watched/file
cat >look.py <<'P'
import ctypes, os, select, struct
libc = ctypes.CDLL(None, use_errno=True)
IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE = 2, 4, 8
def watch(path):
    fd = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(fd, path.encode(), IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE) >= 0
    return fd
def drain(fd):
    seen = set()
    while select.select([fd], [], [], .2)[0]:
        data = os.read(fd, 4096)
        while data:
            _, mask, _, size = struct.unpack_from("iIII", data)
            seen |= {n for b, n in ((2, "MODIFY"), (4, "ATTRIB"), (8, "CLOSE_WRITE")) if mask & b}
            data = data[16 + size:]
    return " ".join(sorted(seen)) or "nothing"
directory, file = watch("watched"), watch("watched/file")
os.chmod("watched/file", 0o600)
print("chmod:              directory", drain(directory) + ", file", drain(file))
os.link("watched/file", "elsewhere/name")
print("link elsewhere:     directory", drain(directory) + ", file", drain(file))
with open("elsewhere/name", "w") as f: f.write("new\n")
print("write through it:   directory", drain(directory) + ", file", drain(file))
os.unlink("elsewhere/name")
print("unlink elsewhere:   directory", drain(directory) + ", file", drain(file))
P
python3 look.py | tee seen
cat >expected <<'T'
chmod:              directory ATTRIB, file ATTRIB
link elsewhere:     directory nothing, file ATTRIB
write through it:   directory nothing, file CLOSE_WRITE MODIFY
unlink elsewhere:   directory nothing, file ATTRIB
T
cmp -s seen expected || { echo "changed"; exit 1; }
