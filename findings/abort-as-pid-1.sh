#!/usr/bin/env bash
# A program that is pid 1 of a namespace and calls abort() is reported as a segmentation fault.
#
# Expected by most: the wait status after abort() is SIGABRT, in a container as outside.
# Seen:             the kernel drops signals with default action that pid 1 sends to itself. glibc's
#                   abort() tries SIGABRT twice, then executes an invalid instruction, which the
#                   kernel does deliver: the status is SIGSEGV. raise(SIGTERM) does nothing at all.
# Consequence:      a sandbox that makes the command pid 1 changes the exit status of failed
#                   assertions, and turns programs that end by a signal into programs that go on.
# Seen with:        Linux 6.18.44, glibc 2.36, gcc 12.2.0 of Debian 12.
set -euo pipefail
dir=$(mktemp -d "${TMPDIR:-/tmp}/finding.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
command -v gcc >/dev/null || { apt-get update -qq && apt-get install -y -qq gcc libc6-dev >/dev/null; }
cat >first.c <<'C'
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int start(void* how) {
  if (strcmp(how, "abort") == 0) abort();
  raise(SIGTERM);
  return 7;
}

static void show(const char* what, int flags, const char* how) {
  static char stack[1 << 16];
  int status = 0;
  pid_t child = clone(start, stack + sizeof stack, flags | SIGCHLD, (void*)how);
  if (child < 0 || waitpid(child, &status, 0) != child) { perror("clone"); exit(2); }
  if (WIFSIGNALED(status)) printf("%s: signal %s\n", what, sigabbrev_np(WTERMSIG(status)));
  else printf("%s: exit code %d\n", what, WEXITSTATUS(status));
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  int first = CLONE_NEWPID | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
  show("abort()", 0, "abort");
  show("abort() as pid 1", first, "abort");
  show("raise(SIGTERM)", 0, "raise");
  show("raise(SIGTERM) as pid 1", first, "raise");
  return 0;
}
C
gcc -O1 -o first first.c
ulimit -c 0
./first | tee seen
cat >expected <<'T'
abort(): signal ABRT
abort() as pid 1: signal SEGV
raise(SIGTERM): signal TERM
raise(SIGTERM) as pid 1: exit code 7
T
cmp -s seen expected || { echo "changed"; exit 1; }
