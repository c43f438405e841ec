// kiln daemon start | stop | status | restart | log
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <array>
#include <nlohmann/json.hpp>

#include "client/commands/command.h"
#include "client/render.h"
#include "common/base/file.h"
#include "kiln/v1/daemon.pb.h"

namespace kiln {

namespace {

constexpr int kFollowMilliseconds = 250;

Result<int> start(Invocation& invocation) {
  KILN_ASSIGN(Session * session, invocation.session());
  KILN_ASSIGN(const DaemonConnection connection,
              find_or_start_daemon(session->paths(), invocation.interrupt()));
  const std::string pid = std::to_string(connection.pid);
  invocation.console().say(connection.started ? "the daemon is started, pid " + pid
                                              : "the daemon runs already, pid " + pid);
  return 0;
}

Result<void> stop(Invocation& invocation, bool force) {
  KILN_ASSIGN(Session * session, invocation.session());
  KILN_ASSIGN(auto connection, find_daemon(session->paths(), invocation.interrupt()));
  if (!connection) {
    invocation.console().say("no daemon runs");
    return {};
  }
  const std::string pid = std::to_string(connection->pid);
  KILN_TRY(stop_daemon(*std::move(connection), force, invocation.interrupt()));
  invocation.console().say("the daemon is stopped, pid " + pid);
  return {};
}

std::string json_of(const v1::StatusResponse& status) {
  nlohmann::ordered_json json = {
      {"running", true},
      {"pid", status.pid()},
      {"version", status.version()},
      {"uptime_seconds", status.uptime_seconds()},
      {"home", status.home()},
      {"runtime_dir", status.runtime_dir()},
      {"workspaces", status.workspaces()},
      {"watches", status.watches()},
      {"unwatched_directories", status.unwatched_directories()},
      {"memo_nodes", status.memo_nodes()},
      {"memo_bytes", status.memo_bytes()},
      {"runs_in_flight", status.runs_in_flight()},
      {"processes_running", status.processes_running()},
      {"resident_bytes", status.resident_bytes()},
      {"clock", {{"epoch", status.clock().epoch()}, {"tick", status.clock().tick()}}}};
  nlohmann::json counters = nlohmann::json::object();
  for (const auto& [name, value] : status.counters()) counters[name] = value;
  json["counters"] = counters;
  return json.dump() + "\n";
}

std::string text_of(const v1::StatusResponse& status) {
  std::vector<std::vector<std::string>> rows = {
      {"pid", std::to_string(status.pid())},
      {"version", status.version()},
      {"uptime", uptime_text(status.uptime_seconds())},
      {"home", status.home()},
      {"socket directory", status.runtime_dir()},
      {"resident memory", bytes_text(status.resident_bytes())},
      {"memo", std::to_string(status.memo_nodes()) + " nodes, " + bytes_text(status.memo_bytes())},
      {"watches", std::to_string(status.watches()) + " directories"},
      {"runs in flight", std::to_string(status.runs_in_flight())},
      {"processes", std::to_string(status.processes_running()) + " running"}};
  if (status.unwatched_directories() > 0) {
    rows.push_back({"unwatched", std::to_string(status.unwatched_directories()) +
                                     " directories, checked at each request"});
  }
  for (int i = 0; i < status.workspaces_size(); ++i) {
    rows.push_back({i == 0 ? "workspaces" : "", status.workspaces(i)});
  }
  const auto counted = [&status](const char* name) {
    const auto found = status.counters().find(name);
    return std::to_string(found == status.counters().end() ? 0 : found->second);
  };
  rows.push_back({"process results", counted("process.ran") + " ran, " +
                                         counted("process.hit_locally") + " from the store, " +
                                         counted("process.memoized") + " memoized"});
  return table(rows);
}

// A log file that may be rotated away while it is followed.
class LogReader {
 public:
  explicit LogReader(std::string path) : path_(std::move(path)) {}

  Result<void> open() {
    KILN_ASSIGN(fd_, open_file(path_, O_RDONLY));
    return {};
  }

