#include "daemon/os/child_processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <memory>
#include <string>

#include "common/base/file.h"

namespace kiln::os {

namespace {

// The numbers in `text`, separated by spaces, up to the first word that is none.
template <class Number>
std::vector<Number> numbers_in(std::string_view text) {
  std::vector<Number> numbers;
  while (!text.empty()) {
    Number number{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc()) break;
    numbers.push_back(number);
    text.remove_prefix(static_cast<size_t>(parsed.ptr - text.data()));
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  return numbers;
}

bool is_within(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/' ||
          path[directory.size()] == ' ');  // "PATH (deleted)"
}

std::string proc(pid_t pid, std::string_view file) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(file);
}

std::vector<pid_t> all_children() {
  std::vector<pid_t> children;
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(::opendir("/proc"), ::closedir);
  if (processes == nullptr) return children;
  while (const dirent* entry = ::readdir(processes.get())) {
    const auto pid = numbers_in<pid_t>(entry->d_name);
    if (pid.empty()) continue;
    const auto facts = facts_of(pid[0]);
    if (facts && facts->parent == ::getpid()) children.push_back(pid[0]);
  }
  return children;
}

// Whether the link leads into `directory`; true if it cannot be read, but for being gone.
bool leads_into(const std::string& link, std::string_view directory) {
  std::array<char, PATH_MAX> target;
  const ssize_t n = ::readlink(link.c_str(), target.data(), target.size());
  if (n < 0) return errno != ENOENT && errno != ESRCH;
  return is_within({target.data(), static_cast<size_t>(n)}, directory);
}

}  // namespace

Result<ChildList> ChildList::of_first_thread() {
  const std::string self = std::to_string(::getpid());
  auto fd = open_file("/proc/self/task/" + self + "/children", O_RDONLY);
  if (fd.ok()) return ChildList(*std::move(fd));
  if (fd.error().code() == ErrorCode::kNotFound) return ChildList(UniqueFd());
  return fd.error();
}

Result<ChildList> ChildList::of_this_thread() {
  KILN_ASSIGN(UniqueFd fd, open_file("/proc/thread-self/children", O_RDONLY));
  return ChildList(std::move(fd));
}

std::vector<pid_t> ChildList::read() const {
  if (!fd_.valid()) return all_children();
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t n =
        ::pread(fd_.get(), buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  return numbers_in<pid_t>(text);
}

std::optional<ProcessFacts> facts_of(pid_t pid) {
  const auto fd = open_file(proc(pid, "stat"), O_RDONLY);
  if (!fd.ok()) return std::nullopt;
  std::array<char, 1024> buffer;
  const auto size = read_some(fd->get(), buffer, "stat");
  if (!size.ok()) return std::nullopt;
  // "PID (NAME) STATE PARENT GROUP SESSION …"; NAME may hold anything.
  std::string_view text(buffer.data(), *size);
  const size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || text.size() < name_end + 4) return std::nullopt;
  const char state = text[name_end + 2];
  const auto fields = numbers_in<int64_t>(text.substr(name_end + 4));
  constexpr size_t kBirth = 18;  // field 22 of proc(5); the first here is field 4
  if (fields.size() <= kBirth) return std::nullopt;
  return ProcessFacts{.ended = state == 'Z' || state == 'X',
                      .parent = static_cast<pid_t>(fields[0]),
                      .group = static_cast<pid_t>(fields[1]),
                      .session = static_cast<pid_t>(fields[2]),
                      .birth = static_cast<uint64_t>(fields[kBirth])};
}

bool reaches(pid_t pid, std::string_view directory) {
  for (const char* link : {"cwd", "root", "exe"}) {
    if (leads_into(proc(pid, link), directory)) return true;
  }
  const std::string fds = proc(pid, "fd");
  const std::unique_ptr<DIR, int (*)(DIR*)> open_files(::opendir(fds.c_str()), ::closedir);
  if (open_files == nullptr) return errno != ENOENT;
  while (const dirent* entry = ::readdir(open_files.get())) {
    if (entry->d_name[0] != '.' && leads_into(fds + "/" + entry->d_name, directory)) return true;
  }
  const auto maps = read_file(proc(pid, "maps"));
  if (!maps.ok()) return maps.error().code() != ErrorCode::kNotFound;
  return maps->find(std::string(directory) + "/") != std::string::npos;
}

Ending end_child(pid_t pid, int patience_ms) {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) return Ending::kGone;
  // Looked at after the descriptor was opened: until then the pid may have passed to another.
  const auto facts = facts_of(pid);
  if (!facts || facts->parent != ::getpid()) return Ending::kGone;
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0 && errno == EPERM) {
    return Ending::kRefused;
  }
  pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ended, 1, patience_ms) != 1) return Ending::kPending;
  siginfo_t info;
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
  return Ending::kGone;
}

}  // namespace kiln::os
