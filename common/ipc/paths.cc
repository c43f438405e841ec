#include "common/ipc/paths.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "common/base/file.h"
#include "common/ipc/home.h"

namespace kiln {

namespace {

// FNV-1a: names a socket, is no identity and keeps hash libraries out of the client.
std::string short_hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(hash));
  return hex;
}

// The first that is set, with its suffix.
struct Candidate {
  std::string_view variable;
  std::string_view suffix;
};

Result<std::optional<std::string>> first_of(const Environment& environment,
                                            std::initializer_list<Candidate> candidates) {
  for (const auto& [variable, suffix] : candidates) {
    std::optional<std::string> value = environment(variable);
    if (!value || value->empty()) continue;
    if (value->front() != '/') {
      return user_error(ErrorCode::kInvalidArgument,
                        std::string(variable) + "='" + *value + "' is not an absolute path");
    }
    while (value->size() > 1 && value->back() == '/') value->pop_back();
    return std::optional(*value + std::string(suffix));
  }
  return std::optional<std::string>();
}

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Result<DaemonPaths> daemon_paths(const Environment& environment) {
  DaemonPaths paths;
  KILN_ASSIGN(auto home,
              first_of(environment,
                       {{"KILN_HOME", ""}, {"XDG_CACHE_HOME", "/kiln"}, {"HOME", "/.cache/kiln"}}));
  if (!home) {
    return user_error(ErrorCode::kInvalidArgument,
                      "neither KILN_HOME nor HOME is set; set KILN_HOME to a directory for kiln's "
                      "store");
  }
  paths.home = *home;
  KILN_ASSIGN(auto runtime,
              first_of(environment, {{"KILN_RUNTIME_DIR", ""}, {"XDG_RUNTIME_DIR", "/kiln"}}));
  paths.runtime_dir = runtime ? *runtime : "/tmp/kiln-" + std::to_string(::geteuid());
  const std::string stem = paths.runtime_dir + "/" + short_hash(paths.home);
  paths.socket = stem + ".sock";
  paths.start_lock = stem + ".start";
  paths.life_lock = paths.home + "/daemon.lock";
  paths.log = paths.home + "/log/kilnd.log";
  if (paths.socket.size() >= sizeof(sockaddr_un::sun_path)) {
    return user_error(
        ErrorCode::kInvalidArgument,
        "the socket path " + paths.socket + " is longer than the " +
            std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
            " bytes of a socket address; set KILN_RUNTIME_DIR to a shorter directory");
  }
  return paths;
}

Result<void> prepare_runtime_dir(const DaemonPaths& paths) {
  const std::string& dir = paths.runtime_dir;
  const size_t slash = dir.rfind('/');
  if (slash != 0 && slash != std::string::npos) {
    KILN_TRY(make_directories(dir.substr(0, slash), 0700));
  }
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return os_error(errno, "make the runtime directory " + dir);
  }
  struct stat st;
  if (::lstat(dir.c_str(), &st) != 0) return os_error(errno, "look at " + dir);
  const auto refuse = [&](std::string_view why) {
    return user_error(ErrorCode::kPermissionDenied,
                      "the runtime directory " + dir + " " + std::string(why) +
                          "; remove it or set KILN_RUNTIME_DIR to a private directory");
  };
  if (!S_ISDIR(st.st_mode)) return refuse("is not a directory");
  if (st.st_uid != ::geteuid()) return refuse("belongs to " + user_text(st.st_uid));
  if ((st.st_mode & 077) != 0)
    return refuse("can be entered by other users (its mode is not 0700)");
  return {};
}

Result<std::optional<UniqueFd>> lock_file(const std::string& path, bool wait) {
  KILN_ASSIGN(UniqueFd fd, open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  int rc;
  do {
    rc = ::flock(fd.get(), LOCK_EX | (wait ? 0 : LOCK_NB));
  } while (rc != 0 && errno == EINTR);
  if (rc == 0) return std::optional<UniqueFd>(std::move(fd));
  if (errno == EWOULDBLOCK) return std::optional<UniqueFd>();
  return os_error(errno, "lock " + path);
}

}  // namespace kiln
