// gitignore rules, as git reads them.
//
// Source: gitignore(5), https://git-scm.com/docs/gitignore; the oracle of the property test is
//         `git check-ignore`.
// Threads: immutable.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/types/rel_path.h"

namespace kiln::os {

// The patterns of one file (or option), in order; the last that matches decides.
class IgnoreRules {
 public:
  // Never fails: git ignores what it cannot use as a pattern. `source` names the file in messages.
  static std::shared_ptr<const IgnoreRules> parse(std::string_view text, std::string source);
  ~IgnoreRules();

  struct Match {
    bool ignored = false;  // false: a '!' pattern
    int line = 0;          // 1-based
    std::string_view pattern;
    std::string_view source;
  };
  // The deciding pattern for `path`, relative to the directory that holds the rules, not its root.
  std::optional<Match> match(std::string_view path, bool is_directory) const;
  bool empty() const;
  friend bool operator==(const IgnoreRules& a, const IgnoreRules& b);

 private:
  IgnoreRules();
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

// A line of a gitignore file without its trailing spaces, unless they are escaped.
std::string_view without_trailing_spaces(std::string_view line);

// Rules of nested directories, deeper ones first; shares its tail with the parent's stack.
class IgnoreStack {
 public:
  IgnoreStack() = default;
  // A stack with `rules`, which stand in directory `base`, on top of this one.
  IgnoreStack push(RelPath base, std::shared_ptr<const IgnoreRules> rules) const;
  // The same for rules of a directory above the workspace root. `root` is the root, as seen from
  // that directory.
  IgnoreStack push_above(RelPath root, std::shared_ptr<const IgnoreRules> rules) const;
  // The deciding match for `path` (relative to the workspace root), whose parents are not ignored.
  std::optional<IgnoreRules::Match> match(const RelPath& path, bool is_directory) const;
  friend bool operator==(const IgnoreStack& a, const IgnoreStack& b);  // same rules, same bases

 private:
  struct Frame;
  IgnoreStack with(Frame frame) const;
  std::shared_ptr<const Frame> top_;
};

}  // namespace kiln::os
