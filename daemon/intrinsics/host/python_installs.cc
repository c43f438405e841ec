#include "daemon/intrinsics/host/python_installs.h"

#include <algorithm>
#include <array>

namespace kiln::intrinsics {

namespace {

using Kind = ToolParts::Kind;
using Paths = std::vector<std::string>;

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// The value behind "KEY = " in a pyvenv.cfg; empty if it is not there.
std::string setting(std::string_view text, std::string_view key) {
  for (const std::string& line : split(text, "\n")) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos || trimmed(line.substr(0, equals)) != key) continue;
    return std::string(trimmed(std::string_view(line).substr(equals + 1)));
  }
  return {};
}

bool is_version_directory(std::string_view name) {
  return name.starts_with("python") || name.starts_with("pypy");
}

class PythonInstalls {
 public:
  PythonInstalls(HostLookup& host, const ToolEnvironment& environment, ToolParts& parts)
      : host_(host), environment_(environment), parts_(parts) {}

  Task<Result<void>> add(const std::string& interpreter, const std::string& resolved) {
    bool isolated = false;
    const std::string directory = directory_name(interpreter);
    for (const std::string& root : {directory, directory_name(directory)}) {
      KILN_CO_ASSIGN(
          const HostFilePtr config,
          co_await add_file(host_, Kind::kConfiguration, joined(root, "pyvenv.cfg"), parts_));
      if (config == nullptr) continue;
      KILN_CO_TRY(co_await add_prefix(root));
      if (const std::string home = setting(config->text, "home"); home.starts_with('/')) {
        const std::string base = joined(home, std::string(base_name(interpreter)));
        KILN_CO_TRY(co_await add_file(host_, Kind::kInterpreter, base, parts_));
      }
      isolated = setting(config->text, "include-system-site-packages") != "true";
      break;
    }
    for (const std::string& path : split(variable(environment_, "PYTHONPATH"), ":")) {
      if (path.starts_with('/')) KILN_CO_TRY(co_await add_site(path));
    }
    if (!isolated) KILN_CO_TRY(co_await add_system(resolved));
    co_return Result<void>();
  }

 private:
  static std::string joined(const std::string& directory, const std::string& name) {
    return directory == "/" ? "/" + name : directory + "/" + name;
  }

  // PREFIX/lib/pythonX.Y/site-packages of every version there.
  Task<Result<void>> add_prefix(const std::string& prefix) {
    for (const char* name : {"lib", "lib64"}) {
      const std::string lib = joined(prefix, name);
      KILN_CO_ASSIGN(const HostLookup::Found found, co_await host_.look(lib));
      // A link from lib64 to lib leads to the same packages.
      if (found.kind != HostLookup::Found::Kind::kDirectory ||
          found.path.ends_with("/lib") != std::string_view(lib).ends_with("/lib")) {
        continue;
      }
      KILN_CO_ASSIGN(const Paths names, co_await host_.list(lib));
      for (const std::string& version : names) {
        if (!is_version_directory(version)) continue;
        for (const char* site : {"site-packages", "dist-packages"}) {
          KILN_CO_TRY(co_await add_site(joined(lib, version) + "/" + site));
        }
      }
    }
    co_return Result<void>();
  }

  // Where an interpreter outside of a virtual environment looks: its own prefix, the local one of
  // the distribution, the user's own.
  Task<Result<void>> add_system(const std::string& resolved) {
    const std::string prefix = directory_name(directory_name(resolved));
    Paths prefixes = {prefix, joined(prefix, "local")};
    std::string user(variable(environment_, "PYTHONUSERBASE"));
    if (user.empty()) user = home_directory(environment_) + "/.local";
    if (user.starts_with('/')) prefixes.push_back(std::move(user));
    for (const std::string& one : prefixes) KILN_CO_TRY(co_await add_prefix(one));
    co_return Result<void>();
  }

  Task<Result<void>> add_site(const std::string& path) {
    KILN_CO_ASSIGN(const HostLookup::Found found, co_await host_.look(path));
    if (!found.is_readable_directory()) co_return Result<void>();
    KILN_CO_ASSIGN(const FileDigest list, co_await host_.installed(found));
    if (!parts_.add(Kind::kInstalled, path, list, found.path)) co_return Result<void>();
    KILN_CO_ASSIGN(const Paths names, co_await host_.list(found.path));
    for (const std::string& name : names) {
      if (name.ends_with(".pth") || name.ends_with(".egg-link")) {
        KILN_CO_TRY(co_await add_elsewhere(joined(found.path, name)));
      }
    }
    co_return Result<void>();
  }

  // Code that is imported from where it is written (pip install -e): it is in no key.
  Task<Result<void>> add_elsewhere(const std::string& path) {
    KILN_CO_ASSIGN(const HostLookup::Found found, co_await host_.look(path));
    if (!found.is_readable_file()) co_return Result<void>();
    KILN_CO_ASSIGN(const HostFilePtr file, co_await host_.read(found));
    for (const std::string& line : split(file->text, "\r\n")) {
      if (line.starts_with('/')) parts_.add_unknown(line);
    }
    co_return Result<void>();
  }

  HostLookup& host_;
  const ToolEnvironment& environment_;
  ToolParts& parts_;
};

}  // namespace

bool is_python(std::string_view interpreter) {
  std::string_view name = base_name(interpreter);
  for (const std::string_view prefix : {"python", "pypy"}) {
    if (!name.starts_with(prefix)) continue;
    name.remove_prefix(prefix.size());
    return name.find_first_not_of("0123456789.t") == std::string_view::npos;  // python3.13t
  }
  return false;
}

Task<Result<void>> add_python(HostLookup& host, const ToolEnvironment& environment,
                              const std::string& interpreter, const std::string& resolved,
                              ToolParts& parts) {
  PythonInstalls installs(host, environment, parts);
  co_return co_await installs.add(interpreter, resolved);
}

}  // namespace kiln::intrinsics
