// Git repositories as values of the graph: where one begins, what it ignores wherever that is
// written, and which files it tracks.
//
//   repository(directory) ─ .git, commondir, configuration, core.excludesFile, info/exclude
//   index(repository)     ─ metadata of the index, and of its shared index
//   tracked(directory)    ─ index(repository)
//
// All paths are of the host, because git's files stand where they like. The index is asked for
// only where a rule would hide something, and an edit of it that concerns no such directory ends
// at tracked(directory).
// Source:  gitrepository-layout(5), gitignore(5).
// Threads: functions are immutable and thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/graph/function.h"
#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/intrinsics/files/git_settings.h"
#include "daemon/os/ignore.h"

namespace kiln::intrinsics {

struct GitRepository {
  GitPlace place;
  bool sha256 = false;
  std::shared_ptr<const os::IgnoreRules> user_rules;  // core.excludesFile
  std::shared_ptr<const os::IgnoreRules> info_rules;  // info/exclude
  friend bool operator==(const GitRepository& a, const GitRepository& b);
};

// Nothing if the directory is no top of a work tree.
struct FoundRepository {
  std::shared_ptr<const GitRepository> repository;
  friend bool operator==(const FoundRepository& a, const FoundRepository& b);
};

// The names in a directory that the index has: files, and directories with tracked files below.
struct TrackedNames {
  std::vector<std::string> names;  // sorted
  bool contains(std::string_view name) const;
  friend bool operator==(const TrackedNames&, const TrackedNames&) = default;
};

class GitFunctions {
 public:
  // Everything that is referred to outlives it. Long indexes are read on `services.blocking`.
  GitFunctions(const FsFunctions& fs, const FsServices& services, GitUser user);
  ~GitFunctions();

  // A FoundRepository.
  graph::Key repository(const RelPath& directory) const;
  // A TrackedNames of `directory`, which is the top of the repository or below it.
  graph::Key tracked(const GitRepository& repository, const RelPath& directory) const;

  const Workspace& host() const { return host_; }
  const FsFunctions& files() const { return fs_; }

 private:
  const FsFunctions& fs_;
  const Workspace& host_;
  std::unique_ptr<graph::Function> repository_;
  std::unique_ptr<graph::Function> index_;
  std::unique_ptr<graph::Function> tracked_;
};

}  // namespace kiln::intrinsics
