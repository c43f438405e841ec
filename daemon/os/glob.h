// Globs over paths, one component at a time, so that a walk enters only directories in which
// something can still match.
//
// Syntax: relative to the root; * and ? within a component, [abc], [!abc], ** for any number of
//         components (a trailing ** is everything inside), a leading ! excludes by a gitignore
//         pattern. Dotfiles match *. No braces. Case-sensitive. "./" and repeated slashes are
//         dropped; a backslash escapes the next character. Order never matters.
// Threads: immutable.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/types/rel_path.h"

namespace kiln::os {

// What is left to match below some directory. Equal states match equally; an empty one matches
// nothing.
struct GlobState {
  std::vector<uint32_t> positions;  // sorted, canonical
  bool dead() const { return positions.empty(); }
  friend bool operator==(const GlobState&, const GlobState&) = default;
};

class GlobSet {
 public:
  // Refuses, naming the glob: absolute, leaving the root, empty, not UTF-8, an unclosed '['.
  // No including glob at all is allowed and matches nothing.
  static Result<std::shared_ptr<const GlobSet>> compile(std::span<const std::string> globs);
  ~GlobSet();

  GlobState root() const;

  struct Step {
    // The globs (indices of includes()) that match the entry itself, sorted.
    std::vector<uint32_t> matched;
    // What is left to match below it, if it is a directory.
    GlobState below;
  };
  // The entry `name` of a directory that was reached in `state`. Excludes are not considered.
  Step step(const GlobState& state, std::string_view name) const;
  // If in `state` only certain literal names can match or be entered: those names, sorted.
  std::optional<std::vector<std::string>> literal_names(const GlobState& state) const;

  // Whether an exclude hides `path`; parents are asked before children and not entered if hidden.
  bool excluded(const RelPath& path, bool is_directory) const;

  const std::vector<std::string>& includes() const;  // as given, sorted, unique
  const std::vector<std::string>& excludes() const;  // without the '!', sorted, unique

 private:
  GlobSet();
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace kiln::os
