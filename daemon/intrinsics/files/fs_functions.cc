#include "daemon/intrinsics/files/fs_functions.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>

#include "daemon/intrinsics/files/file_ingest.h"
#include "daemon/intrinsics/files/path_nodes.h"
#include "daemon/intrinsics/files/stat_identity.h"
#include "daemon/intrinsics/files/watch_function.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kListing = "fs.listing/1";
constexpr std::string_view kFile = "fs.file/1";
constexpr std::string_view kMetadata = "fs.metadata/1";

// Files of this size and more are read on the blocking executor, smaller ones in place: two thread
// switches cost more than reading them.
constexpr int64_t kReadElsewhere = int64_t{1} << 20;

// What the other leaves share: they read in a directory that is watched.
class LeafFunction : public graph::Function {
 public:
  LeafFunction(const FsServices& services, RemoteLanes& lanes, const graph::Function& watch)
      : services_(services), lanes_(lanes), watch_(watch) {}

 protected:
  // Where the file system of `input` is touched; null: here.
  Executor* lane_of(const PathInput& input) const {
    return lanes_.of(*input.workspace, input.path);
  }

  // How every leaf begins: where to read, and how long what is read there holds.
  struct Opened {
    std::shared_ptr<const UniqueFd> root;
    bool exists = false;  // the directory
    graph::Validity validity = graph::Validity::kAskedBefore;
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
    graph::Validity validity = graph::Validity::kAskedBefore;
    bool several = false;  // names: a write through another makes no event here
    std::chrono::system_clock::time_point moment;  // before the look
  };
  Result<Found> found(const PathInput& input, const Result<graph::ValueRef>& watch) const {
    KILN_ASSIGN(Opened at, opened(*input.workspace, watch));
    services_.counters.files_statted.add();
    const auto moment = std::chrono::system_clock::now();
    std::optional<os::Stat> stat;
    if (at.exists) {
      KILN_ASSIGN(stat, os::stat_beneath(at.root->get(), input.path));
    }
    const bool several = stat && stat->kind != os::FileKind::kDirectory && stat->links > 1;
    return Found{std::move(at.root), stat, at.validity, several, moment};
  }

  // What ends a leaf that read something whose changes are not told where it stands: it is looked
  // at again by each run, and by each poll within a run.
  Task<Result<graph::Computed>> untold(graph::Context& context, const Workspace& workspace,
                                       graph::ValueRef value) const {
    workspace.note_untold(false);
    KILN_CO_TRY(co_await context.get(services_.router.polls(context)));
    co_return graph::Computed{std::move(value), graph::Validity::kAskedBefore};
  }

  graph::Key watch_key(const Workspace& workspace, const RelPath& directory) const {
    return path_key(watch_, kWatch, workspace, directory);
  }

