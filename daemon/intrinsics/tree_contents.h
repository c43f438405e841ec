// What trees of files are made of, as rules see it: files, links, bytes.
// Source:  the request types of Pants' rules API (CreateDigest, DigestContents, …), whose names and
//          meanings these keep.
// Threads: immutable values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/types/digest.h"
#include "common/types/rel_path.h"
#include "daemon/rules/values/encoding.h"
#include "daemon/rules/values/value_reader.h"
#include "daemon/rules/values/value_writer.h"

namespace kiln::intrinsics {

// A file with these bytes.
struct FileContent {
  static constexpr std::string_view kTypeName = "FileContent";

  RelPath path;
  std::string content;
  bool is_executable = false;

  static void fields(auto& self, auto&& field) {
    field("path", self.path);
    field("content", self.content);
    field("is_executable", self.is_executable);
  }
  friend bool operator==(const FileContent&, const FileContent&) = default;
};

// A file that the store holds.
struct FileEntry {
  static constexpr std::string_view kTypeName = "FileEntry";

  RelPath path;
  FileDigest file_digest;
  bool is_executable = false;

  static void fields(auto& self, auto&& field) {
    field("path", self.path);
    field("file_digest", self.file_digest);
    field("is_executable", self.is_executable);
  }
  friend bool operator==(const FileEntry&, const FileEntry&) = default;
};

struct SymlinkEntry {
  static constexpr std::string_view kTypeName = "SymlinkEntry";

  RelPath path;
  std::string target;

  static void fields(auto& self, auto&& field) {
    field("path", self.path);
    field("target", self.target);
  }
  friend bool operator==(const SymlinkEntry&, const SymlinkEntry&) = default;
};

// What a tree is made of; its parents are made. CreateDigest of DigestEntries is the same tree.
struct CreateDigest {
  static constexpr std::string_view kTypeName = "CreateDigest";

  std::vector<FileContent> contents;
  std::vector<FileEntry> files;
  std::vector<SymlinkEntry> symlinks;
  std::vector<RelPath> directories;

  static void fields(auto& self, auto&& field) {
    field("contents", self.contents);
    field("files", self.files);
    field("symlinks", self.symlinks);
    field("directories", self.directories);
  }
  friend bool operator==(const CreateDigest&, const CreateDigest&) = default;
};

// The leaves of a tree, sorted: files with their digests, symlinks, empty directories.
struct DigestEntries {
  static constexpr std::string_view kTypeName = "DigestEntries";

  std::vector<FileEntry> files;
  std::vector<SymlinkEntry> symlinks;
  std::vector<RelPath> directories;

  static void fields(auto& self, auto&& field) {
    field("files", self.files);
    field("symlinks", self.symlinks);
    field("directories", self.directories);
  }
  friend bool operator==(const DigestEntries&, const DigestEntries&) = default;
};

// The first bytes of a file that the store holds, `size` of them or all.
struct FileHeadRequest {
  static constexpr std::string_view kTypeName = "FileHeadRequest";

  FileDigest file_digest;
  int64_t size = 0;

  static void fields(auto& self, auto&& field) {
    field("file_digest", self.file_digest);
    field("size", self.size);
  }
  friend bool operator==(const FileHeadRequest&, const FileHeadRequest&) = default;
};
struct FileHead {
  static constexpr std::string_view kTypeName = "FileHead";

  std::string bytes;

  static void fields(auto& self, auto&& field) { field("bytes", self.bytes); }
  friend bool operator==(const FileHead&, const FileHead&) = default;
};

// All files of a tree with their bytes.
struct DigestContents {
  static constexpr std::string_view kTypeName = "DigestContents";

  std::vector<FileContent> files;

  static void fields(auto& self, auto&& field) { field("files", self.files); }
  friend bool operator==(const DigestContents&, const DigestContents&) = default;
};

}  // namespace kiln::intrinsics
