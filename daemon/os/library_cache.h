// LibraryCache: /etc/ld.so.cache, the dynamic loader's index from a library's name to its files.
//
// Source:  glibc's sysdeps/generic/dl-cache.h (struct cache_file_new). The older format may stand
//          in front of it; alone it is not read.
// Threads: immutable value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::os {

class LibraryCache {
 public:
  // Nothing if it is no such cache, or a damaged one.
  static std::optional<LibraryCache> parse(std::string_view bytes);

  // All files of this name, of every architecture and every level of hardware, the preferred first.
  std::vector<std::string> find(std::string_view soname) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> files_;
};

}  // namespace kiln::os
