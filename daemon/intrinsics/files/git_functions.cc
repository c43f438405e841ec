#include "daemon/intrinsics/files/git_functions.h"

#include <fcntl.h>

#include <algorithm>

#include "common/base/file.h"
#include "daemon/intrinsics/files/key_encoder.h"
#include "daemon/intrinsics/files/path_resolver.h"
#include "daemon/intrinsics/files/text_file.h"
#include "daemon/os/git_index.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kRepository = "git.repository/1";
constexpr std::string_view kIndex = "git.index/1";
constexpr std::string_view kTracked = "git.tracked/1";

// Indexes of this size and more are read on the blocking executor.
constexpr int64_t kReadElsewhere = int64_t{1} << 20;

class RepositoryFunction final : public graph::Function {
 public:
  RepositoryFunction(const FsFunctions& fs, const Workspace& host, GitUser user)
      : fs_(fs), host_(host), user_(std::move(user)) {}
  std::string_view name() const override { return kRepository; }
  std::string describe(const graph::Value& value) const override {
    return "look for a git repository in " + host_.describe(graph::value_as<PathInput>(value).path);
  }

  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& value) const override {
    const RelPath& top = graph::value_as<PathInput>(value).path;
    FoundRepository found;
    KILN_CO_ASSIGN(const auto git_dir, co_await git_dir_of(context, top));
    if (git_dir) {
      KILN_CO_ASSIGN(const auto common_dir, co_await common_dir_of(context, *git_dir));
      if (common_dir) {
        KILN_CO_ASSIGN(found.repository,
                       co_await read(context, GitPlace{top, *git_dir, *common_dir}));
      }
    }
    co_return graph::Computed{graph::make_value(std::move(found))};
  }

 private:
  using Found = std::optional<RelPath>;

  Task<Result<Found>> directory(graph::Context& context, RelPath from,
                                std::string_view path) const {
    const auto found = co_await resolve_path(context, fs_, host_, std::move(from), path);
    if (!found.ok()) {
      if (found.error().code() == ErrorCode::kPermissionDenied) co_return Found();
      co_return found.error();
    }
    if (found->kind != ResolvedPath::Kind::kDirectory) co_return Found();
    co_return Found(found->target);
  }

  // The one line of a file such as `.git` of a linked work tree, or `commondir`.
  Task<Result<std::optional<std::string>>> line(graph::Context& context, RelPath from,
                                                std::string_view path) const {
    KILN_CO_ASSIGN(auto file, co_await read_text_file(context, fs_, host_, std::move(from), path));
    if (!file) co_return std::optional<std::string>();
    file->text.resize(file->text.find_last_not_of("\r\n") + 1);
    co_return std::optional(std::move(file->text));
  }

  Task<Result<Found>> git_dir_of(graph::Context& context, const RelPath& top) const {
    constexpr std::string_view kLink = "gitdir: ";
    KILN_CO_ASSIGN(const Found own, co_await directory(context, top, ".git"));
    if (own) co_return own;
    KILN_CO_ASSIGN(const auto link, co_await line(context, top, ".git"));
    if (!link || !link->starts_with(kLink)) co_return Found();
    co_return co_await directory(context, top, link->substr(kLink.size()));
  }

  // Nothing if `git_dir` is no repository by git's own test: a HEAD, objects and refs.
  Task<Result<Found>> common_dir_of(graph::Context& context, const RelPath& git_dir) const {
    KILN_CO_ASSIGN(const graph::ValueRef head,
                   co_await context.get(fs_.metadata(host_, git_dir.child("HEAD"))));
    if (!graph::value_as<MetadataState>(head).metadata) co_return Found();
    Found common = git_dir;
    KILN_CO_ASSIGN(const auto elsewhere, co_await line(context, git_dir, "commondir"));
    if (elsewhere) {
      KILN_CO_ASSIGN(common, co_await directory(context, git_dir, *elsewhere));
      if (!common) co_return Found();
    }
    for (const std::string_view part : {"objects", "refs"}) {
      KILN_CO_ASSIGN(const Found there, co_await directory(context, *common, part));
      if (!there) co_return Found();
    }
    co_return common;
  }

  Task<Result<std::shared_ptr<const GitRepository>>> read(graph::Context& context,
                                                          GitPlace place) const {
    auto repository = std::make_shared<GitRepository>();
    repository->place = std::move(place);
    KILN_CO_ASSIGN(const GitSettings settings,
                   co_await read_git_settings(context, fs_, host_, user_, repository->place));
    repository->sha256 = settings.sha256;
    KILN_CO_ASSIGN(repository->user_rules,
                   co_await rules(context, repository->place.top, settings.excludes_file));
    KILN_CO_ASSIGN(repository->info_rules,
                   co_await rules(context, repository->place.common_dir, "info/exclude"));
    co_return std::shared_ptr<const GitRepository>(std::move(repository));
  }

  Task<Result<std::shared_ptr<const os::IgnoreRules>>> rules(graph::Context& context, RelPath from,
                                                             const std::string& path) const {
    std::optional<TextFile> file;
    if (!path.empty()) {
      KILN_CO_ASSIGN(file, co_await read_text_file(context, fs_, host_, std::move(from), path));
    }
    if (!file) co_return os::IgnoreRules::parse("", "");
    co_return os::IgnoreRules::parse(file->text, host_.absolute(file->path));
  }

  const FsFunctions& fs_;
  const Workspace& host_;
  const GitUser user_;
};

