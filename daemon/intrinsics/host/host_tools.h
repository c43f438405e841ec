// HostTools: the content of what tools of the host are made of, read once for each state of a file.
//
// What:    a file's digest and what it says of other files: the text of a script, the dynamic
//          section of a program, the loader's index of libraries. Also what is installed in a
//          directory of Python packages. As ToolCheck it compares what is there now with what a key
//          says. A stat that identifies a file only on its file system (stat_identity.h) is
//          remembered until anything is mounted.
// Threads: thread-safe. digest(), read(), installed() and look() block.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/sync.h"
#include "common/types/digest.h"
#include "daemon/exec/tool_check.h"
#include "daemon/intrinsics/files/fs_counters.h"
#include "daemon/os/elf_file.h"
#include "daemon/os/library_cache.h"
#include "daemon/os/mounts.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

struct HostFile {
  FileDigest digest;
  std::string text;  // how it begins, if it is a script or a small file of settings
  std::optional<os::ElfFile> elf;
  std::optional<os::LibraryCache> libraries;
};
using HostFilePtr = std::shared_ptr<const HostFile>;  // never null in a Result

class HostTools final : public exec::ToolCheck {
 public:
  explicit HostTools(FsCounters& counters);

  // Without looking at the file, if this state of it was read before; else null.
  HostFilePtr known(const std::string& absolute_path, const store::FileStat& stat);
  Result<HostFilePtr> read(const std::string& absolute_path);
  Result<FileDigest> digest(const std::string& absolute_path);

  // The digest of the list of Python packages in a directory: their names and versions, what their
  // metadata and records say, and the files that lead to packages elsewhere.
  Result<FileDigest> installed(const std::string& absolute_directory);
  // Whether an entry of such a directory is part of that list.
  static bool is_package_entry(std::string_view name);
  // The files of a package's entry that are part of it.
  static std::vector<std::string> package_files(std::string_view entry);

  Result<exec::ToolStates> look(const exec::HostTool& tool) override;

 private:
  struct Known {
    store::FileStat stat;
    HostFilePtr file;
    bool while_mounted;
  };
  struct Files {
    std::optional<os::Mounts> mounts;  // nothing where there is no /proc
    std::map<std::string, Known> known;
    void forget_coarse();
  };
  Result<store::FileStat> look(const exec::ToolComponent& component);

  FsCounters& counters_;
  Synchronized<Files> files_;
};

}  // namespace kiln::intrinsics
