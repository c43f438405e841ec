#include "daemon/exec/append_only_caches.h"

#include <unistd.h>

#include <cerrno>

#include "common/base/file.h"
#include "daemon/exec/materialize.h"

namespace kiln::exec {

Result<void> make_caches(const std::string& root, const Process& process) {
  for (const auto& [name, path] : process.append_only_caches) {
    KILN_TRY(make_directories(root + "/" + name, 0700));
  }
  return {};
}

Result<void> link_caches(int sandbox_fd, const Process& process, std::string_view seen_at) {
  for (const auto& [name, path] : process.append_only_caches) {
    KILN_ASSIGN(const UniqueFd parent, make_directory(sandbox_fd, path.parent()));
    const std::string target = std::string(seen_at) + "/" + name;
    if (::symlinkat(target.c_str(), parent.get(), std::string(path.name()).c_str()) == 0) continue;
    if (errno != EEXIST) return os_error(errno, "show the cache '" + name + "' in the sandbox");
    return user_error(ErrorCode::kInvalidArgument, "the cache '" + name + "' cannot be shown at '" +
                                                       path.str() +
                                                       "': the inputs have something there");
  }
  return {};
}

}  // namespace kiln::exec
