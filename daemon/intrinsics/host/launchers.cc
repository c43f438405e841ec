#include "daemon/intrinsics/host/launchers.h"

#include <algorithm>
#include <array>

#include "daemon/intrinsics/host/shebang.h"

namespace kiln::intrinsics {

namespace {

using Paths = std::vector<std::string>;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_shell(std::string_view interpreter) {
  constexpr std::array<std::string_view, 7> kShells = {"sh",  "bash", "dash", "ash",
                                                       "ksh", "zsh",  "mksh"};
  const std::string_view name = base_name(interpreter);
  return std::find(kShells.begin(), kShells.end(), name) != kShells.end();
}

// The interpreter of a script, behind env as well; empty if it is no script.
std::string interpreter_name(std::string_view text) {
  const auto shebang = parse_shebang(text);
  if (!shebang) return {};
  if (base_name(shebang->interpreter) == "env") {
    const auto command = parse_env_argument(shebang->argument);
    return command ? std::string(base_name(command->command)) : "";
  }
  return std::string(base_name(shebang->interpreter));
}

// A word of a command that the shell takes as it is written; nothing if it expands something.
std::optional<std::string> literal(std::string_view word) {
  if (word.size() >= 2 && (word.front() == '"' || word.front() == '\'') &&
      word.back() == word.front()) {
    word = word.substr(1, word.size() - 2);
  }
  if (word.empty() || word.find_first_of("$`*?[]{}()<>|&;\\\"'~") != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(word);
}

std::string_view last_command(std::string_view script) {
  std::string_view last;
  while (!script.empty()) {
    std::string_view line = script.substr(0, script.find('\n'));
    script.remove_prefix(std::min(line.size() + 1, script.size()));
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos || line[begin] == '#') continue;
    line.remove_prefix(begin);
    last = line.substr(0, line.find_last_not_of(" \t\r;") + 1);
  }
  return last;
}

class LaunchSearch {
 public:
  // `path` is where the launcher is started, `found` where it stands: maybe behind a link.
  LaunchSearch(HostLookup& host, const ToolEnvironment& environment, const std::string& path,
               const HostLookup::Found& found)
      : host_(host),
        environment_(environment),
        name_(base_name(path)),
        file_(found.path),
        directories_{directory_name(path), directory_name(found.path)} {}

  Task<Result<Launch>> run(const HostFile& file) {
    for (const std::string& directory : directories_) {
      if (base_name(directory) == "shims") {
        co_return co_await shim(directory_name(directory), file.text);
      }
      KILN_CO_ASSIGN(const bool proxy, co_await is_rustup(directory, file));
      if (proxy) co_return co_await rustup();
    }
    const std::string interpreter = interpreter_name(file.text);
    if (interpreter == "node" || interpreter == "nodejs") co_return node(file_);
    if (is_shell(interpreter)) co_return launch_of_wrapper(file.text);
    co_return Launch();
  }

 private:
  Task<Result<Launch>> shim(const std::string& root, std::string_view text) {
    Launch launch;
    if (contains(text, "pyenv")) {
      launch.files.push_back(root + "/version");
      KILN_CO_ASSIGN(const Paths versions, co_await host_.list(root + "/versions"));
      for (const std::string& version : versions) {
        launch.programs.push_back(root + "/versions/" + version + "/bin/" + name_);
      }
    } else if (contains(text, "asdf")) {
      launch.files = {home_directory(environment_) + "/.tool-versions"};
      for (const std::string& line : split(text, "\n")) {
        constexpr std::string_view kPlugin = "# asdf-plugin: ";
        if (!line.starts_with(kPlugin)) continue;
        const Paths words = split(std::string_view(line).substr(kPlugin.size()), " ");
        if (words.size() < 2) continue;
        launch.programs.push_back(root + "/installs/" + words[0] + "/" + words[1] + "/bin/" +
                                  name_);
      }
    }
    launch.unknown = launch.programs.empty();
    co_return launch;
  }

  // Rustup's proxies are links to it, or the same bytes beside it.
  Task<Result<bool>> is_rustup(const std::string& directory, const HostFile& file) {
    if (name_ == "rustup") co_return false;
    if (base_name(file_) == "rustup") co_return true;
    KILN_CO_ASSIGN(const HostLookup::Found beside, co_await host_.look(directory + "/rustup"));
    if (!beside.is_readable_file()) co_return false;
    KILN_CO_ASSIGN(const HostFilePtr rustup, co_await host_.read(beside));
    co_return rustup->digest == file.digest;
  }

  Task<Result<Launch>> rustup() {
    std::string home(variable(environment_, "RUSTUP_HOME"));
    if (home.empty()) home = home_directory(environment_) + "/.rustup";
    Launch launch;
    launch.files.push_back(home + "/settings.toml");
    KILN_CO_ASSIGN(const Paths toolchains, co_await host_.list(home + "/toolchains"));
    for (const std::string& toolchain : toolchains) {
      const std::string root = home + "/toolchains/" + toolchain;
      launch.programs.push_back(root + "/bin/" + name_);
      launch.files.push_back(root + "/lib/rustlib/multirust-channel-manifest.toml");
    }
    launch.unknown = launch.programs.empty();
    co_return launch;
  }

  // The package that a script of node belongs to, and npm's record of what is installed beside it.
  static Launch node(const std::string& script) {
    Launch launch;
    constexpr std::string_view kModules = "/node_modules/";
    for (size_t at = script.find(kModules); at != std::string::npos;
         at = script.find(kModules, at + 1)) {
      launch.files.push_back(script.substr(0, at) + "/node_modules/.package-lock.json");
    }
    std::string directory = directory_name(script);
    for (int levels = 0; levels < kMostLevels && directory != "/"; ++levels) {
      launch.files.push_back(directory + "/package.json");
      directory = directory_name(directory);
    }
    return launch;
  }
  static constexpr int kMostLevels = 6;

  HostLookup& host_;
  const ToolEnvironment& environment_;
  const std::string name_;
  const std::string file_;
  const std::array<std::string, 2> directories_;
};

}  // namespace

Launch launch_of_wrapper(std::string_view script) {
  Launch launch;
  const std::string_view command = last_command(script);
  if (!command.starts_with("exec ") || !contains(command, "\"$@\"")) return launch;
  const Paths words = split(command.substr(5), " \t");
  bool command_seen = false;
  for (size_t i = 0; i < words.size(); ++i) {
    if (!command_seen && words[i] == "-a") {
      ++i;  // another name for it
      continue;
    }
    if (!command_seen && (words[i] == "-l" || words[i] == "-c" || words[i] == "--")) continue;
    const auto word = literal(words[i]);
    if (!command_seen) {
      command_seen = true;
      if (word && word->starts_with('/')) {
        launch.programs.push_back(*word);
      } else if (word && !contains(*word, "/") && !contains(script, "PATH=")) {
        launch.commands.push_back(*word);
      } else {
        launch.unknown = true;
      }
    } else if (word && word->starts_with('/')) {
      launch.files.push_back(*word);
    }
  }
  return launch;
}

Task<Result<Launch>> find_launch(HostLookup& host, const ToolEnvironment& environment,
                                 const std::string& path, const HostLookup::Found& found,
                                 const HostFile& file) {
  LaunchSearch search(host, environment, path, found);
  co_return co_await search.run(file);
}

}  // namespace kiln::intrinsics
