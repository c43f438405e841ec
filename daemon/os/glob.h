// Globs over paths, one component at a time, so that a walk enters only directories in which
// something can still match.
//
// Syntax: relative to the root; * and ? within a component, [abc], [!abc], ** for any number of
//         components (a trailing ** is everything inside), a leading ! excludes by a gitignore
//         pattern ("a**b" is "a*b" in it). Dotfiles match *. No braces. Case-sensitive. "./" and
//         repeated slashes are dropped; a backslash escapes the next character. Order never
//         matters. ".." is refused: where it leads behind a symlink is for the disk to say.
// Threads: immutable.
#pragma once

#include <compare>
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
  std::vector<uint32_t> positions;  // of the including globs; sorted, canonical
  std::vector<uint32_t> excludes;   // of the excludes, the same
  bool dead() const { return positions.empty(); }
  friend auto operator<=>(const GlobState&, const GlobState&) = default;
};

// The glob that matches exactly this path, whatever characters it has.
std::string literal_glob(std::string_view path);
// Whether a component of `path` is "..". Where that leads, behind a symlink, only the disk knows.
bool has_parent(std::string_view path);

class GlobSet {
 public:
  // Refuses, naming the glob: absolute, with "..", empty, not UTF-8, an unclosed '['.
  // No including glob at all is allowed and matches nothing.
  static Result<std::shared_ptr<const GlobSet>> compile(std::span<const std::string> globs);
  ~GlobSet();

  GlobState root() const;

  struct Step {
    // The globs (indices of includes()) that match the entry itself, sorted.
    std::vector<uint32_t> matched;
    // What is left to match below it, if it is a directory.
    GlobState below;
    // Whether an exclude hides the entry if it is a directory, and if it is anything else.
    bool excluded_directory = false;
    bool excluded_other = false;

    bool excluded(bool directory) const { return directory ? excluded_directory : excluded_other; }
    bool selects_nothing() const { return matched.empty() && below.dead(); }
  };
  // The entry `name` of a directory that was reached in `state`. What is excluded is for the
  // caller to leave out, with everything below it.
  Step step(const GlobState& state, std::string_view name) const;
  // What is left of `step` by globs without wildcards: those that name a path.
  Step named(Step step) const;
  // The globs that match the entry itself, or may match something below it; sorted.
  std::vector<uint32_t> selecting(const Step& step) const;
  // The step to the last component of `path`, from the root.
  Step step_to(const RelPath& path) const;
  // If in `state` only certain literal names can match or be entered: those names, sorted.
  std::optional<std::vector<std::string>> literal_names(const GlobState& state) const;

  const std::vector<std::string>& includes() const;  // as given, sorted, unique
  const std::vector<std::string>& excludes() const;  // without the '!', sorted, unique

 private:
  GlobSet();
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace kiln::os
