#include "daemon/exec/materialize.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/os/descent.h"
#include "daemon/store/file_time.h"
#include "daemon/store/new_file.h"

namespace kiln::exec {
namespace {

constexpr int kOpenDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

constexpr timespec kTime{.tv_sec = store::kFixedTime, .tv_nsec = 0};
constexpr std::array<timespec, 2> kTimes{kTime, kTime};

// Call it last: making an entry moves the time of its directory.
void fix_time(int fd) { ::futimens(fd, kTimes.data()); }

// Opens the directory `name`, made if missing; `made` says which. 0755 whatever the umask is.
Result<UniqueFd> enter(int parent_fd, const char* name, std::string_view path, bool& made) {
  made = ::mkdirat(parent_fd, name, 0755) == 0;
  if (!made && errno != EEXIST) {
    return os_error(errno, "make the directory " + std::string(path) + " in the sandbox");
  }
  UniqueFd fd(::openat(parent_fd, name, kOpenDirectory));
  if (!fd.valid()) {
    return os_error(errno, "enter the directory " + std::string(path) + " in the sandbox");
  }
  struct stat st;
  if (made && ::fstat(fd.get(), &st) == 0 && (st.st_mode & 0777) != 0755) ::fchmod(fd.get(), 0755);
  return fd;
}

class Materializer {
 public:
  Materializer(store::BlobFiles& files, bool restoring, const std::stop_token& stop)
      : files_(files), restoring_(restoring), stop_(stop) {}

  // The entries of `top` in the directory `fd`.
  Result<void> contents(const store::Tree& top, int fd) {
    UniqueFd own(::openat(fd, ".", kOpenDirectory));
    if (!own.valid()) return os_error(errno, "open a directory of the sandbox");
    os::Descent descent(std::move(own));
    levels_.push_back(Level{&top, 0, path_.size()});
    while (!levels_.empty()) {
      if (stop_.stop_requested()) return store::stopped();
      Level& level = levels_.back();
      path_.resize(level.path_length);
      if (level.next == level.tree->entries().size()) {
        if (!restoring_) fix_time(descent.fd());
        levels_.pop_back();
        if (!levels_.empty()) KILN_TRY(descent.leave());
        continue;
      }
      const store::Entry& entry = level.tree->entries()[level.next++];
      if (!path_.empty()) path_ += '/';
      path_ += entry.name;
      KILN_TRY(std::visit([&](const auto& node) { return make(node, descent, entry.name); },
                          entry.node));
    }
    return {};
  }

 private:
  // A directory that is being filled.
  struct Level {
    const store::Tree* tree;
    size_t next;         // of its entries
    size_t path_length;  // of the directory's own path
  };

  Result<void> make(const store::File& file, os::Descent& descent, const std::string& name) {
    if (restoring_) ::unlinkat(descent.fd(), name.c_str(), 0);
    return files_.materialize(file.digest, file.executable, descent.fd(), name.c_str(), stop_)
        .with_context("while making the input " + path_);
  }

  Result<void> make(const store::Symlink& link, os::Descent& descent, const std::string& name) {
    if (restoring_) return {};
    if (::symlinkat(link.target.c_str(), descent.fd(), name.c_str()) != 0) {
      return os_error(errno, "make the symlink " + path_ + " in the sandbox");
    }
    ::utimensat(descent.fd(), name.c_str(), kTimes.data(), AT_SYMLINK_NOFOLLOW);
    return {};
  }

  Result<void> make(const store::TreePtr& below, os::Descent& descent, const std::string& name) {
    bool made = false;
    KILN_ASSIGN(UniqueFd directory, enter(descent.fd(), name.c_str(), path_, made));
    KILN_TRY(descent.enter(std::move(directory)));
    levels_.push_back(Level{below.get(), 0, path_.size()});
    return {};
  }

  store::BlobFiles& files_;
  const bool restoring_;
  const std::stop_token& stop_;
  std::vector<Level> levels_;
  std::string path_;  // of the entry at hand
};

}  // namespace

Result<UniqueFd> make_directory(int root_fd, const RelPath& path) {
  UniqueFd at(::openat(root_fd, ".", kOpenDirectory));
  if (!at.valid()) return os_error(errno, "open the sandbox");
  std::string_view rest = path.str();
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    bool made = false;
    auto next = enter(at.get(), name.c_str(), path.str(), made);
    if (!next.ok()) {
      if (next.error().code() != ErrorCode::kFailedPrecondition) return next.error();
      return user_error(ErrorCode::kFailedPrecondition,
                        "cannot make the directory '" + path.str() + "' in the sandbox: '" + name +
                            "' among the inputs is a file or a symlink");
    }
    if (made) {
      fix_time(next->get());
      fix_time(at.get());
    }
    at = *std::move(next);
  }
  return at;
}

Result<UniqueFd> make_inputs(int root_fd, const Process& process, store::BlobFiles& files,
                             const std::stop_token& stop) {
  KILN_TRY(Materializer(files, false, stop).contents(*process.inputs, root_fd));
  KILN_ASSIGN(UniqueFd working_directory, make_directory(root_fd, process.working_directory));
  for (const auto* outputs : {&process.output_files, &process.output_directories}) {
    RelPath made;
    for (const RelPath& output : *outputs) {
      RelPath parent = output.parent();
      if (parent == made) continue;
      KILN_TRY(make_directory(working_directory.get(), parent));
      made = std::move(parent);
    }
  }
  return working_directory;
}

Result<void> restore_files(int root_fd, const RelPath& working_directory, const store::Tree& tree,
                           store::BlobFiles& files, const std::stop_token& stop) {
  KILN_ASSIGN(const UniqueFd directory, make_directory(root_fd, working_directory));
  return Materializer(files, true, stop).contents(tree, directory.get());
}

}  // namespace kiln::exec
