// Trees of files as rules see them: what they ask for and what they get.
// Source:  the request types of Pants' rules API (Digest, Snapshot, MergeDigests, …), whose names
//          and meanings these keep.
// Threads: immutable values.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/types/digest.h"
#include "common/types/rel_path.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/intrinsics/path_globs.h"
#include "daemon/rules/options.h"
#include "daemon/rules/values/encoding.h"
#include "daemon/rules/values/value_reader.h"
#include "daemon/rules/values/value_writer.h"
#include "daemon/store/tree.h"

namespace kiln::intrinsics {

// The digest of a tree, and the tree itself if it is at hand: operations on trees then never touch
// the disk. Equal by digest alone.
struct DirectoryDigest {
  static constexpr std::string_view kTypeName = "Digest";

  Digest digest;
  store::TreePtr tree;  // null: in the store

  DirectoryDigest() : tree(store::Tree::empty()) {}
  explicit DirectoryDigest(const Digest& named) : digest(named) {}
  explicit DirectoryDigest(store::TreePtr known)
      : digest(known->digest()), tree(std::move(known)) {}

  friend bool operator==(const DirectoryDigest& a, const DirectoryDigest& b) {
    return a.digest == b.digest;
  }
};
inline size_t footprint(const DirectoryDigest& value) {
  return value.tree == nullptr ? 0 : value.tree->bytes();
}
inline void encode_value(rules::Encoder& out, const DirectoryDigest& value) {
  rules::encode_value(out, value.digest);
}
inline void write_value(rules::ValueWriter& out, const DirectoryDigest& value) {
  rules::write_value(out, value.digest);
}
inline Result<void> read_value(rules::ValueReader& in, DirectoryDigest& value) {
  Digest digest;
  KILN_TRY(rules::read_value(in, digest));
  value = DirectoryDigest(digest);
  return {};
}

// A root param: where relative paths and globs are.
struct BuildRoot {
  static constexpr std::string_view kTypeName = "BuildRoot";

  std::string path;
  WorkspaceRef workspace;

  friend bool operator==(const BuildRoot& a, const BuildRoot& b) { return a.path == b.path; }
};
inline void encode_value(rules::Encoder& out, const BuildRoot& value) { out.text(value.path); }
inline void write_value(rules::ValueWriter& out, const BuildRoot& value) { out.text(value.path); }

// What globs leave out besides what git ignores.
struct IgnoreOptions {
  static constexpr std::string_view kTypeName = "IgnoreOptions";
  static constexpr std::string_view kScope = "GLOBAL";
  static constexpr std::string_view kSummary = "What holds for all commands.";
  static constexpr auto kHelp = std::to_array<rules::OptionHelp>(
      {{"ignore",
        "gitignore patterns of files that wildcards leave out, whether git does or not"}});

  std::vector<std::string> ignore = {".*/", "/dist/", "__pycache__/"};

  // One a line.
  std::string patterns() const {
    std::string lines;
    for (const std::string& pattern : ignore) lines += pattern + "\n";
    return lines;
  }
  static void fields(auto& self, auto&& field) { field("ignore", self.ignore); }
  friend bool operator==(const IgnoreOptions&, const IgnoreOptions&) = default;
};

// What globs select, without the names: for callers that want no more, and for the rules that make
// a Snapshot or a Digest of it.
struct CapturedTree {
  static constexpr std::string_view kTypeName = "CapturedTree";

  DirectoryDigest digest;
  std::vector<std::string> warnings;  // of globs that matched nothing, of files left out

  static void fields(auto& self, auto&& field) {
    field("digest", self.digest);
    field("warnings", self.warnings);
  }
  friend bool operator==(const CapturedTree&, const CapturedTree&) = default;
};

// A tree with the names in it: sorted; `dirs` with all parents and without the root.
struct Snapshot {
  static constexpr std::string_view kTypeName = "Snapshot";

  DirectoryDigest digest;
  std::vector<std::string> files;  // and symlinks
  std::vector<std::string> dirs;
  std::vector<std::string> warnings;  // of globs that matched nothing, of files left out

  static void fields(auto& self, auto&& field) {
    field("digest", self.digest);
    field("files", self.files);
    field("dirs", self.dirs);
    field("warnings", self.warnings);
  }
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

// The names that globs match; no file is read. `dirs` only those that a glob matches. Both in the
// order of a walk: by components, parents first.
struct Paths {
  static constexpr std::string_view kTypeName = "Paths";

  std::vector<std::string> files;
  std::vector<std::string> dirs;
  std::vector<std::string> warnings;

  static void fields(auto& self, auto&& field) {
    field("files", self.files);
    field("dirs", self.dirs);
    field("warnings", self.warnings);
  }
  friend bool operator==(const Paths&, const Paths&) = default;
};
// Whether a walk comes to `a` before `b`.
bool walks_before(std::string_view a, std::string_view b);

// One tree with all the entries of several; a conflict is an error that lists both sides.
struct MergeDigests {
  static constexpr std::string_view kTypeName = "MergeDigests";

  std::vector<DirectoryDigest> digests;

  static void fields(auto& self, auto&& field) { field("digests", self.digests); }
  friend bool operator==(const MergeDigests&, const MergeDigests&) = default;
};

struct DigestSubset {
  static constexpr std::string_view kTypeName = "DigestSubset";

  DirectoryDigest digest;
  PathGlobs globs;

  static void fields(auto& self, auto&& field) {
    field("digest", self.digest);
    field("globs", self.globs);
  }
  friend bool operator==(const DigestSubset&, const DigestSubset&) = default;
};

struct AddPrefix {
  static constexpr std::string_view kTypeName = "AddPrefix";

  DirectoryDigest digest;
  RelPath prefix;

  static void fields(auto& self, auto&& field) {
    field("digest", self.digest);
    field("prefix", self.prefix);
  }
  friend bool operator==(const AddPrefix&, const AddPrefix&) = default;
};

// Errors name what stands outside the prefix.
struct RemovePrefix {
  static constexpr std::string_view kTypeName = "RemovePrefix";

  DirectoryDigest digest;
  RelPath prefix;

  static void fields(auto& self, auto&& field) {
    field("digest", self.digest);
    field("prefix", self.prefix);
  }
  friend bool operator==(const RemovePrefix&, const RemovePrefix&) = default;
};

}  // namespace kiln::intrinsics
