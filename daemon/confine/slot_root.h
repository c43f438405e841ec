// The root directory of a slot: what every confined process sees of this machine.
//
//   /usr, /bin, /sbin, /lib*   the host's, read-only
//   /etc                       a selection without secrets; passwd and group name this user only
//   /dev                       null, zero, full, random, urandom, pts, shm, standard streams
//   /proc                      of the slot's pid namespace; read-only if the daemon is root
//   /sandbox, /tmp, /dev/shm   the slot's own directories, writable
//   View::host_paths           the host's, read-only
//
// Threads: for the single-threaded first process of a slot.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/result.h"
#include "daemon/confine/support.h"
#include "daemon/confine/view.h"

namespace kiln::confine {

// Where the holder keeps things, in its own root.
inline constexpr const char* kHostRoot = "/host";   // the root of the machine
inline constexpr const char* kMountPoint = "/mnt";  // an empty directory to mount on

// Names of a slot's own directories below "/NUMBER" in the holder's root.
inline constexpr const char* kSandboxDirectory = "sandbox";
inline constexpr const char* kTmpDirectory = "tmp";
inline constexpr const char* kShmDirectory = "shm";

// Makes the root of `view` in this process's mount namespace and changes to it. `directory` is the
// path of the slot's own directories. `part` says what is being made: what failed, on an error.
Result<void> enter_slot_root(const View& view, const std::string& directory, Part& part);

}  // namespace kiln::confine
