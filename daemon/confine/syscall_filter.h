// System calls that reach beyond namespaces, refused to confined processes.
//
//   keyctl, add_key, request_key   keyrings belong to users, not to namespaces
//   socket                         but for the families of own networks: AF_VSOCK reaches the
//                                  hypervisor and other machines from any network namespace
//   io_uring_setup                 would make sockets without socket()
//
// Programs see ENOSYS or EAFNOSUPPORT, as on a kernel without these.
// Threads: the filter holds for the calling thread and for what it starts.
#pragma once

#include "common/base/result.h"

namespace kiln::confine {

// Installs the filter on the calling thread, for good, with no_new_privs. A process that inherits
// it from its thread pays nothing for it; one that installs it pays 30 µs.
Result<void> filter_this_thread();

}  // namespace kiln::confine