  const FsServices services_;
  RemoteLanes& lanes_;
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
    const PathInput& input = input_of(value);
    const auto& [workspace, path] = input;
    const auto watch = co_await context.get(watch_key(*workspace, path));
    const auto list = [&] { return this->list(input, watch); };
    if (Executor* lane = lane_of(input)) {
      co_return co_await run_blocking(*lane, services_.home, list);
    }
    co_return list();
  }

 private:
  Result<graph::Computed> list(const PathInput& input, const Result<graph::ValueRef>& watch) const {
    KILN_ASSIGN(const Opened at, opened(*input.workspace, watch));
    KILN_ASSIGN(auto listing, read(at, input.path));
    services_.counters.directories_listed.add();
    return graph::Computed{graph::make_value(std::move(listing)), at.validity};
  }
  // Nothing is listed where there is no directory (any more): if it vanished since its watch was
  // placed, that is told, or holds for this run.
  static Result<DirectoryListing> read(const Opened& at, const RelPath& path) {
    if (!at.exists) return DirectoryListing();
    const auto fd = os::open_beneath(at.root->get(), path, O_RDONLY | O_DIRECTORY);
    if (!fd.ok()) {
      const ErrorCode code = fd.error().code();
      const bool absent = code == ErrorCode::kNotFound || code == ErrorCode::kFailedPrecondition;
      if (absent && !path.is_root()) return DirectoryListing();
      return unreadable(fd.error(), path);
    }
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
    const auto watch = co_await context.get(watch_key(*workspace, path.parent()));
    const auto look = [&] { return found(input, watch); };
    Executor* const lane = lane_of(input);
    std::optional<Result<Found>> looked;
    if (lane != nullptr) {
      looked = co_await run_blocking(*lane, services_.home, look);
    } else {
      looked = look();
    }
    if (!looked->ok()) co_return looked->error();
    const Found& at = **looked;
    if (!at.stat || at.stat->kind != os::FileKind::kFile) {
      co_return graph::Computed{graph::make_value(FileState{}), at.validity};
    }
    FileIngest ingest(services_.store, services_.counters);
    const std::string absolute = workspace->absolute(path);
    if (!was_told(context)) {
      if (auto known = ingest.known(absolute, *at.stat)) {
        auto state = graph::make_value(FileState{known});
        if (at.several) co_return co_await untold(context, *workspace, std::move(state));
        co_return graph::Computed{std::move(state), at.validity};
      }
    }
    const auto read = [&] {
      return ingest.read(at.root->get(), path, absolute, context.stop_token());
    };
    std::optional<Result<Ingested>> ingested;
    if (lane != nullptr) {
      ingested = co_await run_blocking(*lane, services_.home, read);
    } else if (at.stat->size < kReadElsewhere) {
      ingested = read();
    } else {
      ingested = co_await run_blocking(services_.blocking, services_.home, read);
    }
    if (!ingested->ok()) co_return ingested->error();
    auto state = graph::make_value(FileState{(*ingested)->file});
    if (at.several || (*ingested)->open_for_writing) {
      co_return co_await untold(context, *workspace, std::move(state));
    }
    co_return graph::Computed{std::move(state), at.validity};
  }

 private:
  // An event named the file, perhaps in an attempt that came to nothing: then no stat, however
  // equal, says that the content is what it was.
  static bool was_told(const graph::Context& context) {
    return context.reason() == graph::RunReason::kInvalidated ||
           context.reason() == graph::RunReason::kFailedBefore;
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
    const auto watch = co_await context.get(watch_key(*input.workspace, input.path.parent()));
    const auto look = [&] { return this->look(input, watch); };
    std::optional<Result<Looked>> looked;
    if (Executor* lane = lane_of(input)) {
      looked = co_await run_blocking(*lane, services_.home, look);
    } else {
      looked = look();
    }
    if (!looked->ok()) co_return looked->error();
    auto state = graph::make_value(std::move((*looked)->state));
    if ((*looked)->several) co_return co_await untold(context, *input.workspace, std::move(state));
    co_return graph::Computed{std::move(state), (*looked)->validity};
  }

 private:
  struct Looked {
    MetadataState state;
    graph::Validity validity = graph::Validity::kAskedBefore;
    bool several = false;
  };
  Result<Looked> look(const PathInput& input, const Result<graph::ValueRef>& watch) const {
    KILN_ASSIGN(const Found at, found(input, watch));
    Looked looked{{}, at.validity, at.several};
    if (at.stat) {
      KILN_ASSIGN(looked.state.metadata, describe_stat(at, input.path));
    }
    return looked;
  }
  // Nothing if the symlink that was there has gone meanwhile: that will be told.
  Result<std::optional<PathMetadata>> describe_stat(const Found& at, const RelPath& path) const {
    const os::Stat& stat = *at.stat;
    PathMetadata metadata{.kind = stat.kind,
                          .mode = stat.mode,
                          .device = stat.device,
                          .inode = stat.inode,
                          .target = {}};
    if (stat.kind == os::FileKind::kDirectory) return metadata;
    metadata.length = stat.size;
    metadata.mtime_ns = stat.mtime_ns;
    metadata.ctime_ns = stat.ctime_ns;
    if (stat.kind == os::FileKind::kFile && !settled(stat, at.moment))
      metadata.unsettled = ++looks_;
    if (stat.kind == os::FileKind::kSymlink) {
      auto target = os::read_link_beneath(at.root->get(), path);
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
      lanes_(std::make_unique<RemoteLanes>()),
      watch_(std::make_unique<WatchFunction>(services, *lanes_)),
      listing_(std::make_unique<ListingFunction>(services, *lanes_, *watch_)),
      file_(std::make_unique<FileFunction>(services, *lanes_, *watch_)),
      metadata_(std::make_unique<MetadataFunction>(services, *lanes_, *watch_)) {}

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
