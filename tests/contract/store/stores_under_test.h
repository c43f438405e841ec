// The stores that the contract holds for, each with a directory of its own.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/types/hash.h"
#include "daemon/store/memory_store.h"
#include "daemon/store/rocks_store.h"

namespace kiln::store {

// Keeps what was logged.
class RecordingLog final : public Log {
 public:
  void write(LogLevel, std::string_view message) override {
    text_.with([&](std::string& text) { (text += message) += '\n'; });
  }
  std::string text() const {
    return text_.with([](const std::string& text) { return text; });
  }

 private:
  Synchronized<std::string> text_;
};

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kiln-store-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::unique_ptr<Store> open_rocks(const std::string& path, Log& log) {
  auto store = open_rocks_store({.path = path}, log);
  EXPECT_TRUE(store.ok()) << store.error().to_string();
  return store.ok() ? std::move(*store) : nullptr;
}

struct InMemory {
  static constexpr bool kDurable = false;
  static std::unique_ptr<Store> open(const std::string&, Log&) { return make_memory_store(); }
};
struct OnRocks {
  static constexpr bool kDurable = true;
  static std::unique_ptr<Store> open(const std::string& path, Log& log) {
    return open_rocks(path, log);
  }
};

template <class Implementation>
class StoreContract : public testing::Test {
 protected:
  StoreContract() : work_(open_file(dir_.path(), O_RDONLY | O_DIRECTORY).value()) { reopen(); }

  void reopen() {
    if (store_ != nullptr && !Implementation::kDurable) return;
    store_.reset();
    store_ = Implementation::open(dir_.path() + "/store", log_);
  }
  // A directory that tests fill.
  int work() const { return work_.get(); }
  std::string at(const std::string& name) const { return dir_.path() + "/" + name; }
  FileDigest put(std::string_view content) {
    auto digest = store_->blobs().put(content);
    EXPECT_TRUE(digest.ok()) << digest.error().to_string();
    return digest.ok() ? *digest : FileDigest();
  }
  void write(const std::string& name, std::string_view content) {
    const UniqueFd fd = open_file(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0644).value();
    EXPECT_TRUE(write_all(fd.get(), content, name).ok());
  }

  TempDir dir_;
  RecordingLog log_;
  UniqueFd work_;
  std::unique_ptr<Store> store_;
};

using Implementations = testing::Types<InMemory, OnRocks>;

// Bytes that do not repeat, the same for the same seed.
inline std::string content_of(size_t size, uint64_t seed = 1) {
  std::string bytes(size, '\0');
  uint64_t state = seed * 0x9E3779B97F4A7C15 + 1;
  for (char& byte : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<char>(state);
  }
  return bytes;
}

// Around every border that an implementation may have.
inline std::vector<size_t> sizes_to_try() {
  const size_t large = kLargeContent;
  return {0, 1, 100, 4096, large - 1, large, large + 1, size_t{5} << 20};
}

}  // namespace kiln::store
