#include "tests/support/kiln_fixture.h"

namespace kiln::test {

KilnTest::KilnTest() {
  std::filesystem::create_directories(workspace() / ".git");  // marks it, and is no input
  environment_ = {{"HOME", temp_.path().string()},
                  {"KILN_HOME", home().string()},
                  {"KILN_RUNTIME_DIR", runtime_dir().string()},
                  // Processes of tests meet and tell through files of the machine.
                  {"KILN_SANDBOX_LEVEL", "plain"},
                  {"PATH", "/usr/local/bin:/usr/bin:/bin"},
                  {"TMPDIR", temp_.path().string()}};
}

KilnTest::~KilnTest() { stop_daemon(); }

std::filesystem::path KilnTest::client() { return KILN_CLIENT; }
std::filesystem::path KilnTest::daemon() { return client().parent_path() / "kilnd"; }

Command KilnTest::start(Arguments arguments, const std::string& input) {
  return start_in(workspace(), std::move(arguments), input);
}

Command KilnTest::start_in(const std::filesystem::path& directory, Arguments arguments,
                           const std::string& input) {
  arguments.insert(arguments.begin(), client().string());
  return Command(arguments, {environment_, (workspace() / directory).string(), input});
}

Outcome KilnTest::kiln_in(const std::filesystem::path& directory, Arguments arguments) {
  return start_in(directory, std::move(arguments)).wait();
}

Outcome KilnTest::kiln(Arguments arguments, const std::string& input) {
  return start(std::move(arguments), input).wait();
}

nlohmann::json KilnTest::kiln_json(Arguments arguments) {
  const Outcome outcome = kiln(std::move(arguments));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return nlohmann::json::parse(outcome.out, nullptr, false);
}

nlohmann::json KilnTest::exec_json(Arguments options, const std::string& script) {
  Arguments arguments = {"exec", "--json"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.insert(arguments.end(), {"--", "sh", "-c", script});
  const Outcome outcome = kiln(std::move(arguments));
  auto document = nlohmann::json::parse(outcome.out, nullptr, false);
  EXPECT_TRUE(document.is_object()) << outcome.out << outcome.err;
  return document;
}

std::string KilnTest::source_of(Arguments options, const std::string& script) {
  return exec_json(std::move(options), script).value("source", "none");
}

int64_t KilnTest::counter(const std::string& name) {
  const auto status = kiln_json({"daemon", "status", "--json"});
  const auto& counters = status["counters"];
  if (!counters.contains(name)) return 0;
  // Protobuf's JSON writes 64-bit numbers as strings.
  const auto& value = counters[name];
  return value.is_string() ? std::stoll(value.get<std::string>()) : value.get<int64_t>();
}

int64_t KilnTest::daemon_pid() {
  const auto status = kiln_json({"daemon", "status", "--json"});
  const auto& value = status["pid"];
  return value.is_string() ? std::stoll(value.get<std::string>()) : value.get<int64_t>();
}

void KilnTest::stop_daemon() { kiln({"daemon", "stop"}); }

}  // namespace kiln::test
