#include "daemon/confine/view.h"

namespace kiln::confine {

Result<void> check(const View& view) {
  for (const std::string& path : view.host_paths) {
    bool allowed = path.size() > 1 && path.front() == '/' && path.back() != '/' &&
                   path.find('\0') == std::string::npos && path.find("//") == std::string::npos &&
                   (path + "/").find("/../") == std::string::npos &&
                   (path + "/").find("/./") == std::string::npos;
    for (const std::string& own :
         {"/sandbox", "/caches", "/proc", "/dev", "/tmp", "/etc", "/sys"}) {
      allowed = allowed && path != own;
    }
    for (const std::string& own : {"/sandbox/", "/caches/", "/proc/"}) {
      allowed = allowed && !path.starts_with(own);
    }
    if (!allowed) {
      return user_error(ErrorCode::kInvalidArgument,
                        "the path '" + path +
                            "' of the host cannot be lent to a strict sandbox: name an absolute "
                            "path without '.' and '..', outside of /sandbox and /proc");
    }
  }
  return {};
}

}  // namespace kiln::confine
