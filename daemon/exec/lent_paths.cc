#include "daemon/exec/lent_paths.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string_view>

#include "common/base/file.h"

namespace kiln::exec {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kAlwaysLent{"/usr/",   "/bin/",   "/sbin/",  "/lib/",
                                                      "/lib32/", "/lib64/", "/libx32/"};
// Below a directory of such a name stands one directory for each version.
constexpr std::array<std::string_view, 4> kVersions{"/.pyenv/versions/", "/.rustup/toolchains/",
                                                    "/.nvm/versions/node/", "/.asdf/installs/"};

bool is_always_lent(const std::string& path) {
  for (const std::string_view prefix : kAlwaysLent) {
    if (path.starts_with(prefix)) return true;
  }
  return false;
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// A home or a workspace holds more than a tool.
bool is_private(const fs::path& directory) {
  if (directory == directory.root_path()) return true;
  for (const char* mark : {"kiln.toml", ".git"}) {
    if (is_there(directory / mark)) return true;
  }
  std::array<char, 4096> buffer;
  passwd entry;
  passwd* found = nullptr;
  ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found);
  std::error_code ignored;
  return found != nullptr && fs::equivalent(directory, found->pw_dir, ignored);
}

// The directory of the version that `path` belongs to; empty if it belongs to none. asdf has one
// more level, the name of the tool.
std::string version_directory(const std::string& path) {
  for (const std::string_view versions : kVersions) {
    const size_t at = path.find(versions);
    if (at == std::string::npos) continue;
    size_t end = path.find('/', at + versions.size());
    if (versions == "/.asdf/installs/" && end != std::string::npos) end = path.find('/', end + 1);
    if (end != std::string::npos) return path.substr(0, end);
  }
  return {};
}

// "home = DIRECTORY" of pyvenv.cfg: where the base interpreter is.
std::string base_of_environment(const fs::path& configuration) {
  const auto text = read_file(configuration.string());
  if (!text.ok()) return {};
  for (size_t at = 0; at < text->size();) {
    const size_t end = std::min(text->find('\n', at), text->size());
    const std::string_view line(text->data() + at, end - at);
    at = end + 1;
    const size_t equals = line.find('=');
    if (!line.starts_with("home") || equals == line.npos) continue;
    const size_t value = line.find_first_not_of(" \t", equals + 1);
    if (value != line.npos) return std::string(line.substr(value));
  }
  return {};
}

void lend(const std::string& path, std::set<std::string>& lent) {
  if (!path.starts_with('/') || is_always_lent(path)) return;
  if (const std::string version = version_directory(path); !version.empty()) {
    lent.insert(version);
    return;
  }
  const fs::path directory = fs::path(path).parent_path();
  lent.insert(is_private(directory) ? path : directory.string());
}

// What an executable or an interpreter needs.
void lend_program(const std::string& program, std::set<std::string>& lent) {
  const fs::path path = fs::path(program).lexically_normal();
  if (!path.is_absolute()) return;
  const fs::path environment = path.parent_path().parent_path();
  if (is_there(environment / "pyvenv.cfg")) {
    lent.insert(environment.string());
    const std::string base = base_of_environment(environment / "pyvenv.cfg");
    // The standard library stands beside the directory of the interpreter.
    if (!base.empty() && !is_always_lent(base + "/")) {
      const std::string version = version_directory(base + "/");
      lent.insert(version.empty() ? fs::path(base).parent_path().string() : version);
    }
  } else {
    lend(path.string(), lent);
  }
  std::error_code error;
  const fs::path resolved = fs::canonical(path, error);
  if (!error && resolved != path) lend(resolved.string(), lent);
}

void lend_component(const ToolComponent& component, std::set<std::string>& lent) {
  using Kind = ToolComponent::Kind;
  switch (component.kind) {
    case Kind::kExecutable:
    case Kind::kInterpreter:
      lend_program(component.path, lent);
      return;
    case Kind::kLoader:
    case Kind::kLibrary:
      lend(component.path, lent);
      if (!component.file.empty()) lend(component.file, lent);
      return;
    case Kind::kInstalled:
      if (!is_always_lent(component.path + "/")) lent.insert(component.path);
      return;
    case Kind::kConfiguration:
    case Kind::kPackages:
    case Kind::kUnknown:
      return;
  }
}

// Without what is below another of them.
std::vector<std::string> outermost(const std::set<std::string>& paths) {
  std::vector<std::string> outer;
  for (const std::string& path : paths) {
    const bool inside = std::any_of(outer.begin(), outer.end(), [&](const std::string& other) {
      return path.starts_with(other + "/");
    });
    if (!inside) outer.push_back(path);
  }
  return outer;
}

}  // namespace

std::vector<std::string> lent_paths_of(const HostTool& tool,
                                       const std::vector<std::string>& others) {
  std::set<std::string> lent(others.begin(), others.end());
  lend_program(tool.path, lent);
  for (const ToolComponent& component : tool.components) lend_component(component, lent);
  return outermost(lent);
}

}  // namespace kiln::exec