struct IndexInput {
  RelPath git_dir;
  bool sha256 = false;
  friend bool operator==(const IndexInput&, const IndexInput&) = default;
};
size_t footprint(const IndexInput& input) { return heap_bytes(input.git_dir); }

struct TrackedPaths {
  std::vector<std::string> paths;  // from the top; sorted
  friend bool operator==(const TrackedPaths&, const TrackedPaths&) = default;
};
size_t footprint(const TrackedPaths& tracked) { return heap_bytes(tracked.paths); }

graph::Key index_key(const graph::Function& function, IndexInput input) {
  const Hash128 hash =
      KeyEncoder(kIndex).add(input.git_dir.str()).add(uint64_t{input.sha256}).hash();
  return {hash, &function, graph::make_value(std::move(input))};
}

class IndexFunction final : public graph::Function {
 public:
  IndexFunction(const FsFunctions& fs, const FsServices& services)
      : fs_(fs),
        host_(services.router.host()),
        home_(services.home),
        blocking_(services.blocking) {}
  std::string_view name() const override { return kIndex; }
  std::string describe(const graph::Value& value) const override {
    return "read the git index in " + host_.describe(graph::value_as<IndexInput>(value).git_dir);
  }

  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& value) const override {
    const auto& [git_dir, sha256] = graph::value_as<IndexInput>(value);
    TrackedPaths tracked;
    KILN_CO_ASSIGN(auto index, co_await read(context, git_dir, "index", sha256));
    if (index && index->base) {
      KILN_CO_ASSIGN(const auto base,
                     co_await read(context, git_dir, "sharedindex." + index->base->name, sha256));
      tracked.paths = os::joined_paths(*index, base.value_or(os::GitIndex()));
    } else if (index) {
      tracked.paths = std::move(index->paths);
    }
    co_return graph::Computed{graph::make_value(std::move(tracked))};
  }

 private:
  // It is not captured as a file is, because each `git add` would leave a copy in the store.
  // Its metadata stand for it: they never equal another state's while it is young.
  Task<Result<std::optional<os::GitIndex>>> read(graph::Context& context, const RelPath& git_dir,
                                                 std::string_view file, bool sha256) const {
    KILN_CO_ASSIGN(const ResolvedPath found,
                   co_await resolve_path(context, fs_, host_, git_dir, file));
    if (found.kind != ResolvedPath::Kind::kFile) co_return std::optional<os::GitIndex>();
    KILN_CO_ASSIGN(const auto root, host_.root_fd());
    const auto parse = [&]() -> Result<std::optional<os::GitIndex>> {
      const auto fd = os::open_beneath(root->get(), found.target, O_RDONLY | O_NONBLOCK);
      if (!fd.ok()) {
        if (fd.error().code() == ErrorCode::kNotFound) return std::optional<os::GitIndex>();
        return fd.error();
      }
      const std::string name = host_.absolute(found.target);
      KILN_ASSIGN(const std::string bytes, read_all(fd->get(), name));
      KILN_ASSIGN(os::GitIndex index, os::parse_git_index(bytes, sha256 ? 32 : 20)
                                          .with_context("while reading " + printable(name)));
      return std::optional(std::move(index));
    };
    if (found.metadata.length < kReadElsewhere) co_return parse();
    co_return co_await run_blocking(blocking_, home_, parse);
  }

  const FsFunctions& fs_;
  const Workspace& host_;
  Executor& home_;
  Executor& blocking_;
};

