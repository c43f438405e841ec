#include "daemon/confine/holder.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "daemon/confine/holder_process.h"

namespace kiln::confine {
namespace {

void wait_for(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Error holder_is_gone() {
  return environment_error(ErrorCode::kUnavailable,
                           "the process that holds the sandboxes of kilnd was killed; run `kiln "
                           "daemon restart`");
}

}  // namespace

Result<std::variant<std::unique_ptr<Holder>, Support>> Holder::start(uint64_t bytes) {
  using Started = std::variant<std::unique_ptr<Holder>, Support>;
  std::array<int, 2> sockets;
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return os_error(errno, "make a socket");
  }
  UniqueFd ours(sockets[0]);
  UniqueFd theirs(sockets[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return os_error(errno, "start the holder of sandboxes");
  if (pid == 0) run_holder(theirs.get(), bytes);
  theirs.reset();
  Report report;
  int root = -1;
  if (!receive_report(ours.get(), report, root)) {
    wait_for(pid);
    return internal_error("the holder of sandboxes ended before it was ready");
  }
  UniqueFd root_fd(root);
  if (!report.ok) {
    wait_for(pid);
    return Started(Support{{explain(report.part, report.message)}});
  }
  return Started(std::unique_ptr<Holder>(new Holder(pid, std::move(ours), std::move(root_fd))));
}

Holder::Holder(pid_t pid, UniqueFd socket, UniqueFd root)
    : pid_(pid), root_(std::move(root)), socket_(std::move(socket)) {}

Holder::~Holder() {
  {
    MutexLock lock(mutex_);
    socket_.reset();  // which ends it
  }
  wait_for(pid_);
}

Result<NewSlot> Holder::make_slot(const View& view, MissingPart* missing) {
  const SlotRequest request{.number = next_.fetch_add(1), .view = view};
  const std::string bytes = request.encode();
  if (bytes.size() > kMaxRequestBytes) {
    return user_error(ErrorCode::kInvalidArgument,
                      "too many paths of the host are lent to a sandbox");
  }
  MutexLock lock(mutex_);
  Report report;
  int pidfd = -1;
  if (::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 ||
      !receive_report(socket_.get(), report, pidfd)) {
    return holder_is_gone();
  }
  NewSlot slot{.number = request.number, .init = report.init, .init_pidfd = UniqueFd(pidfd)};
  if (report.ok) return slot;
  if (missing != nullptr) *missing = explain(report.part, report.message);
  return environment_error(ErrorCode::kUnavailable,
                           "cannot make a strict sandbox: " + std::string(report.message));
}

}  // namespace kiln::confine
