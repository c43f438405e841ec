#include "daemon/exec/materialize.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

namespace kiln::exec {
namespace {

constexpr int kOpenDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// Last, because making an entry moves the time of its directory.
void fix_time(int fd) {
  const timespec time{.tv_sec = store::kFileTime, .tv_nsec = 0};
  const std::array<timespec, 2> times{time, time};
  ::futimens(fd, times.data());
}

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
  Materializer(store::BlobFiles& files, bool restoring) : files_(files), restoring_(restoring) {}

  Result<void> contents(const store::Tree& tree, int fd) {
    const size_t length = path_.size();
    for (const store::Entry& entry : tree.entries()) {
      if (length > 0) path_ += '/';
      path_ += entry.name;
      KILN_TRY(
          std::visit([&](const auto& node) { return make(node, fd, entry.name); }, entry.node));
      path_.resize(length);
    }
    if (!restoring_) fix_time(fd);
    return {};
  }

 private:
  Result<void> make(const store::File& file, int fd, const std::string& name) {
    if (restoring_) {
      ::unlinkat(fd, name.c_str(), 0);
      return files_.copy_out(file.digest, file.executable, fd, name.c_str());
    }
    return files_.materialize(file.digest, file.executable, fd, name.c_str())
        .with_context("while making the input " + path_);
  }

  Result<void> make(const store::Symlink& link, int fd, const std::string& name) {
    if (!restoring_ && ::symlinkat(link.target.c_str(), fd, name.c_str()) != 0) {
      return os_error(errno, "make the symlink " + path_ + " in the sandbox");
    }
    return {};
  }

  Result<void> make(const store::TreePtr& below, int fd, const std::string& name) {
    bool made = false;
    KILN_ASSIGN(const UniqueFd directory, enter(fd, name.c_str(), path_, made));
    return contents(*below, directory.get());
  }

  store::BlobFiles& files_;
  const bool restoring_;
  std::string path_;  // of the entry at hand
};

// Makes what is missing of `path`.
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

}  // namespace

Result<UniqueFd> make_inputs(int root_fd, const Process& process, store::BlobFiles& files) {
  KILN_TRY(Materializer(files, false).contents(*process.inputs, root_fd));
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
                           store::BlobFiles& files) {
  KILN_ASSIGN(const UniqueFd directory, make_directory(root_fd, working_directory));
  return Materializer(files, true).contents(tree, directory.get());
}

}  // namespace kiln::exec
