#include "daemon/store/memory_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <unordered_map>

#include "common/base/file.h"
#include "common/base/sync.h"
#include "common/types/hash.h"
#include "daemon/store/blob_readers.h"
#include "daemon/store/file_time.h"
#include "daemon/store/limits.h"
#include "daemon/store/new_file.h"

namespace kiln::store {

namespace {

using Content = std::shared_ptr<const std::string>;

class MemoryWriter final : public BlobWriter {
 public:
  explicit MemoryWriter(BlobStore& blobs) : blobs_(blobs) {}
  Result<void> append(std::string_view bytes) override {
    content_ += bytes;
    return {};
  }
  Result<FileDigest> finish() override { return blobs_.put(content_); }

 private:
  BlobStore& blobs_;
  std::string content_;
};

class MemoryBlobs final : public BlobStore, public BlobFiles {
 public:
  Result<FileDigest> put(std::string_view content) override {
    const FileDigest digest = file_digest_of(content);
    blobs_.with([&](auto& blobs) {
      auto& slot = blobs[digest];
      if (slot == nullptr) slot = std::make_shared<const std::string>(content);
    });
    return digest;
  }
  Result<std::unique_ptr<BlobWriter>> writer() override {
    return std::make_unique<MemoryWriter>(*this);
  }
  Result<std::string> get(const FileDigest& digest) override {
    KILN_ASSIGN(const Content content, find(digest));
    if (digest.size > kMaxWholeBlob) return too_large_for_get(digest);
    return *content;
  }
  Result<std::unique_ptr<BlobReader>> reader(const FileDigest& digest) override {
    KILN_ASSIGN(Content content, find(digest));
    return make_string_reader(std::move(content));
  }
  Result<std::vector<FileDigest>> find_missing(std::span<const FileDigest> digests) override {
    std::vector<FileDigest> missing;
    for (const FileDigest& digest : digests) {
      if (!find(digest).ok()) missing.push_back(digest);
    }
    return missing;
  }

  Result<void> materialize(const FileDigest& digest, bool executable, int dir_fd, const char* name,
                           const std::stop_token& stop) override {
    const unsigned mode = executable ? kExecutableMode : kPlainMode;
    return make_new_file(dir_fd, name, mode, file_time(digest),
                         [&](int fd) { return copy_into(digest, fd, name, stop); });
  }
  Result<void> copy_into(const FileDigest& digest, int target_fd, const char* name,
                         const std::stop_token& stop) override {
    if (stop.stop_requested()) return stopped();
    KILN_ASSIGN(const Content content, find(digest));
    KILN_TRY(append_sparse(target_fd, *content, name));
    return finish_sparse(target_fd, digest.size, name);
  }
  Result<FileDigest> adopt(int dir_fd, const char* name, const std::stop_token& stop) override {
    if (stop.stop_requested()) return stopped();
    KILN_ASSIGN(const UniqueFd fd, open_to_adopt(dir_fd, name));
    KILN_ASSIGN(const std::string content, read_all(fd.get(), name));
    KILN_ASSIGN(const FileDigest digest, put(content));
    if (::unlinkat(dir_fd, name, 0) != 0) {
      return os_error(errno, std::string("remove ") + name);
    }
    return digest;
  }

 private:
  Result<Content> find(const FileDigest& digest) {
    static const Content kNothing = std::make_shared<const std::string>();
    if (digest == FileDigest()) return kNothing;
    return blobs_.with([&](const auto& blobs) -> Result<Content> {
      const auto it = blobs.find(digest);
      if (it == blobs.end()) return not_stored(digest, "content");
      return it->second;
    });
  }

  Synchronized<std::unordered_map<FileDigest, Content>> blobs_;
};

class MemoryTrees final : public TreeStore {
 public:
  Result<void> save(const TreePtr& tree) override {
    KILN_TRY(check_depth(*tree));
    trees_.with([&](auto& trees) { save_into(trees, tree); });
    return {};
  }
  Result<TreePtr> load(const Digest& digest) override {
    if (digest == Digest()) return Tree::empty();
    return trees_.with([&](const auto& trees) -> Result<TreePtr> {
      const auto it = trees.find(digest);
      if (it == trees.end()) return unknown_tree(digest);
      return it->second;
    });
  }

 private:
  using Trees = std::unordered_map<Digest, TreePtr>;
  static void save_into(Trees& trees, const TreePtr& tree) {
    if (!trees.emplace(tree->digest(), tree).second) return;
    for (const Entry& entry : tree->entries()) {
      if (const auto* below = std::get_if<TreePtr>(&entry.node)) save_into(trees, *below);
    }
  }

  Synchronized<Trees> trees_;
};

class MemoryActions final : public ActionCache {
 public:
  Result<std::optional<ActionResult>> get(const Digest& action) override {
    return actions_.with([&](const auto& actions) -> std::optional<ActionResult> {
      const auto it = actions.find(action);
      if (it == actions.end()) return std::nullopt;
      return it->second;
    });
  }
  Result<void> put(const Digest& action, const ActionResult& result) override {
    actions_.with([&](auto& actions) { actions[action] = result; });
    return {};
  }
  Result<void> remove(const Digest& action) override {
    actions_.with([&](auto& actions) { actions.erase(action); });
    return {};
  }

 private:
  Synchronized<std::unordered_map<Digest, ActionResult>> actions_;
};

class MemoryStats final : public StatCache {
 public:
  std::optional<FileDigest> get(std::string_view absolute_path, const FileStat& stat) override {
    return stats_.with([&](const auto& stats) -> std::optional<FileDigest> {
      const auto it = stats.find(std::string(absolute_path));
      if (it == stats.end() || it->second.stat != stat) return std::nullopt;
      return it->second.digest;
    });
  }
  void put(std::string_view absolute_path, const FileStat& stat,
           const FileDigest& digest) override {
    stats_.with([&](auto& stats) { stats[std::string(absolute_path)] = {stat, digest}; });
  }

 private:
  struct Known {
    FileStat stat;
    FileDigest digest;
  };
  Synchronized<std::unordered_map<std::string, Known>> stats_;
};

class MemoryStore final : public Store {
 public:
  BlobStore& blobs() override { return blobs_; }
  BlobFiles& files() override { return blobs_; }
  TreeStore& trees() override { return trees_; }
  ActionCache& actions() override { return actions_; }
  StatCache& stats() override { return stats_; }

 private:
  MemoryBlobs blobs_;
  MemoryTrees trees_;
  MemoryActions actions_;
  MemoryStats stats_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace kiln::store
