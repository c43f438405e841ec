// Each line is tried against one table of phrases: what stands before the name, and what behind it.
// A name is then looked for where the tool would have: from the working directory, beside the file
// that mentions it, and in the directories that options like -I name.
#include "daemon/session/missing_inputs.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace kiln::session {

namespace {

constexpr size_t kMostNames = 100;
constexpr size_t kMostHints = 5;
constexpr size_t kLongestLine = 4096;

struct Phrase {
  std::string_view before;
  std::string_view after;
};

// The name stands between the two.
constexpr auto kPhrases = std::to_array<Phrase>({
    {"fatal error: '", "' file not found"},          // clang
    {"o such file or directory: '", "'"},            // Python; clang, of an argument
    {"can't open file '", "'"},                      // python3 FILE
    {"no such file or directory, open '", "'"},      // Node
    {"Cannot find module '", "'"},                   // Node
    {"No rule to make target '", "'"},               // make
    {"cannot open ", ": No such file"},              // dash, tar
    {"cannot open '", "'"},                          // awk
    {"Can't open ", ": No such file or directory"},  // perl
    {"can't read ", ": No such file or directory"},  // sed
    {"couldn't open file \"", "\""},                 // Tcl
    {"cannot access '", "': No such file"},          // ls
    {"cannot stat '", "': No such file"},            // cp, mv
});

constexpr std::string_view kStrerror = ": No such file or directory";
constexpr std::string_view kShell = ": not found";
constexpr std::string_view kModule = "No module named '";

std::optional<std::string_view> between(std::string_view line, const Phrase& phrase) {
  const size_t begin = line.find(phrase.before);
  if (begin == std::string_view::npos) return std::nullopt;
  line.remove_prefix(begin + phrase.before.size());
  const size_t end = line.find(phrase.after);
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  return line.substr(0, end);
}

// "cat: some file: No such file or directory": the last part before the words.
std::optional<std::string_view> last_part(std::string_view line, std::string_view words) {
  const size_t end = line.find(words);
  if (end == std::string_view::npos) return std::nullopt;
  line = line.substr(0, end);
  const size_t colon = line.rfind(": ");
  if (colon != std::string_view::npos) line.remove_prefix(colon + 2);
  if (line.size() > 2 && line.front() == '\'' && line.back() == '\'') {
    line = line.substr(1, line.size() - 2);
  }
  if (line.empty()) return std::nullopt;
  return line;
}

// "src/a.c" of "src/a.c:1:10: fatal error: …"; empty if the line does not begin so.
std::string_view mentioned_in(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon + 1 >= line.size()) return {};
  return line[colon + 1] >= '0' && line[colon + 1] <= '9' ? line.substr(0, colon)
                                                          : std::string_view();
}

void add_module(std::string_view module, std::vector<NotFound>& found) {
  std::string path(module);
  std::replace(path.begin(), path.end(), '.', '/');
  found.push_back({path + ".py", ""});
  found.push_back({path + "/__init__.py", ""});
}

void look_at_line(std::string_view line, std::vector<NotFound>& found) {
  if (const auto module = between(line, {kModule, "'"})) return add_module(*module, found);
  for (const Phrase& phrase : kPhrases) {
    if (const auto name = between(line, phrase)) {
      found.push_back({std::string(*name), std::string(mentioned_in(line))});
      return;
    }
  }
  auto name = last_part(line, kStrerror);
  // Of a shell's "not found" only paths are files; other words are commands.
  if (!name) {
    name = last_part(line, kShell);
    if (name && name->find('/') == std::string_view::npos) name = std::nullopt;
  }
  if (name) found.push_back({std::string(*name), std::string(mentioned_in(line))});
}

std::string joined(std::string_view directory, std::string_view name) {
  if (directory.empty() || directory == ".") return std::string(name);
  return std::string(directory) + "/" + std::string(name);
}

bool is_file(const std::string& path) {
  struct stat st;
  return ::lstat(path.c_str(), &st) == 0 && (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode));
}

std::string_view directory_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

// The directories of -I, -iquote, -isystem and -L.
std::vector<std::string> search_directories(const std::vector<std::string>& argv) {
  std::vector<std::string> directories;
  for (size_t i = 0; i < argv.size(); ++i) {
    for (const std::string_view option : {"-iquote", "-isystem", "-I", "-L"}) {
      if (!argv[i].starts_with(option)) continue;
      if (argv[i].size() > option.size()) {
        directories.push_back(argv[i].substr(option.size()));
      } else if (i + 1 < argv.size()) {
        directories.push_back(argv[i + 1]);
      }
      break;
    }
  }
  return directories;
}

// Where names are looked for, and which are worth a hint.
class Search {
 public:
  Search(const std::string& root, const exec::Process& process)
      : root_(root), process_(process), directories_(search_directories(process.argv)) {}

  void look_for(const NotFound& missing) {
    const std::string_view name = missing.name;
    if (name.starts_with(kSandbox)) return consider(name.substr(kSandbox.size()));
    if (name.starts_with(root_ + "/")) return consider(name.substr(root_.size() + 1));
    if (name.starts_with('/')) return;
    const std::string here = process_.working_directory.str();
    consider(joined(here, name));
    std::string_view beside = directory_of(missing.beside);
    if (beside.starts_with(kSandbox)) {
      consider(joined(beside.substr(kSandbox.size()), name));
    } else if (!beside.empty()) {
      consider(joined(joined(here, beside), name));
    }
    for (const std::string& directory : directories_) {
      consider(joined(joined(here, directory), name));
    }
  }

  std::vector<std::string> hints() && { return {hints_.begin(), hints_.end()}; }

 private:
  static constexpr std::string_view kSandbox = "/sandbox/";

  void consider(std::string_view path) {
    const auto parsed = RelPath::parse(path);
    if (!parsed.ok() || parsed->is_root() || hints_.size() >= kMostHints) return;
    if (process_.inputs->find(*parsed) != nullptr) return;
    if (is_file(root_ + "/" + parsed->str())) hints_.insert(parsed->str());
  }

  const std::string& root_;
  const exec::Process& process_;
  const std::vector<std::string> directories_;
  std::set<std::string> hints_;
};

}  // namespace

std::vector<NotFound> not_found_in(std::string_view output) {
  std::vector<NotFound> found;
  while (!output.empty() && found.size() < kMostNames) {
    const size_t end = std::min(output.find('\n'), output.size());
    std::vector<NotFound> of_line;
    if (end <= kLongestLine) look_at_line(output.substr(0, end), of_line);
    for (NotFound& one : of_line) {
      if (std::find(found.begin(), found.end(), one) == found.end())
        found.push_back(std::move(one));
    }
    output.remove_prefix(std::min(end + 1, output.size()));
  }
  return found;
}

std::vector<std::string> missing_inputs(const std::string& workspace_root,
                                        const exec::Process& process, std::string_view output) {
  Search search(workspace_root, process);
  for (const NotFound& missing : not_found_in(output)) search.look_for(missing);
  return std::move(search).hints();
}

std::string command_in_workspace(const std::string& workspace_root,
                                 const std::string& working_directory, std::string_view command) {
  if (command.find('/') == std::string_view::npos || command.starts_with('/')) return "";
  const auto path = RelPath::parse(joined(working_directory, command));
  return path.ok() && is_file(workspace_root + "/" + path->str()) ? path->str() : "";
}

}  // namespace kiln::session
