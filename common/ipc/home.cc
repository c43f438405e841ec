#include "common/ipc/home.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>
#include <vector>

#include "common/base/file.h"

namespace kiln {

namespace {

constexpr mode_t kPrivate = 0700;
constexpr mode_t kOthers = 077;

std::string home_text(const std::string& home) { return "KILN_HOME " + home; }

Error strange(const std::string& path, uid_t owner, const std::string& home,
              const Identity& identity) {
  std::string message = path + " belongs to " + user_text(owner) + ", and kiln runs as " +
                        user_text(identity.user) + "; ";
  if (identity.user == 0) {
    message +=
        "with sudo, say `sudo -H kiln …`, which uses root's own home, or set KILN_HOME to a "
        "directory that belongs to root";
  } else {
    message += "give it back with `sudo chown -R " + std::to_string(identity.user) + " " + home +
               "`, or set KILN_HOME to a directory of your own";
  }
  return environment_error(ErrorCode::kPermissionDenied, std::move(message));
}

// Nothing if it is not there.
Result<std::optional<struct stat>> look(const std::string& path) {
  struct stat st;
  if (::stat(path.c_str(), &st) == 0) return std::optional(st);
  if (errno == ENOENT || errno == ENOTDIR) return std::optional<struct stat>();
  return os_error(errno, "look at " + path);
}

// Root that was called with sudo must not begin a home inside the directory of whoever called.
Result<void> check_new_home(const std::string& home, const Identity& identity) {
  if (identity.user != 0 || !identity.sudo_from || *identity.sudo_from == 0) return {};
  std::string above = home;
  for (size_t slash = above.rfind('/'); slash != std::string::npos; slash = above.rfind('/')) {
    above.resize(std::max<size_t>(slash, 1));
    KILN_ASSIGN(const auto there, look(above));
    if (there && there->st_uid == *identity.sudo_from) {
      return strange(above + ", in which " + home_text(home) + " would be made,", there->st_uid,
                     home, identity);
    }
    if (there || above == "/") break;
  }
  return {};
}

Result<std::vector<std::string>> names_in(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), ::closedir);
  if (open == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return std::vector<std::string>();
    return os_error(errno, "list " + directory);
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

Result<void> check_entries(const std::string& directory, const std::string& home,
                           const Identity& identity) {
  KILN_ASSIGN(const std::vector<std::string> names, names_in(directory));
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    KILN_ASSIGN(const auto there, look(path));
    if (there && there->st_uid != identity.user)
      return strange(path, there->st_uid, home, identity);
  }
  return {};
}

Result<void> close_to_others(const std::string& directory) {
  KILN_ASSIGN(const auto there, look(directory));
  if (!there || !S_ISDIR(there->st_mode) || (there->st_mode & kOthers) == 0) return {};
  if (::chmod(directory.c_str(), kPrivate) == 0) return {};
  return os_error(errno, "close " + directory + " to other users (it has to have the mode 0700)");
}

}  // namespace

Identity current_identity(const Environment& environment) {
  Identity identity{.user = ::geteuid()};
  const std::string text = environment("SUDO_UID").value_or("");
  uid_t from = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, from);
  if (error == std::errc() && after == end) identity.sudo_from = from;
  return identity;
}

std::string user_text(uid_t user) {
  // Not getpwuid(3): the client is linked statically, and NSS is not.
  const std::string uid = std::to_string(user);
  const auto users = read_file("/etc/passwd");
  std::string_view rest = users.ok() ? std::string_view(*users) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const size_t name_end = line.find(':');
    if (name_end == std::string_view::npos) continue;
    const size_t password_end = line.find(':', name_end + 1);
    if (password_end == std::string_view::npos) continue;
    if (line.substr(password_end + 1).starts_with(uid + ":")) {
      return std::string(line.substr(0, name_end)) + " (uid " + uid + ")";
    }
  }
  return "uid " + uid;
}

Result<void> check_home(const DaemonPaths& paths, const Identity& identity) {
  KILN_ASSIGN(const auto there, look(paths.home));
  if (!there) return check_new_home(paths.home, identity);
  if (there->st_uid == identity.user) return {};
  return strange(home_text(paths.home), there->st_uid, paths.home, identity);
}

Result<void> prepare_home(const DaemonPaths& paths, const Identity& identity) {
  KILN_TRY(check_home(paths, identity));
  KILN_TRY(make_directories(paths.home, kPrivate));
  const std::string store = paths.home + "/store";
  for (const std::string& directory :
       {paths.home, paths.home + "/log", store, store + "/db", store + "/files"}) {
    KILN_TRY(check_entries(directory, paths.home, identity));
  }
  KILN_TRY(close_to_others(paths.home));
  KILN_ASSIGN(const std::vector<std::string> names, names_in(paths.home));
  for (const std::string& name : names) KILN_TRY(close_to_others(paths.home + "/" + name));
  return {};
}

}  // namespace kiln