  // Prints what there is.
  Result<void> print(Console& console) {
    std::array<char, 1 << 16> buffer;
    for (;;) {
      KILN_ASSIGN(const size_t n, read_some(fd_.get(), buffer, path_));
      if (n == 0) return {};
      KILN_TRY(console.write_stdout({buffer.data(), n}));
    }
  }

  // Goes on in the new file if the name belongs to another one by now. True if it did.
  bool reopen_if_rotated() {
    struct stat ours;
    struct stat named;
    if (::fstat(fd_.get(), &ours) != 0 || ::stat(path_.c_str(), &named) != 0) return false;
    if (ours.st_ino == named.st_ino && ours.st_dev == named.st_dev) return false;
    return open().ok();
  }

 private:
  const std::string path_;
  UniqueFd fd_;
};

}  // namespace

Result<int> run_daemon_start(Invocation& invocation) {
  OptionParser parser({"kiln daemon start", "[OPTION]...", "Start the daemon, if it does not run.",
                       "Every command that needs the daemon starts it by itself.", ""});
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  return start(invocation);
}

Result<int> run_daemon_stop(Invocation& invocation) {
  bool force = false;
  OptionParser parser({"kiln daemon stop", "[--force]", "Stop the daemon when its work is done.",
                       "Returns when the daemon has ended. What it knows stays on disk.", ""});
  parser.flag("--force", force, "cancel what runs instead of waiting for it");
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  KILN_TRY(stop(invocation, force));
  return 0;
}

Result<int> run_daemon_restart(Invocation& invocation) {
  bool force = false;
  OptionParser parser(
      {"kiln daemon restart", "[--force]", "Stop the daemon and start it again.", "", ""});
  parser.flag("--force", force, "cancel what runs instead of waiting for it");
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  KILN_TRY(stop(invocation, force));
  return start(invocation);
}

Result<int> run_daemon_status(Invocation& invocation) {
  OptionParser parser(
      {"kiln daemon status",
       "[--json]",
       "Show what the daemon does and holds.",
       "Starts nothing. With --json also every counter.",
       "kiln daemon status --json | jq .counters",
       {{"0", "a daemon runs"}, {"1", "none does"}, kWrongCommandLine, kKilnFailed}});
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  Console& console = invocation.console();
  KILN_ASSIGN(Session * session, invocation.session());
  KILN_ASSIGN(const auto running, find_daemon(session->paths(), invocation.interrupt()));
  if (!running) {
    if (invocation.globals().json()) KILN_TRY(console.write_stdout("{\"running\":false}\n"));
    console.say("no daemon runs for " + session->paths().home);
    return 1;
  }
  v1::StatusResponse status;
  KILN_TRY(session->unary("/kiln.v1.Daemon/Status", v1::StatusRequest(), status));
  KILN_TRY(console.write_stdout(invocation.globals().json() ? json_of(status) : text_of(status)));
  return 0;
}

Result<int> run_daemon_log(Invocation& invocation) {
  bool follow = false;
  OptionParser parser({"kiln daemon log",
                       "[-f]",
                       "Print the daemon's log.",
                       "",
                       "",
                       {kDone, {"1", "there is none"}, kWrongCommandLine, kKilnFailed}});
  parser.flag("-f,--follow", follow, "go on printing what is added, until interrupted");
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  KILN_ASSIGN(Session * session, invocation.session());
  LogReader log(session->paths().log);
  if (const auto opened = log.open(); !opened.ok()) {
    if (opened.error().code() != ErrorCode::kNotFound) return opened.error();
    invocation.console().say("there is no log: no daemon has run for " + session->paths().home);
    return 1;
  }
  KILN_TRY(log.print(invocation.console()));
  while (follow) {
    pollfd fd = {invocation.interrupt().fd(), POLLIN, 0};
    if (::poll(&fd, 1, kFollowMilliseconds) > 0 && invocation.interrupt().take()) break;
    KILN_TRY(log.print(invocation.console()));
    if (log.reopen_if_rotated()) KILN_TRY(log.print(invocation.console()));
  }
  return 0;
}

}  // namespace kiln
