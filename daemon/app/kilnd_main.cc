#include "daemon/app/kilnd_main.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <thread>

#include "common/base/file.h"
#include "common/base/version.h"
#include "common/ipc/home.h"
#include "common/ipc/life_lock.h"
#include "daemon/app/git_user.h"
#include "daemon/app/last_words.h"
#include "daemon/app/lifetime.h"
#include "daemon/app/rotating_log.h"
#include "daemon/os/process_limits.h"
#include "daemon/os/process_tag.h"

namespace kiln::app {

namespace {

constexpr std::chrono::milliseconds kLockRetry{20};
constexpr std::chrono::seconds kLockPatience{20};
constexpr int kRulesDoNotFit = 2;

// What the command line says.
struct Invocation {
  Config config;
  int ready_fd = -1;  // of the client that waits for this daemon, if one does
  bool check_rules = false;
  bool list_goals = false;
  bool json = false;
};

// The life lock; a daemon of the same home that is going is waited for, one that serves is not.
Result<LifeLock> take_life_lock(const DaemonPaths& paths) {
  const auto give_up = std::chrono::steady_clock::now() + kLockPatience;
  for (;;) {
    KILN_ASSIGN(auto lock, LifeLock::try_take(paths.life_lock).with_context(kHomeHint));
    if (lock) return *std::move(lock);
    KILN_ASSIGN(const auto holder, life_lock_holder(paths.life_lock));
    if (holder) {
      const std::string who = holder->is_near() ? "process " + std::to_string(holder->pid)
                                                : std::string("in another container or machine");
      return environment_error(ErrorCode::kUnavailable, "another kilnd, " + who + ", serves " +
                                                            paths.home + " at " + holder->socket);
    }
    if (std::chrono::steady_clock::now() >= give_up) {
      return environment_error(ErrorCode::kUnavailable,
                               "another kilnd holds " + paths.life_lock +
                                   " and neither serves nor goes; it may be finishing what it runs "
                                   "(`fuser " +
                                   paths.life_lock + "` names it)");
    }
    std::this_thread::sleep_for(kLockRetry);
  }
}

// Says `text` to the client that waits.
void tell(int ready_fd, std::string_view text) {
  (void)write_all(ready_fd, text, "the ready pipe");
  ::close(ready_fd);
}

// Standard output and error belong to whoever started us, and end with them; last words of a crash
// go to the log.
void leave_terminal(const std::string& log) {
  UniqueFd file(::open(log.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file.valid()) file.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return;
  ::dup2(file.get(), STDOUT_FILENO);
  ::dup2(file.get(), STDERR_FILENO);
}

// `--check-rules`: what the compiler says is the answer and goes to stdout.
int check_rules(const rules::RuleGraph::Compiled& compiled, bool json) {
  std::vector<rules::Diagnostic> all = compiled.errors;
  all.insert(all.end(), compiled.warnings.begin(), compiled.warnings.end());
  const std::string text = json ? rules::to_json(all) + "\n" : rules::to_text(all);
  (void)write_all(STDOUT_FILENO, text, "standard output");
  if (compiled.graph == nullptr) return kRulesDoNotFit;
  if (!json) {
    std::fprintf(stderr, "kilnd: %zu rules fit together\n", compiled.graph->rules().rules().size());
  }
  return 0;
}

// `--list-goals`: what Goals.List answers, for a client that finds no daemon and need not start one
// to learn whether a word is a goal. A line each: "goal" or "scope", name, summary; tabs between.
int list_goals(const rules::RuleGraph::Compiled& compiled) {
  if (compiled.graph == nullptr) return kRulesDoNotFit;
  std::string text;
  for (const rules::Root& goal : compiled.graph->goals()) {
    text += "goal\t" + goal.name + "\t" + goal.supply.entry->rule.info.summary + "\n";
  }
  for (const rules::OptionScope& scope : compiled.graph->rules().option_scopes()) {
    text += "scope\t" + std::string(scope.scope) + "\t" + std::string(scope.summary) + "\n";
  }
  return write_all(STDOUT_FILENO, text, "standard output").ok() ? 0 : 1;
}

// `stays`: what of the shell that started this daemon could not be shed.
Result<void> serve(Config config, DaemonRules rules, int ready_fd, std::vector<std::string> stays) {
  if (rules.compiled.graph == nullptr) {
    std::string errors = rules::to_text(rules.compiled.errors);
    errors.pop_back();  // the final newline
    return user_error(ErrorCode::kInvalidArgument,
                      "its rules do not fit together (`kilnd --check-rules --json` says the same "
                      "as data)\n\n" +
                          errors);
  }
  KILN_TRY(os::shed_inherited_limits());
  const Environment environment = process_environment();
  KILN_ASSIGN(config.paths, daemon_paths(environment));
  config.downloads.ca_bundle = environment("SSL_CERT_FILE").value_or("");
  config.downloads.netrc = environment("NETRC").value_or("");
  if (auto place = environment("XDG_RUNTIME_DIR")) {
    config.memory_places.push_back(*std::move(place));
  }
  KILN_TRY(check_address_space());
  const Identity identity = current_identity(environment);
  KILN_TRY(check_home(config.paths, identity));
  config.git = git_user(environment);
  KILN_TRY(prepare_runtime_dir(config.paths));
  KILN_TRY(prepare_home(config.paths, identity).with_context(kHomeHint));
  KILN_ASSIGN(LifeLock lock, take_life_lock(config.paths));
  KILN_ASSIGN(const auto log, RotatingLog::open(config.paths.log).with_context(kHomeHint));
  KILN_TRY(os::become_subreaper());
  for (std::string& limit : os::limits_that_stay()) stays.push_back(std::move(limit));
  for (const std::string& what : stays) log->warn(what);
  if (!rules.compiled.warnings.empty()) log->warn(rules::to_text(rules.compiled.warnings));
  auto served = Lifetime(config, lock, *log).run(std::move(rules), [&] {
    end_last_words();
    if (ready_fd < 0) return;
    tell(ready_fd, "ready\n");
    leave_terminal(config.paths.log);
  });
  if (!served.ok()) log->error(served.error().to_string());
  return served;
}

// Says what is allowed, as CLI::Range does not for numbers that are none.
CLI::Validator whole_number(int64_t least, int64_t most, const std::string& variable) {
  return CLI::Validator(
      [least, most, variable](const std::string& text) -> std::string {
        int64_t number = 0;
        const char* const end = text.data() + text.size();
        const auto [after, error] = std::from_chars(text.data(), end, number);
        if (error == std::errc() && after == end && number >= least && number <= most) return {};
        return "'" + text + "' is not a whole number from " + std::to_string(least) + " to " +
               std::to_string(most) + " (it may come from the variable " + variable + ")";
      },
      "");
}

// The exit code of a command line that only asks for help, or is wrong; else what it says.
std::optional<int> parse(int argc, char** argv, Invocation& invocation) {
  Config& config = invocation.config;
  config.jobs = std::max(1u, std::thread::hardware_concurrency());
  int64_t idle_seconds = config.idle_timeout.count();

  CLI::App app("kilnd, the daemon of kiln. `kiln` starts it when needed; there is no need to.");
  app.set_version_flag("--version", "kilnd " + std::string(version()));
  app.add_option("--jobs", config.jobs, "processes at once (default: the number of cores)")
      ->check(whole_number(1, 4096, "KILN_JOBS"))
      ->envname("KILN_JOBS");
  app.add_option("--idle-timeout", idle_seconds,
                 "seconds without a request after which it exits; 0 is never")
      ->check(whole_number(0, INT32_MAX, "KILN_IDLE_TIMEOUT"))
      ->envname("KILN_IDLE_TIMEOUT");
  app.add_option("--max-watches", config.max_watches,
                 "directories to watch at most; 0 is the kernel's limit")
      ->check(whole_number(0, INT32_MAX, "KILN_MAX_WATCHES"))
      ->envname("KILN_MAX_WATCHES");
  app.add_option(
         "--memo-bytes", config.memo_bytes,
         "bytes of values to remember at most; what is over is made again when needed; 0 is "
         "no limit")
      ->check(whole_number(0, INT64_MAX, "KILN_MEMO_BYTES"))
      ->envname("KILN_MEMO_BYTES");
  app.add_option("--memo-nodes", config.memo_nodes,
                 "nodes of the memo above which those that nothing needs any more are forgotten; 0 "
                 "is no limit")
      ->check(whole_number(0, INT64_MAX, "KILN_MEMO_NODES"))
      ->envname("KILN_MEMO_NODES");
  app.add_option("--cache-bytes", config.cache_bytes,
                 "bytes of the store's database to keep in memory at most")
      ->check(whole_number(0, INT64_MAX, "KILN_CACHE_BYTES"))
      ->envname("KILN_CACHE_BYTES");
  app.add_option("--sandbox-directory", config.sandbox_directory,
                 "a directory in a tmpfs for plain sandboxes (default: /dev/shm or "
                 "$XDG_RUNTIME_DIR, if there is room); \"disk\" is none")
      ->envname("KILN_SANDBOX_DIRECTORY");
  app.add_option("--ready-fd", invocation.ready_fd, "say \"ready\" there once clients can connect");
  auto* check = app.add_flag("--check-rules", invocation.check_rules,
                             "say whether the rules fit together, and why not; exit code 2 then");
  app.add_flag("--list-goals", invocation.list_goals,
               "print goals and scopes of options, and do nothing else");
  app.add_flag("--json", invocation.json, "with --check-rules: as data")->needs(check);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "kilnd: %s\n", error.what());
    return 2;
  }
  config.idle_timeout = std::chrono::seconds(idle_seconds);
  return std::nullopt;
}

}  // namespace

int kilnd_main(int argc, char** argv, rules::RuleSet plugins) {
  // First: the default number of processes at once is that of all processors, and threads inherit.
  std::vector<std::string> stays = os::shed_inherited_state();
  Invocation invocation;
  if (const auto done = parse(argc, argv, invocation)) return *done;
  DaemonRules rules = compile_rules(std::move(plugins));
  if (invocation.check_rules) return check_rules(rules.compiled, invocation.json);
  if (invocation.list_goals) return list_goals(rules.compiled);

  ::signal(SIGPIPE, SIG_IGN);
  begin_last_words(invocation.ready_fd);
  const int ready_fd = invocation.ready_fd;
  if (ready_fd >= 0) ::fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
  const Result<void> served =
      serve(std::move(invocation.config), std::move(rules), ready_fd, std::move(stays));
  if (served.ok()) return 0;
  const std::string message = served.error().to_string() + "\n";
  if (ready_fd >= 0) {
    tell(ready_fd, message);
  } else {
    std::fprintf(stderr, "kilnd: %s", message.c_str());
  }
  return exit_code(served.error().code(), served.error().blame());
}

}  // namespace kiln::app
