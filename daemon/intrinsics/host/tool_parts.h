// ToolParts: the components of a tool as they are found, and what they are found by.
// Threads: single-owner.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/exec/process.h"
#include "daemon/intrinsics/host/host_lookup.h"

namespace kiln::intrinsics {

// Variables of the process that decide what its tool consists of.
using ToolEnvironment = std::map<std::string, std::string>;
inline std::string_view variable(const ToolEnvironment& environment, const std::string& name) {
  const auto it = environment.find(name);
  return it == environment.end() ? std::string_view() : std::string_view(it->second);
}
// HOME; without it the home directory of this user, as programs find it.
std::string home_directory(const ToolEnvironment& environment);

class ToolParts {
 public:
  using Kind = exec::ToolComponent::Kind;

  // False: it is among them already.
  bool add(Kind kind, std::string path, const FileDigest& digest, std::string file) {
    if (!seen_.insert(path).second) return false;
    components_.push_back({kind, std::move(path), digest, std::move(file)});
    return true;
  }
  void add_unknown(std::string path) {
    if (seen_.insert("? " + path).second) {
      components_.push_back({Kind::kUnknown, std::move(path), {}, {}});
    }
  }
  std::vector<exec::ToolComponent> take() { return std::move(components_); }

 private:
  std::vector<exec::ToolComponent> components_;
  std::set<std::string> seen_;
};

// Adds the content of a file, if there is one. Returns it, or null.
Task<Result<HostFilePtr>> add_file(HostLookup& host, ToolParts::Kind kind, std::string path,
                                   ToolParts& parts);

std::vector<std::string> split(std::string_view text, std::string_view separators);
std::string_view base_name(std::string_view path);
std::string directory_name(std::string_view absolute_path);  // "/" of what stands in the root

}  // namespace kiln::intrinsics
