#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "daemon/exec/process.h"

namespace kiln::exec {
namespace {

constexpr std::string_view kChroot = "{chroot}";

enum class Found : uint8_t { kYes, kNo, kNotExecutable };

Found look_on_host(const std::string& path) {
  struct stat st;
  if (::stat(path.c_str(), &st) != 0) {
    return errno == EACCES ? Found::kNotExecutable : Found::kNo;
  }
  return S_ISREG(st.st_mode) && ::access(path.c_str(), X_OK) == 0 ? Found::kYes
                                                                  : Found::kNotExecutable;
}

// What stands at `path` of the inputs, behind symlinks: an entry, or where a link left the inputs.
struct InputTarget {
  Found found = Found::kNo;
  std::string outside;  // absolute path on the host; empty if it stayed inside
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
          return {.found = look_on_host(link->target + tail), .outside = link->target + tail};
        }
        path = at.str() + "/./" + link->target + tail;
        if (path.starts_with('/')) path.insert(0, 1, '.');
        followed = true;
        break;
      }
      if (!rest.empty()) return {};  // below a file
      const bool executable = std::get<store::File>(entry->node).executable;
      return {.found = executable ? Found::kYes : Found::kNotExecutable, .outside = {}};
    }
    if (!followed) return {.found = Found::kNotExecutable, .outside = {}};  // a directory
  }
  return {};
}

class Resolver {
 public:
  Resolver(const Process& process, const HashTool& hash_tool)
      : process_(process), hash_tool_(hash_tool) {}

  Result<HostTool> resolve() {
    if (process_.argv.empty() || process_.argv[0].empty()) {
      return user_error(ErrorCode::kInvalidArgument, "the process has no command: argv is empty");
    }
    const std::string& command = process_.argv[0];
    if (command.find('/') != std::string::npos) return as_it_is(command);
    const auto path = process_.env.find("PATH");
    if (path == process_.env.end()) {
      return user_error(ErrorCode::kCommandNotFound,
                        "cannot find '" + printable(command) +
                            "': the process's environment has no PATH; set one, or give the "
                            "command's whole path");
    }
    return search(command, path->second);
  }

 private:
  Result<HostTool> as_it_is(const std::string& command) {
    switch (try_path(command)) {
      case Found::kYes:
        return tool();
      case Found::kNotExecutable:
        return not_executable(command);
      case Found::kNo:
        break;
    }
    const bool host = command.starts_with('/');
    return user_error(ErrorCode::kCommandNotFound,
                      "cannot find '" + printable(command) + "'" +
                          (host ? ": it does not exist on this machine"
                                : " among the inputs of the process, below its working directory"));
  }

  Result<HostTool> search(const std::string& command, std::string_view path) {
    std::string refused;
    while (true) {
      const size_t colon = path.find(':');
      const std::string directory(path.substr(0, colon));
      // An empty element is the working directory, as POSIX has it.
      const std::string candidate = (directory.empty() ? "." : directory) + "/" + command;
      const Found found = try_path(candidate);
      if (found == Found::kYes) return tool();
      if (found == Found::kNotExecutable && refused.empty()) refused = candidate;
      if (colon == std::string_view::npos) break;
      path.remove_prefix(colon + 1);
    }
    if (!refused.empty()) return not_executable(refused);
    return user_error(ErrorCode::kCommandNotFound,
                      "cannot find '" + printable(command) +
                          "' in PATH=" + printable(process_.env.find("PATH")->second) +
                          " of the process's environment");
  }

  // Sets found_at_ and host_file_.
  Found try_path(const std::string& path) {
    found_at_ = path;
    host_file_.clear();
    if (path.starts_with('/')) {
      host_file_ = path;
      return look_on_host(path);
    }
    std::string inside = process_.working_directory.str() + "/" + path;
    if (path.starts_with(kChroot)) inside = path.substr(kChroot.size());
    const InputTarget target = look_in_inputs(process_.inputs, "./" + inside);
    host_file_ = target.outside;
    return target.found;
  }

  Result<HostTool> tool() {
    HostTool tool{.path = found_at_, .digest = std::nullopt};
    if (!host_file_.empty()) {
      KILN_ASSIGN(tool.digest, hash_tool_(host_file_));
    }
    return tool;
  }

  static Error not_executable(const std::string& path) {
    return user_error(ErrorCode::kCommandNotExecutable,
                      "cannot execute '" + printable(path) + "': not an executable file");
  }

  const Process& process_;
  const HashTool& hash_tool_;
  std::string found_at_;
  std::string host_file_;  // empty: among the inputs
};

}  // namespace

Result<HostTool> resolve_tool(const Process& process, const HashTool& hash_tool) {
  return Resolver(process, hash_tool).resolve();
}

}  // namespace kiln::exec