struct TrackedInput {
  IndexInput index;
  std::string directory;  // from the top, with a slash behind; empty for the top
  friend bool operator==(const TrackedInput&, const TrackedInput&) = default;
};
size_t footprint(const TrackedInput& input) {
  return footprint(input.index) + heap_bytes(input.directory);
}

class TrackedFunction final : public graph::Function {
 public:
  explicit TrackedFunction(const graph::Function& index) : index_(index) {}
  std::string_view name() const override { return kTracked; }
  std::string describe(const graph::Value& value) const override {
    const auto& input = graph::value_as<TrackedInput>(value);
    return "look for tracked files in " +
           (input.directory.empty() ? "the top directory" : printable(input.directory));
  }

  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& value) const override {
    const auto& [index, directory] = graph::value_as<TrackedInput>(value);
    KILN_CO_ASSIGN(const graph::ValueRef all, co_await context.get(index_key(index_, index)));
    const std::vector<std::string>& paths = graph::value_as<TrackedPaths>(all).paths;
    TrackedNames tracked;
    auto it = std::lower_bound(paths.begin(), paths.end(), directory);
    while (it != paths.end() && it->starts_with(directory)) {
      const std::string_view below = std::string_view(*it).substr(directory.size());
      const size_t slash = below.find('/');
      std::string name(below.substr(0, slash));
      // '0' is the byte that follows '/'.
      it = slash == std::string_view::npos
               ? std::next(it)
               : std::lower_bound(it, paths.end(), directory + name + "0");
      tracked.names.push_back(std::move(name));
    }
    std::sort(tracked.names.begin(), tracked.names.end());
    tracked.names.erase(std::unique(tracked.names.begin(), tracked.names.end()),
                        tracked.names.end());
    co_return graph::Computed{graph::make_value(std::move(tracked))};
  }

 private:
  const graph::Function& index_;
};

bool same(const os::IgnoreRules& a, const os::IgnoreRules& b) { return &a == &b || a == b; }

}  // namespace

bool operator==(const GitRepository& a, const GitRepository& b) {
  return a.place.top == b.place.top && a.place.git_dir == b.place.git_dir &&
         a.place.common_dir == b.place.common_dir && a.sha256 == b.sha256 &&
         same(*a.user_rules, *b.user_rules) && same(*a.info_rules, *b.info_rules);
}

bool operator==(const FoundRepository& a, const FoundRepository& b) {
  if (a.repository == nullptr || b.repository == nullptr) return a.repository == b.repository;
  return *a.repository == *b.repository;
}

bool TrackedNames::contains(std::string_view name) const {
  return std::binary_search(names.begin(), names.end(), name);
}

GitFunctions::GitFunctions(const FsFunctions& fs, const FsServices& services, GitUser user)
    : fs_(fs),
      host_(services.router.host()),
      repository_(std::make_unique<RepositoryFunction>(fs, host_, std::move(user))),
      index_(std::make_unique<IndexFunction>(fs, services)),
      tracked_(std::make_unique<TrackedFunction>(*index_)) {}

GitFunctions::~GitFunctions() = default;

graph::Key GitFunctions::repository(const RelPath& directory) const {
  return {KeyEncoder(kRepository).add(directory.str()).hash(), repository_.get(),
          graph::make_value(PathInput{&host_, directory})};
}

graph::Key GitFunctions::tracked(const GitRepository& repository, const RelPath& directory) const {
  TrackedInput input{{repository.place.git_dir, repository.sha256}, {}};
  const RelPath below = directory.relative_to(repository.place.top);
  if (!below.is_root()) input.directory = below.str() + "/";
  const Hash128 hash =
      KeyEncoder(kTracked).add(index_key(*index_, input.index).hash).add(input.directory).hash();
  return {hash, tracked_.get(), graph::make_value(std::move(input))};
}

}  // namespace kiln::intrinsics
