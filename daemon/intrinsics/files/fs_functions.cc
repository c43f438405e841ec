#include "daemon/intrinsics/files/fs_functions.h"

#include <fcntl.h>

#include <algorithm>

#include "daemon/intrinsics/files/file_ingest.h"
#include "daemon/intrinsics/files/key_encoder.h"
#include "daemon/intrinsics/files/stat_identity.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kWatch = "fs.watch/1";
constexpr std::string_view kListing = "fs.listing/1";
constexpr std::string_view kFile = "fs.file/1";
constexpr std::string_view kMetadata = "fs.metadata/1";

// Files of this size and more are read on the blocking executor, smaller ones in place: two thread
// switches cost more than reading them.
constexpr int64_t kReadElsewhere = int64_t{1} << 20;

Hash128 path_hash(std::string_view function, const Workspace& workspace, const RelPath& path) {
  return KeyEncoder(function).add(workspace.root()).add(path.str()).hash();
}

graph::Key path_key(const graph::Function& function, std::string_view name,
                    const Workspace& workspace, const RelPath& path) {
  return {path_hash(name, workspace, path), &function,
          graph::make_value(PathInput{&workspace, path})};
}

const PathInput& input_of(const graph::Value& value) { return graph::value_as<PathInput>(value); }

graph::Validity validity_under(const DirectoryWatch& watch) {
  return watch.watch.active ? graph::Validity::kForever : graph::Validity::kThisRun;
}

class WatchFunction final : public graph::Function {
 public:
  explicit WatchFunction(const FsServices& services) : services_(services) {}
  std::string_view name() const override { return kWatch; }
  std::string describe(const graph::Value& value) const override {
    const auto& [workspace, path] = input_of(value);
    return "watch directory " + workspace->describe(path);
  }

  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& value) const override {
    const auto& [workspace, path] = input_of(value);
    DirectoryWatch parent;
    // A parent that is replaced replaces its children.
    if (path.is_root()) {
      KILN_CO_TRY(workspace->reopen());
    } else {
      KILN_CO_ASSIGN(const graph::ValueRef above,
                     co_await context.get(path_key(*this, kWatch, *workspace, path.parent())));
      parent = graph::value_as<DirectoryWatch>(above);
    }
    KILN_CO_ASSIGN(const DirectoryWatch result, place(*workspace, path, parent));
    co_return graph::Computed{graph::make_value(result), validity_under(result)};
  }

 private:
  Result<DirectoryWatch> place(const Workspace& workspace, const RelPath& path,
                               const DirectoryWatch& parent) const {
    DirectoryWatch result;
    result.overflow = services_.router.overflows().load();
    if (parent.exists) {
      const auto watch = services_.watcher.watch(workspace.absolute(path));
      services_.counters.directories_watched.add();
      if (watch.ok()) {
        result.watch = *watch;
        return result;
      }
      const ErrorCode code = watch.error().code();
      const bool absent = code == ErrorCode::kNotFound || code == ErrorCode::kFailedPrecondition;
      if (path.is_root() || !absent) return watch.error();
    }
    result.exists = false;
    result.watch.active = parent.watch.active;
    return result;
  }

  const FsServices services_;
};

// What the other leaves share: they read in a directory that is watched.
class LeafFunction : public graph::Function {
 public:
  LeafFunction(const FsServices& services, const graph::Function& watch)
      : services_(services), watch_(watch) {}

 protected:
  // How every leaf begins: where to read, and how long what is read there holds.
  struct Opened {
    std::shared_ptr<const UniqueFd> root;
    bool exists = false;  // the directory
    graph::Validity validity = graph::Validity::kThisRun;
  };
  static Result<Opened> opened(const Workspace& workspace, const Result<graph::ValueRef>& watch) {
    if (!watch.ok()) return watch.error();
    KILN_ASSIGN(auto root, workspace.root_fd());
    const auto& directory = graph::value_as<DirectoryWatch>(*watch);
    return Opened{std::move(root), directory.exists, validity_under(directory)};
  }

