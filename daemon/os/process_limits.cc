#include "daemon/os/process_limits.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>

#include "common/base/file.h"

namespace kiln::os {

namespace {

constexpr rlim_t kStack = rlim_t{8} << 20;
// The soft limit is the hard one.
constexpr rlim_t kAsHard = RLIM_INFINITY - 1;

struct Rule {
  __rlimit_resource resource;
  rlim_t soft;
  const char* what;    // of a message; null if a lower hard limit is nobody's concern
  const char* option;  // letter of ulimit
  bool cuts = false;   // results are wrong under it, and look right
};

constexpr std::array kRules = {
    Rule{RLIMIT_FSIZE, RLIM_INFINITY, "the size of files", "f", true},
    Rule{RLIMIT_CPU, RLIM_INFINITY, "the time of processors", "t", true},
    Rule{RLIMIT_AS, RLIM_INFINITY, "the size of virtual memory", "v"},
    Rule{RLIMIT_DATA, RLIM_INFINITY, "the size of data in memory", "d"},
    Rule{RLIMIT_RSS, RLIM_INFINITY, nullptr, "m"},
    Rule{RLIMIT_STACK, kStack, "the size of the stack", "s"},
    Rule{RLIMIT_CORE, 0, nullptr, "c"},
    Rule{RLIMIT_NOFILE, 1024, "the number of open files", "n"},
    Rule{RLIMIT_NPROC, kAsHard, nullptr, "u"},
    Rule{RLIMIT_SIGPENDING, kAsHard, nullptr, "i"},
    Rule{RLIMIT_MSGQUEUE, kAsHard, nullptr, "q"},
    Rule{RLIMIT_MEMLOCK, kAsHard, nullptr, "l"},
    Rule{RLIMIT_NICE, kAsHard, nullptr, "e"},
    Rule{RLIMIT_RTPRIO, kAsHard, nullptr, "r"},
    Rule{RLIMIT_RTTIME, kAsHard, nullptr, "R"},
};

rlimit limit_of(__rlimit_resource resource) {
  rlimit limit{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  ::getrlimit(resource, &limit);
  return limit;
}

rlim_t soft_under(const Rule& rule, rlim_t hard) {
  return rule.soft == kAsHard ? hard : std::min(rule.soft, hard);
}

// The hard limit where it is lower than what processes should have.
std::optional<rlim_t> too_low(const Rule& rule) {
  const rlimit now = limit_of(rule.resource);
  if (rule.soft == kAsHard || now.rlim_max >= rule.soft) return std::nullopt;
  return now.rlim_max;
}

std::string describe(const Rule& rule, rlim_t hard) {
  return std::string("the hard limit of ") + rule.what + ", " + std::to_string(hard) +
         " (`ulimit -H" + rule.option + "` of the shell that starts kilnd)";
}

// To the default policy, which Linux gives back for the asking to whoever may have niceness 0.
void reset_scheduling(std::vector<std::string>& stays) {
  const sched_param parameters{};
  if (::sched_getscheduler(0) != SCHED_OTHER) ::sched_setscheduler(0, SCHED_OTHER, &parameters);
  if (::sched_getscheduler(0) != SCHED_OTHER) {
    stays.emplace_back("processes are scheduled by another policy than usual, as kilnd is");
  }
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  if (nice != 0 && ::setpriority(PRIO_PROCESS, 0, 0) != 0) {
    stays.push_back("processes have the niceness " + std::to_string(nice) +
                    " of the shell that started kilnd, which this user may not lower");
  }
  constexpr int kWhoProcess = 1;  // ioprio_set(2): IOPRIO_WHO_PROCESS
  ::syscall(SYS_ioprio_set, kWhoProcess, 0, 0);
  ::syscall(SYS_set_mempolicy, 0, nullptr, 0UL);  // MPOL_DEFAULT
}

// All that there are; the kernel leaves out those that the container does not have.
void take_all_processors() {
  constexpr size_t kMost = 8192;
  std::array<unsigned char, kMost / 8> all;
  all.fill(0xff);
  ::sched_setaffinity(0, all.size(), reinterpret_cast<const cpu_set_t*>(all.data()));
}

void reset_signals() {
  // Where SIGCHLD is ignored, the kernel reaps children, and nobody learns how they ended.
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

void reset_stacks() {
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  if (::pthread_attr_setstacksize(&attributes, kStack) == 0) {
    ::pthread_setattr_default_np(&attributes);
  }
  ::pthread_attr_destroy(&attributes);
}

}  // namespace

ProcessLimits plain_limits() {
  ProcessLimits limits;
  for (const Rule& rule : kRules) {
    const rlim_t hard = limit_of(rule.resource).rlim_max;
    limits.push_back({rule.resource, {.rlim_cur = soft_under(rule, hard), .rlim_max = hard}});
  }
  return limits;
}

Result<void> shed_inherited_limits() {
  for (const Rule& rule : kRules) {
    if (too_low(rule)) {
      const rlimit wanted{.rlim_cur = rule.soft, .rlim_max = rule.soft};
      ::setrlimit(rule.resource, &wanted);  // for a privileged user
    }
    rlimit now = limit_of(rule.resource);
    now.rlim_cur = rule.resource == RLIMIT_NOFILE ? now.rlim_max : soft_under(rule, now.rlim_max);
    ::setrlimit(rule.resource, &now);
  }
  for (const Rule& rule : kRules) {
    const auto hard = too_low(rule);
    if (!rule.cuts || !hard) continue;
    return environment_error(ErrorCode::kFailedPrecondition,
                             "kilnd would give wrong results under " + describe(rule, *hard) +
                                 ": it cuts what processes make. Start kiln from a shell without "
                                 "this limit");
  }
  return {};
}

std::vector<std::string> limits_that_stay() {
  std::vector<std::string> stay;
  for (const Rule& rule : kRules) {
    const auto hard = too_low(rule);
    if (rule.what != nullptr && hard) {
      stay.push_back("processes run under " + describe(rule, *hard));
    }
  }
  return stay;
}

bool has_better_limits(pid_t pid) {
  return std::ranges::any_of(kRules, [pid](const Rule& rule) {
    const auto hard = rule.what == nullptr ? std::nullopt : too_low(rule);
    rlimit theirs;
    return hard && ::prlimit(pid, rule.resource, nullptr, &theirs) == 0 && theirs.rlim_max > *hard;
  });
}

std::vector<std::string> shed_inherited_state() {
  std::vector<std::string> stays;
  take_all_processors();
  reset_scheduling(stays);
  reset_signals();
  reset_stacks();
  ::personality(PER_LINUX);
  ::prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0);
  // Refused below what a privileged ancestor set: then that is what everybody has.
  if (const auto file = open_file("/proc/self/oom_score_adj", O_WRONLY); file.ok()) {
    (void)write_all(file->get(), "0", "oom_score_adj");
  }
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
    stays.emplace_back(
        "processes cannot gain privileges (sudo, ping): kilnd was started with no_new_privs");
  }
  return stays;
}

}  // namespace kiln::os
