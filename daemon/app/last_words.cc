#include "daemon/app/last_words.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <thread>

namespace kiln::app {

namespace {

constexpr int kKilnFailed = 125;

// What a daemon that does nothing has mapped, and a margin: stacks and heaps of its threads, most
// of which is never touched. Measured: 1185 MiB with two processors; each brings more threads.
rlim_t needed_bytes() {
  return (rlim_t{1024} << 20) +
         std::max(2u, std::thread::hardware_concurrency()) * (rlim_t{128} << 20);
}

std::string shown(rlim_t limit, rlim_t unit) {
  return limit == RLIM_INFINITY ? "unlimited" : std::to_string(limit / unit);
}

rlim_t limit_of(decltype(RLIMIT_AS) resource) {
  rlimit limit{};
  return ::getrlimit(resource, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

std::string limits_text() {
  return "its limits are: address space " + shown(limit_of(RLIMIT_AS), 1024) +
         " KiB (ulimit -v), processes and threads of this user " +
         shown(limit_of(RLIMIT_NPROC), 1) + " (ulimit -u), data " +
         shown(limit_of(RLIMIT_DATA), 1024) +
         " KiB (ulimit -d); a container may set others. kiln needs about " +
         std::to_string(needed_bytes() >> 10) + " KiB of address space and dozens of threads";
}

// What a handler needs, which can be given nothing: prepared while there is memory.
struct LastWords {
  std::string limits = "\n  " + limits_text() + "\n";
  std::atomic<int> fd{-1};
  std::atomic<bool> starting{true};
};
LastWords& last_words() {
  static LastWords words;
  return words;
}

void put(std::string_view text) {
  const int fd = last_words().fd;
  // Nobody is left to be told that this failed.
  if (::write(fd >= 0 ? fd : STDERR_FILENO, text.data(), text.size()) < 0) return;
}

std::string_view reason() {
  const std::exception_ptr thrown = std::current_exception();
  if (thrown == nullptr) return "the daemon could not get the memory or the threads that it needs";
  try {
    std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    return "the daemon could not get the memory that it needs";
  } catch (const std::system_error&) {
    return "the daemon could not start a thread that it needs";
  } catch (...) {
    return "the daemon failed in an unexpected way";
  }
}

[[noreturn]] void on_terminate() {
  put(reason());
  put(last_words().limits);
  if (last_words().starting) ::_exit(kKilnFailed);
  std::abort();
}

void on_abort(int) {
  put("the daemon could not get the memory or the threads that it needs");
  put(last_words().limits);
  ::_exit(kKilnFailed);
}

}  // namespace

Result<void> check_address_space() {
  const rlim_t limit = limit_of(RLIMIT_AS);
  if (limit == RLIM_INFINITY || limit >= needed_bytes()) return {};
  return environment_error(ErrorCode::kResourceExhausted,
                           "the limit of its address space (ulimit -v) is " +
                               std::to_string(limit >> 10) + " KiB, and kilnd needs " +
                               std::to_string(needed_bytes() >> 10) +
                               " KiB, though it uses little of that memory\n  start it where the "
                               "limit is higher: `ulimit -v unlimited; kiln daemon start`");
}

void begin_last_words(int fd) {
  last_words().fd = fd;
  std::set_terminate(on_terminate);
  ::signal(SIGABRT, on_abort);
}

void end_last_words() {
  last_words().fd = -1;
  last_words().starting = false;
  ::signal(SIGABRT, SIG_DFL);
}

}  // namespace kiln::app
