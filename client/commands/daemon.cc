// kiln daemon start | stop | status | restart | log | socket
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "client/commands/command.h"
#include "client/process_json.h"
#include "client/render.h"
#include "common/base/file.h"
#include "common/ipc/life_lock.h"
#include "kiln/v1/daemon.pb.h"

namespace kiln {

namespace {

constexpr int kFollowMilliseconds = 250;
constexpr int kShownRuns = 5;

using Json = nlohmann::ordered_json;

// What --json prints, or what is said.
Result<void> answer(Invocation& invocation, const Json& json, const std::string& text) {
  if (invocation.globals().json()) return invocation.console().write_stdout(dumped_line(json));
  invocation.console().say(text);
  return {};
}

Json json_of(const v1::StatusResponse& status, bool started) {
  return {{"running", true},           {"started", started},
          {"pid", status.pid()},       {"version", status.version()},
          {"socket", status.socket()}, {"home", status.home()}};
}

// Of a daemon that serves: one that is stopping is waited for.
Result<int> start(Invocation& invocation) {
  KILN_ASSIGN(Session * session, invocation.session());
  const DaemonPaths& paths = session->paths();
  for (;;) {
    KILN_ASSIGN(DaemonConnection connection, find_or_start_daemon(paths, invocation.interrupt()));
    const pid_t pid = connection.pid;
    const bool started = connection.started;
    KILN_ASSIGN(const v1::StatusResponse status,
                ask_status(std::move(connection), invocation.console(), invocation.interrupt()));
    if (status.stopping()) {
      KILN_TRY(await_end(pid, paths, "the next daemon is started after that", invocation.console(),
                         invocation.interrupt()));
      continue;
    }
    const std::string number = std::to_string(status.pid());
    KILN_TRY(answer(invocation, json_of(status, started),
                    started ? "the daemon is started, pid " + number
                            : "the daemon runs already, pid " + number));
    return 0;
  }
}

// The process number of the daemon that has ended; nothing if none ran.
Result<std::optional<pid_t>> stop(Invocation& invocation, bool force) {
  KILN_ASSIGN(Session * session, invocation.session());
  const DaemonPaths& paths = session->paths();
  KILN_ASSIGN(auto connection, find_daemon_to_stop(paths, force, invocation.interrupt()));
  if (!connection) return std::optional<pid_t>();
  const pid_t pid = connection->pid;
  KILN_TRY(stop_daemon(*std::move(connection), paths, force, invocation.console(),
                       invocation.interrupt()));
  return std::optional(pid);
}

std::string json_of(const v1::StatusResponse& status) {
  Json json = {{"running", true},
               {"pid", status.pid()},
               {"version", status.version()},
               {"uptime_seconds", status.uptime_seconds()},
               {"home", status.home()},
               {"runtime_dir", status.runtime_dir()},
               {"socket", status.socket()},
               {"stopping", status.stopping()},
               {"capabilities", status.capabilities()},
               {"workspaces", status.workspaces()},
               {"workspace_count", status.workspace_count()},
               {"watches", status.watches()},
               {"unwatched_directories", status.unwatched_directories()},
               {"memo_nodes", status.memo_nodes()},
               {"memo_bytes", status.memo_bytes()},
               {"runs_in_flight", status.runs_in_flight()},
               {"requests", status.running()},
               {"processes_running", status.processes_running()},
               {"resident_bytes", status.resident_bytes()},
               {"sandbox_memory", status.sandbox_memory()},
               {"sandbox_memory_lent", status.sandbox_memory_lent()},
               {"sandbox_memory_room", status.sandbox_memory_room()},
               {"clock", {{"epoch", status.clock().epoch()}, {"tick", status.clock().tick()}}}};
  nlohmann::json counters = nlohmann::json::object();
  for (const auto& [name, value] : status.counters()) counters[name] = value;
  json["counters"] = counters;
  return json.dump() + "\n";
}

std::string sandboxes_text(const v1::StatusResponse& status) {
  if (status.sandbox_memory().empty()) return "on disk";
  return status.sandbox_memory() + ", " + bytes_text(status.sandbox_memory_lent()) +
         " of inputs, " + bytes_text(status.sandbox_memory_room()) + " left";
}

std::string text_of(const v1::StatusResponse& status) {
  std::vector<std::vector<std::string>> rows = {
      {"pid", std::to_string(status.pid())},
      {"version", status.version()},
      {"uptime", uptime_text(status.uptime_seconds())},
      {"home", status.home()},
      {"socket", status.socket()},
      {"resident memory", bytes_text(status.resident_bytes())},
      {"memo", std::to_string(status.memo_nodes()) + " nodes, " + bytes_text(status.memo_bytes())},
      {"watches", std::to_string(status.watches()) + " directories"},
      {"runs in flight", std::to_string(status.runs_in_flight())},
      {"processes", std::to_string(status.processes_running()) + " running"},
      {"sandboxes", sandboxes_text(status)}};
  if (status.stopping()) {
    rows.insert(rows.begin(), {"state", "stopping, as soon as its work is done"});
  }
  for (int i = 0; i < std::min(status.running_size(), kShownRuns); ++i) {
    rows.push_back({i == 0 ? "requests" : "", status.running(i)});
  }
  if (status.unwatched_directories() > 0) {
    rows.push_back({"unwatched", std::to_string(status.unwatched_directories()) +
                                     " directories, checked at each request"});
  }
  for (int i = 0; i < status.workspaces_size(); ++i) {
    rows.push_back({i == 0 ? "workspaces" : "", status.workspaces(i)});
  }
  if (status.workspace_count() > static_cast<uint64_t>(status.workspaces_size())) {
    rows.push_back({"", "and " +
                            std::to_string(status.workspace_count() -
                                           static_cast<uint64_t>(status.workspaces_size())) +
                            " more"});
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

// A log file that may be rotated away while it is followed. As JSON it is a document for each line.
class LogReader {
 public:
  LogReader(std::string path, bool as_json) : path_(std::move(path)), as_json_(as_json) {}

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
      KILN_TRY(print({buffer.data(), n}, console));
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
  Result<void> print(std::string_view bytes, Console& console) {
    if (!as_json_) return console.write_stdout(bytes);
    unfinished_ += bytes;
    std::string out;
    size_t begin = 0;
    for (size_t end; (end = unfinished_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      out += dumped_line({{"line", unfinished_.substr(begin, end - begin)}});
    }
    unfinished_.erase(0, begin);
    return console.write_stdout(out);
  }

  const std::string path_;
  const bool as_json_;
  std::string unfinished_;  // the beginning of a line
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
  KILN_ASSIGN(const std::optional<pid_t> pid, stop(invocation, force));
  Json json = {{"running", false}, {"stopped", pid.has_value()}};
  json["pid"] = pid && *pid > 0 ? Json(*pid) : Json(nullptr);
  KILN_TRY(answer(invocation, json,
                  pid ? "the daemon is stopped, " + daemon_name(*pid) : "no daemon runs"));
  return 0;
}

Result<int> run_daemon_restart(Invocation& invocation) {
  bool force = false;
  OptionParser parser(
      {"kiln daemon restart", "[--force]", "Stop the daemon and start it again.", "", ""});
  parser.flag("--force", force, "cancel what runs instead of waiting for it");
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  KILN_ASSIGN(const std::optional<pid_t> stopped, stop(invocation, force));
  if (!invocation.globals().json()) {
    invocation.console().say(stopped ? "the daemon is stopped, " + daemon_name(*stopped)
                                     : "no daemon runs");
  }
  return start(invocation);
}

Result<int> run_daemon_status(Invocation& invocation) {
  OptionParser parser(
      {"kiln daemon status",
       "[--json]",
       "Show what the daemon does and holds.",
       "Starts nothing, but for a daemon in place of one that was started under limits that\n"
       "this shell does not have. With --json also every counter.",
       "kiln daemon status --json | jq .counters",
       {{"0", "a daemon runs"}, {"1", "none does"}, kWrongCommandLine, kKilnFailed}});
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  Console& console = invocation.console();
  KILN_ASSIGN(Session * session, invocation.session());
  KILN_ASSIGN(auto running, find_daemon(session->paths(), invocation.interrupt()));
  if (!running) {
    if (invocation.globals().json()) KILN_TRY(console.write_stdout("{\"running\":false}\n"));
    console.say("no daemon runs for " + session->paths().home);
    return 1;
  }
  auto asked = ask_status(*std::move(running), console, invocation.interrupt());
  if (!asked.ok() && asked.error().code() == ErrorCode::kUnavailable) {
    // It leaves, because it cannot serve this caller well, and one is there still: the next.
    v1::StatusResponse next;
    KILN_TRY(session->unary("/kiln.v1.Daemon/Status", v1::StatusRequest(), next));
    asked = std::move(next);
  }
  KILN_ASSIGN(const v1::StatusResponse status, std::move(asked));
  KILN_TRY(console.write_stdout(invocation.globals().json() ? json_of(status) : text_of(status)));
  return 0;
}

Result<int> run_daemon_socket(Invocation& invocation) {
  OptionParser parser(
      {"kiln daemon socket", "[--json]", "Print the path of the daemon's socket.",
       "Where the daemon listens, or will listen once it is started. Starts nothing.",
       "grpcurl -plaintext -unix \"$(kiln daemon socket)\" list"});
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  KILN_ASSIGN(Session * session, invocation.session());
  const DaemonPaths& paths = session->paths();
  KILN_ASSIGN(const auto holder, life_lock_holder(paths.life_lock));
  const std::string& socket = holder ? holder->socket : paths.socket;
  const Json json = {{"socket", socket}, {"running", holder.has_value()}};
  KILN_TRY(invocation.console().write_stdout(invocation.globals().json() ? dumped_line(json)
                                                                         : socket + "\n"));
  return 0;
}

Result<int> run_daemon_log(Invocation& invocation) {
  bool follow = false;
  OptionParser parser({"kiln daemon log",
                       "[-f]",
                       "Print the daemon's log.",
                       "With --json a document {\"line\": ...} for each line.",
                       "",
                       {kDone, {"1", "there is none"}, kWrongCommandLine, kKilnFailed}});
  parser.flag("-f,--follow", follow, "go on printing what is added, until interrupted");
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  KILN_ASSIGN(Session * session, invocation.session());
  LogReader log(session->paths().log, invocation.globals().json());
  if (const auto opened = log.open(); !opened.ok()) {
    if (opened.error().code() != ErrorCode::kNotFound) return opened.error();
    if (invocation.globals().json()) {
      KILN_TRY(invocation.console().write_stdout(dumped_line({{"log", nullptr}})));
    }
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
