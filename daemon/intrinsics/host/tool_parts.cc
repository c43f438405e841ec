#include "daemon/intrinsics/host/tool_parts.h"

#include <pwd.h>
#include <unistd.h>

#include <array>

namespace kiln::intrinsics {

std::string home_directory(const ToolEnvironment& environment) {
  if (const std::string_view home = variable(environment, "HOME"); !home.empty()) {
    return std::string(home);
  }
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer;
  if (::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) != 0) return {};
  return found == nullptr || found->pw_dir == nullptr ? "" : found->pw_dir;
}

Task<Result<HostFilePtr>> add_file(HostLookup& host, ToolParts::Kind kind, std::string path,
                                   ToolParts& parts) {
  KILN_CO_ASSIGN(const HostLookup::Found found, co_await host.look(path));
  if (!found.is_readable_file()) co_return HostFilePtr();
  KILN_CO_ASSIGN(HostFilePtr file, co_await host.read(found));
  parts.add(kind, std::move(path), file->digest, found.path);
  co_return file;
}

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const size_t end = text.find_first_of(separators);
    if (end != 0) pieces.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return pieces;
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

std::string directory_name(std::string_view absolute_path) {
  const size_t slash = absolute_path.rfind('/');
  return slash == 0 || slash == std::string_view::npos
             ? "/"
             : std::string(absolute_path.substr(0, slash));
}

}  // namespace kiln::intrinsics