  // And those of one path: what stands there, in the directory that is watched.
  struct Found {
    std::shared_ptr<const UniqueFd> root;
    std::optional<os::Stat> stat;
    graph::Validity validity = graph::Validity::kThisRun;
  };
  Result<Found> found(const PathInput& input, const Result<graph::ValueRef>& watch) const {
    KILN_ASSIGN(Opened at, opened(*input.workspace, watch));
    services_.counters.files_statted.add();
    std::optional<os::Stat> stat;
    if (at.exists) {
      KILN_ASSIGN(stat, os::stat_beneath(at.root->get(), input.path));
    }
    // A write through another name of the file makes no event here, so it is looked at again.
    const bool several = stat && stat->kind != os::FileKind::kDirectory && stat->links > 1;
    return Found{std::move(at.root), stat, several ? graph::Validity::kThisRun : at.validity};
  }

  graph::Key watch_key(const Workspace& workspace, const RelPath& directory) const {
    return path_key(watch_, kWatch, workspace, directory);
  }

  const FsServices services_;
  const graph::Function& watch_;
};

class ListingFunction final : public LeafFunction {
 public:
  using LeafFunction::LeafFunction;
  std::string_view name() const override { return kListing; }
  std::string describe(const graph::Value& value) const override {
    const auto& [workspace, path] = input_of(value);
    return "list directory " + workspace->describe(path);
  }

  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& value) const override {
    const auto& [workspace, path] = input_of(value);
    KILN_CO_ASSIGN(const Opened at,
                   opened(*workspace, co_await context.get(watch_key(*workspace, path))));
    KILN_CO_ASSIGN(auto listing, read(at.root->get(), path));
    services_.counters.directories_listed.add();
    co_return graph::Computed{graph::make_value(std::move(listing)), at.validity};
  }

 private:
  static Result<DirectoryListing> read(int root_fd, const RelPath& path) {
    const auto fd = os::open_beneath(root_fd, path, O_RDONLY | O_DIRECTORY);
    if (!fd.ok()) return unreadable(fd.error(), path);
    KILN_ASSIGN(auto entries, os::list_directory(fd->get()));
    return DirectoryListing{std::move(entries)};
  }
};

class FileFunction final : public LeafFunction {
 public:
  using LeafFunction::LeafFunction;
  std::string_view name() const override { return kFile; }
  std::string describe(const graph::Value& value) const override {
    const auto& [workspace, path] = input_of(value);
    return "read file " + workspace->describe(path);
  }

  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& value) const override {
    const PathInput& input = input_of(value);
    const auto& [workspace, path] = input;
    KILN_CO_ASSIGN(const auto at,
                   found(input, co_await context.get(watch_key(*workspace, path.parent()))));
    if (!at.stat || at.stat->kind != os::FileKind::kFile) {
      co_return graph::Computed{graph::make_value(FileState{}), at.validity};
    }
    FileIngest ingest(services_.store, services_.counters);
    const std::string absolute = workspace->absolute(path);
    if (auto known = ingest.known(absolute, *at.stat)) {
      co_return graph::Computed{graph::make_value(FileState{known}), at.validity};
    }
    const auto read = [&] {
      return ingest.read(at.root->get(), path, absolute, context.stop_token());
    };
    const Result<Ingested> ingested =
        at.stat->size < kReadElsewhere
            ? read()
            : co_await run_blocking(services_.blocking, services_.home, read);
    if (!ingested.ok()) co_return ingested.error();
    co_return graph::Computed{graph::make_value(FileState{ingested->file}),
                              ingested->open_for_writing ? graph::Validity::kThisRun : at.validity};
  }
};

