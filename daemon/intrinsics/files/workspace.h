// Workspace: one root directory below which paths are nodes, and the registry of those a daemon
// knows: what requests refer to, and the host.
//
// Owns:    an open descriptor of the root, replaced when the root itself was replaced.
// Threads: thread-safe. A Workspace lives as long as its registry, so nodes may point to it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/sync.h"
#include "common/base/unique_fd.h"
#include "common/types/rel_path.h"

namespace kiln::intrinsics {

class Workspace {
 public:
  explicit Workspace(std::string root) : root_(std::move(root)) {}

  const std::string& root() const { return root_; }  // absolute, no trailing slash but "/" itself
  // No path leaves it.
  bool is_whole() const { return root_ == "/"; }
  std::string absolute(const RelPath& path) const;
  // "src/a.cc in /home/me/project", or the root alone.
  std::string describe(const RelPath& path) const;

  // The root, opened at the first use and after each reopen(). kNotFound when it is gone.
  Result<std::shared_ptr<const UniqueFd>> root_fd() const;
  Result<void> reopen() const;
  // Whether the path still leads to the directory that is open. The kernel tells a watch of the
  // root's deletion only when nobody has it open any more, and of a rename above it never.
  bool in_place() const;

 private:
  struct Opened {
    UniqueFd fd;
    dev_t device;
    ino_t inode;  // nobody else's while it is open
  };
  const std::string root_;
  mutable Synchronized<std::shared_ptr<const Opened>> opened_;
};

class Workspaces {
 public:
  // The whole machine, as a tree whose paths are nodes too: where tools are. Never captured.
  const Workspace& host() const { return host_; }
  // The workspace with this root, made at first sight. Refuses what is not an absolute path.
  Result<const Workspace*> open(std::string_view root);
  // Those that contain `absolute_directory`, with its path in them; the host is one.
  std::vector<std::pair<const Workspace*, RelPath>> containing(
      std::string_view absolute_directory) const;
  // Those that were opened.
  std::vector<const Workspace*> all() const;

 private:
  const Workspace host_{"/"};
  Synchronized<std::map<std::string, std::unique_ptr<Workspace>, std::less<>>> by_root_;
};

}  // namespace kiln::intrinsics
