// TempDirectory: a directory of its own for one test, removed at its end.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/base/unique_fd.h"
#include "tests/support/disk_directory.h"

namespace kiln::test {

class TempDirectory {
 public:
  TempDirectory() : TempDirectory(disk_directory()) {}
  // In memory where the machine has such a place: for tests that make thousands of directories.
  static TempDirectory in_memory() {
    const char* memory = "/dev/shm";
    if (::access(memory, W_OK) == 0) return TempDirectory(memory);
    return TempDirectory();
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string path(std::string_view below) const { return path_ + "/" + std::string(below); }
  int fd() const { return fd_.get(); }

  // Makes the parents too; replaces what is there in place (same inode).
  void write(std::string_view below, std::string_view content) const {
    make_directory(std::filesystem::path(below).parent_path().string());
    std::ofstream(path(below), std::ios::binary | std::ios::trunc) << content;
  }
  void make_directory(std::string_view below) const {
    std::filesystem::create_directories(path(below));
  }

 private:
  explicit TempDirectory(const std::filesystem::path& base) {
    path_ = (std::filesystem::canonical(base) / "kiln-test-XXXXXX").string();
    KILN_CHECK(::mkdtemp(path_.data()) != nullptr, "cannot make a temporary directory");
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    KILN_CHECK(fd_.valid(), "cannot open the temporary directory");
  }

  std::string path_;
  UniqueFd fd_;
};

}  // namespace kiln::test
