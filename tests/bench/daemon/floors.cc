#include "tests/bench/daemon/floors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/check.h"
#include "common/base/file.h"
#include "common/types/hash.h"
#include "tests/bench/daemon/samples.h"

namespace kiln::bench {

namespace {

// Calls `on_file(directory fd, name)` for each file below `path`, which ends in a slash.
void walk(int parent, const std::string& name, const std::string& path,
          const std::function<void(int, const char*, const std::string&)>& on_file) {
  const int fd = ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = ::fdopendir(fd);
  KILN_CHECK(directory != nullptr, "cannot list " + path);
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view child = entry->d_name;
    if (child == "." || child == "..") continue;
    if (entry->d_type == DT_DIR) {
      walk(fd, entry->d_name, path + entry->d_name + "/", on_file);
    } else {
      on_file(fd, entry->d_name, path);
    }
  }
  ::closedir(directory);
}

void hash_file(const std::string& path, std::vector<char>& buffer) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  Sha256Hasher hasher;
  ssize_t n = 0;
  while ((n = ::read(fd.get(), buffer.data(), buffer.size())) > 0) {
    hasher.update({buffer.data(), static_cast<size_t>(n)});
  }
  KILN_CHECK(n == 0, "cannot read " + path);
  const FileDigest digest = hasher.finish();
  KILN_CHECK(digest.size >= 0, "a size is not negative");
}

}  // namespace

double walk_with_statx(const std::string& directory) {
  const Stopwatch watch;
  walk(AT_FDCWD, directory, directory + "/", [](int fd, const char* name, const std::string&) {
    struct statx st;
    KILN_CHECK(::statx(fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) == 0, "statx");
  });
  return watch.milliseconds();
}

double walk_and_hash(const std::string& directory) {
  const Stopwatch watch;
  std::vector<std::string> files;
  walk(AT_FDCWD, directory, directory + "/",
       [&](int, const char* name, const std::string& path) { files.push_back(path + name); });
  std::atomic<size_t> next{0};
  const auto work = [&] {
    std::vector<char> buffer(size_t{256} << 10);
    for (size_t i = next++; i < files.size(); i = next++) hash_file(files[i], buffer);
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  return watch.milliseconds();
}

}  // namespace kiln::bench
