#include "daemon/intrinsics/fs_functions.h"

#include <fcntl.h>

#include <algorithm>

#include "daemon/intrinsics/file_ingest.h"
#include "daemon/intrinsics/key_encoder.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kWatch = "fs.watch/1";
constexpr std::string_view kListing = "fs.listing/1";
constexpr std::string_view kFile = "fs.file/1";
constexpr std::string_view kLink = "fs.link/1";

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
    // A parent that is replaced replaces its children.
    if (path.is_root()) {
      KILN_CO_TRY(workspace->reopen());
    } else {
      KILN_CO_TRY(
          co_await context.get(graph::Key{path_hash(kWatch, *workspace, path.parent()), this,
                                          graph::make_value(PathInput{workspace, path.parent()})}));
    }
    DirectoryWatch result;
    result.overflow = services_.overflows.load();
    KILN_CO_ASSIGN(result.watch, services_.watcher.watch(workspace->absolute(path)));
    services_.counters.directories_watched.add();
    co_return graph::Computed{graph::make_value(result), validity_under(result)};
  }

 private:
  const FsServices services_;
};

// What the other leaves share: the watch of the directory that holds `path`.
class LeafFunction : public graph::Function {
 public:
  LeafFunction(const FsServices& services, const graph::Function& watch)
      : services_(services), watch_(watch) {}

 protected:
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
    KILN_CO_ASSIGN(const graph::ValueRef watch, co_await context.get(watch_key(*workspace, path)));
    KILN_CO_ASSIGN(auto listing, read(*workspace, path));
    services_.counters.directories_listed.add();
    co_return graph::Computed{graph::make_value(std::move(listing)),
                              validity_under(graph::value_as<DirectoryWatch>(watch))};
  }

 private:
  static Result<DirectoryListing> read(const Workspace& workspace, const RelPath& path) {
    KILN_ASSIGN(const auto root, workspace.root_fd());
    KILN_ASSIGN(const UniqueFd fd, os::open_beneath(root->get(), path, O_RDONLY | O_DIRECTORY));
    KILN_ASSIGN(auto entries, os::list_directory(fd.get()));
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
    const auto& [workspace, path] = input_of(value);
    KILN_CO_ASSIGN(const graph::ValueRef watch,
                   co_await context.get(watch_key(*workspace, path.parent())));
    KILN_CO_ASSIGN(const auto root, workspace->root_fd());
    KILN_CO_ASSIGN(const auto stat, os::stat_beneath(root->get(), path));
    // A write through another name of the file makes no event here, so it is looked at again.
    const graph::Validity validity = stat && stat->links > 1
                                         ? graph::Validity::kThisRun
                                         : validity_under(graph::value_as<DirectoryWatch>(watch));
    services_.counters.files_statted.add();
    if (!stat || stat->kind != os::FileKind::kFile) {
      co_return graph::Computed{graph::make_value(FileState{}), validity};
    }
    FileIngest ingest(services_.store, services_.counters);
    const std::string absolute = workspace->absolute(path);
    if (auto known = ingest.known(absolute, *stat)) {
      co_return graph::Computed{graph::make_value(FileState{known}), validity};
    }
    const auto read = [&] {
      return ingest.read(root->get(), path, absolute, context.stop_token());
    };
    Result<std::optional<store::File>> file =
        stat->size < kReadElsewhere
            ? read()
            : co_await run_blocking(services_.blocking, services_.home, read);
    if (!file.ok()) co_return file.error();
    co_return graph::Computed{graph::make_value(FileState{*file}), validity};
  }
};

class LinkFunction final : public LeafFunction {
 public:
  using LeafFunction::LeafFunction;
  std::string_view name() const override { return kLink; }
  std::string describe(const graph::Value& value) const override {
    const auto& [workspace, path] = input_of(value);
    return "read link " + workspace->describe(path);
  }

  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& value) const override {
    const auto& [workspace, path] = input_of(value);
    KILN_CO_ASSIGN(const graph::ValueRef watch,
                   co_await context.get(watch_key(*workspace, path.parent())));
    KILN_CO_ASSIGN(const auto root, workspace->root_fd());
    LinkTarget result;
    auto target = os::read_link_beneath(root->get(), path);
    if (target.ok()) {
      result.target = *std::move(target);
    } else if (target.error().code() != ErrorCode::kNotFound &&
               target.error().code() != ErrorCode::kInvalidArgument) {  // EINVAL: no symlink
      co_return target.error();
    }
    co_return graph::Computed{graph::make_value(std::move(result)),
                              validity_under(graph::value_as<DirectoryWatch>(watch))};
  }
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

FsFunctions::FsFunctions(const FsServices& services)
    : watch_(std::make_unique<WatchFunction>(services)),
      listing_(std::make_unique<ListingFunction>(services, *watch_)),
      file_(std::make_unique<FileFunction>(services, *watch_)),
      link_(std::make_unique<LinkFunction>(services, *watch_)) {}

FsFunctions::~FsFunctions() = default;

graph::Key FsFunctions::watch(const Workspace& workspace, const RelPath& directory) const {
  return path_key(*watch_, kWatch, workspace, directory);
}
graph::Key FsFunctions::listing(const Workspace& workspace, const RelPath& directory) const {
  return path_key(*listing_, kListing, workspace, directory);
}
graph::Key FsFunctions::file(const Workspace& workspace, const RelPath& path) const {
  return path_key(*file_, kFile, workspace, path);
}
graph::Key FsFunctions::link(const Workspace& workspace, const RelPath& path) const {
  return path_key(*link_, kLink, workspace, path);
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
Hash128 FsFunctions::link_hash(const Workspace& workspace, const RelPath& path) {
  return path_hash(kLink, workspace, path);
}

}  // namespace kiln::intrinsics
