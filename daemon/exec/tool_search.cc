#include "daemon/exec/tool_search.h"

#include <string_view>
#include <utility>

#include "daemon/exec/chroot.h"

namespace kiln::exec {
namespace {

enum class Found : uint8_t { kYes, kNo, kNotExecutable, kOutside };

// What stands at a path of the inputs, behind symlinks.
struct InputTarget {
  Found found = Found::kNo;
  std::string outside;  // where a link left the inputs: absolute, on the host
  FileDigest content;   // of a file
};

InputTarget look_in_inputs(const store::TreePtr& inputs, std::string path) {
  constexpr int kMostLinks = 40;  // Linux's own limit, path_resolution(7)
  for (int links = 0; links <= kMostLinks; ++links) {
    const auto parsed = RelPath::parse(path);
    if (!parsed.ok()) return {};
    const store::Tree* directory = inputs.get();
    RelPath at;
    std::string_view rest = parsed->str();
    bool followed = false;
    while (!rest.empty()) {
      const size_t slash = rest.find('/');
      const std::string_view name = rest.substr(0, slash);
      rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
      const store::Entry* entry = directory->find(name);
      if (entry == nullptr) return {};
      if (const auto* below = std::get_if<store::TreePtr>(&entry->node)) {
        directory = below->get();
        at = at.child(name);
        continue;
      }
      if (const auto* link = std::get_if<store::Symlink>(&entry->node)) {
        const std::string tail = rest.empty() ? "" : "/" + std::string(rest);
        if (link->target.starts_with('/')) {
          return {.found = Found::kOutside, .outside = link->target + tail, .content = {}};
        }
        path = at.str() + "/./" + link->target + tail;
        if (path.starts_with('/')) path.insert(0, 1, '.');
        followed = true;
        break;
      }
      if (!rest.empty()) return {};  // below a file
      const auto& file = std::get<store::File>(entry->node);
      return {.found = file.executable ? Found::kYes : Found::kNotExecutable,
              .outside = {},
              .content = file.digest};
    }
    if (!followed)
      return {.found = Found::kNotExecutable, .outside = {}, .content = {}};  // a directory
  }
  return {};
}

// Adds what `path` may be. True: nothing after it matters.
bool add_candidate(const Process& process, std::string path, ToolSearch& search) {
  using Where = ToolSearch::Where;
  if (path.starts_with('/')) {
    std::string host_file = path;
    search.candidates.push_back({Where::kHost, std::move(path), std::move(host_file), {}});
    return false;
  }
  std::string inside = process.working_directory.str() + "/" + path;
  if (path.starts_with(kChroot)) inside = path.substr(kChroot.size());
  InputTarget target = look_in_inputs(process.inputs, "./" + inside);
  switch (target.found) {
    case Found::kNo:
      return false;
    case Found::kYes:
      search.candidates.push_back({Where::kInput, std::move(path), {}, target.content});
      return true;
    case Found::kNotExecutable:
      search.candidates.push_back({Where::kNonExecutable, std::move(path), {}, {}});
      return false;
    case Found::kOutside:
      search.candidates.push_back({Where::kHost, std::move(path), std::move(target.outside), {}});
      return false;
  }
  return false;
}

}  // namespace

Error ToolSearch::not_found() const {
  std::string message = "cannot find '" + printable(command) + "'";
  if (path_variable) {
    message += " in PATH=" + printable(*path_variable) + " of the process's environment";
  } else if (command.starts_with('/')) {
    message += ": it does not exist on this machine";
  } else {
    message += " among the inputs of the process, below its working directory";
  }
  return user_error(ErrorCode::kCommandNotFound, std::move(message));
}

Error ToolSearch::not_executable(const Candidate& candidate) {
  return user_error(ErrorCode::kCommandNotExecutable,
                    "cannot execute '" + printable(candidate.path) + "': not an executable file");
}

Result<ToolSearch> search_for_tool(const Process& process) {
  if (process.argv.empty() || process.argv[0].empty()) {
    return user_error(ErrorCode::kInvalidArgument, "the process has no command: argv is empty");
  }
  ToolSearch search{process.argv[0], std::nullopt, {}};
  if (search.command.find('/') != std::string::npos) {
    add_candidate(process, search.command, search);
    return search;
  }
  const auto variable = process.env.find("PATH");
  if (variable == process.env.end()) {
    return user_error(ErrorCode::kCommandNotFound,
                      "cannot find '" + printable(search.command) +
                          "': the process's environment has no PATH; set one, or give the "
                          "command's whole path");
  }
  search.path_variable = variable->second;
  std::string_view rest = variable->second;
  for (;;) {
    const size_t colon = rest.find(':');
    const std::string directory(rest.substr(0, colon));
    const std::string path = (directory.empty() ? "." : directory) + "/" + search.command;
    if (add_candidate(process, path, search) || colon == std::string_view::npos) return search;
    rest.remove_prefix(colon + 1);
  }
}

}  // namespace kiln::exec
