#include "daemon/os/shared_mapping.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <cerrno>
#include <csignal>

namespace kiln::os {

// The kernel refuses a read lease (fcntl(2)) with EAGAIN while anybody may write. The lease is
// given back at once; whoever opens the file for writing in between waits for that, and SIGURG,
// which is ignored unless a program says otherwise, takes the place of the SIGIO that would end
// this process.
bool open_for_writing(int fd) {
  ::fcntl(fd, F_SETSIG, SIGURG);
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  ::fcntl(fd, F_SETLEASE, F_UNLCK);
  return false;
}

bool stores_move_times(int fd) {
  struct statfs fs;
  if (::fstatfs(fd, &fs) != 0) return false;
  return fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC;
}

}  // namespace kiln::os
