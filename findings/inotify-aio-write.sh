#!/usr/bin/env bash
# Linux AIO writes a file without an inotify event; IN_CLOSE_WRITE at the close is the only one.
#
# Expected by most: every write to a watched file queues IN_MODIFY, whichever interface made it.
# Seen:             write(2) queues IN_MODIFY. io_submit(2) with IOCB_CMD_PWRITE changes the file's
#                   content and its mtime, and queues nothing until the descriptor is closed.
# Consequence:      a watcher that trusts events alone answers from old content while a database or a
#                   virtual machine holds its file open. A stat still shows the change.
# Seen with:        Linux 6.18.44, ext4, gcc 12.2.0 of Debian 12.
set -euo pipefail
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/finding.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
command -v gcc >/dev/null || { apt-get update -qq && apt-get install -y -qq gcc libc6-dev >/dev/null; }
cat >aio.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

static int drain(int fd) { /* the masks of all events that are queued now, together */
  char buffer[4096];
  int mask = 0;
  struct pollfd ready = {fd, POLLIN, 0};
  while (poll(&ready, 1, 200) == 1) {
    ssize_t n = read(fd, buffer, sizeof buffer);
    for (char* p = buffer; p < buffer + n;) {
      struct inotify_event* event = (struct inotify_event*)p;
      mask |= event->mask;
      p += sizeof *event + event->len;
    }
  }
  return mask;
}

int main(void) {
  int fd = open("file", O_RDWR | O_CREAT, 0644);
  if (write(fd, "old", 3) != 3) return 2;
  int watch = inotify_init1(IN_CLOEXEC);
  inotify_add_watch(watch, ".", IN_MODIFY | IN_CLOSE_WRITE);
  if (pwrite(fd, "mid", 3, 0) != 3) return 2;
  printf("write(2):     IN_MODIFY %s\n", drain(watch) & IN_MODIFY ? "yes" : "no");

  aio_context_t context = 0;
  if (syscall(SYS_io_setup, 1, &context) != 0) return 2;
  struct iocb block;
  memset(&block, 0, sizeof block);
  block.aio_fildes = fd;
  block.aio_lio_opcode = IOCB_CMD_PWRITE;
  block.aio_buf = (unsigned long)"new";
  block.aio_nbytes = 3;
  struct iocb* blocks[] = {&block};
  struct io_event done;
  if (syscall(SYS_io_submit, context, 1, blocks) != 1) return 2;
  if (syscall(SYS_io_getevents, context, 1, 1, &done, NULL) != 1 || done.res != 3) return 2;
  char content[4] = "";
  if (pread(fd, content, 3, 0) != 3) return 2;
  printf("io_submit(2): IN_MODIFY %s, content %s\n", drain(watch) & IN_MODIFY ? "yes" : "no", content);
  close(fd);
  printf("close(2):     IN_CLOSE_WRITE %s\n", drain(watch) & IN_CLOSE_WRITE ? "yes" : "no");
  return 0;
}
C
gcc -O1 -o aio aio.c
./aio | tee seen
cat >expected <<'T'
write(2):     IN_MODIFY yes
io_submit(2): IN_MODIFY no, content new
close(2):     IN_CLOSE_WRITE yes
T
cmp -s seen expected || { echo "changed"; exit 1; }