class MetadataFunction final : public LeafFunction {
 public:
  using LeafFunction::LeafFunction;
  std::string_view name() const override { return kMetadata; }
  std::string describe(const graph::Value& value) const override {
    const auto& [workspace, path] = input_of(value);
    return "look at " + workspace->describe(path);
  }

  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& value) const override {
    const PathInput& input = input_of(value);
    KILN_CO_ASSIGN(
        const auto at,
        found(input, co_await context.get(watch_key(*input.workspace, input.path.parent()))));
    MetadataState state;
    if (at.stat) {
      KILN_CO_ASSIGN(state.metadata, describe_stat(at.root->get(), input.path, *at.stat));
    }
    co_return graph::Computed{graph::make_value(std::move(state)), at.validity};
  }

 private:
  // Nothing if the symlink that was there has gone meanwhile: that will be told.
  Result<std::optional<PathMetadata>> describe_stat(int root_fd, const RelPath& path,
                                                    const os::Stat& stat) const {
    PathMetadata metadata{.kind = stat.kind,
                          .mode = stat.mode,
                          .device = stat.device,
                          .inode = stat.inode,
                          .target = {}};
    if (stat.kind == os::FileKind::kDirectory) return metadata;
    metadata.length = stat.size;
    metadata.mtime_ns = stat.mtime_ns;
    metadata.ctime_ns = stat.ctime_ns;
    if (stat.kind == os::FileKind::kFile && !settled(stat)) metadata.unsettled = ++looks_;
    if (stat.kind == os::FileKind::kSymlink) {
      auto target = os::read_link_beneath(root_fd, path);
      if (target.ok()) {
        metadata.target = *std::move(target);
      } else if (target.error().code() == ErrorCode::kNotFound ||
                 target.error().code() == ErrorCode::kInvalidArgument) {  // EINVAL: no symlink
        return std::optional<PathMetadata>();
      } else {
        return target.error();
      }
    }
    return metadata;
  }

  mutable std::atomic<uint64_t> looks_{0};
};

}  // namespace

const os::DirEntry* DirectoryListing::find(std::string_view name) const {
  const auto it =
      std::lower_bound(entries.begin(), entries.end(), name,
                       [](const os::DirEntry& e, std::string_view n) { return e.name < n; });
  return it != entries.end() && it->name == name ? &*it : nullptr;
}

size_t footprint(const DirectoryListing& listing) {
  size_t bytes = listing.entries.capacity() * sizeof(os::DirEntry);
  for (const os::DirEntry& entry : listing.entries) {
    if (entry.name.size() > 15) bytes += entry.name.capacity();
  }
  return bytes;
}

size_t footprint(const MetadataState& state) {
  return state.metadata && state.metadata->target.size() > 15 ? state.metadata->target.capacity()
                                                              : 0;
}

FsFunctions::FsFunctions(const FsServices& services)
    : services_(services),
      watch_(std::make_unique<WatchFunction>(services)),
      listing_(std::make_unique<ListingFunction>(services, *watch_)),
      file_(std::make_unique<FileFunction>(services, *watch_)),
      metadata_(std::make_unique<MetadataFunction>(services, *watch_)) {}

FsFunctions::~FsFunctions() = default;

Task<Result<std::string>> FsFunctions::content(const graph::Context& reader,
                                               FileDigest digest) const {
  Result<std::string> read = co_await run_blocking(
      services_.blocking, services_.home, [&] { return services_.store.blobs().get(digest); });
  if (!read.ok()) services_.router.note_loss(reader, read.error());
  co_return read;
}

graph::Key FsFunctions::watch(const Workspace& workspace, const RelPath& directory) const {
  return path_key(*watch_, kWatch, workspace, directory);
}
graph::Key FsFunctions::listing(const Workspace& workspace, const RelPath& directory) const {
  return path_key(*listing_, kListing, workspace, directory);
}
graph::Key FsFunctions::file(const Workspace& workspace, const RelPath& path) const {
  return path_key(*file_, kFile, workspace, path);
}
graph::Key FsFunctions::metadata(const Workspace& workspace, const RelPath& path) const {
  return path_key(*metadata_, kMetadata, workspace, path);
}

Hash128 FsFunctions::watch_hash(const Workspace& workspace, const RelPath& directory) {
  return path_hash(kWatch, workspace, directory);
}
Hash128 FsFunctions::listing_hash(const Workspace& workspace, const RelPath& directory) {
  return path_hash(kListing, workspace, directory);
}
Hash128 FsFunctions::file_hash(const Workspace& workspace, const RelPath& path) {
  return path_hash(kFile, workspace, path);
}
Hash128 FsFunctions::metadata_hash(const Workspace& workspace, const RelPath& path) {
  return path_hash(kMetadata, workspace, path);
}

}  // namespace kiln::intrinsics
