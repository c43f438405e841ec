#include "daemon/intrinsics/host/library_search.h"

#include <array>
#include <deque>
#include <set>

namespace kiln::intrinsics {

namespace {

using Kind = ToolParts::Kind;
using Paths = std::vector<std::string>;

constexpr const char* kLibraryCache = "/etc/ld.so.cache";
constexpr const char* kPreloadFile = "/etc/ld.so.preload";
// Of Debian's multiarch, of the distributions with lib64, and of musl.
constexpr std::array<const char*, 9> kDefaultDirectories = {
#if defined(__aarch64__)
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
#else
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
#endif
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
    "/usr/local/lib",
    "/lib32",
    "/usr/lib32"};
constexpr size_t kMostLibraries = 4096;

std::string with_origin(std::string text, const std::string& origin) {
  for (const std::string_view token : {"${ORIGIN}", "$ORIGIN"}) {
    for (size_t at = text.find(token); at != std::string::npos; at = text.find(token, at)) {
      text.replace(at, token.size(), origin);
      at += origin.size();
    }
  }
  return text;
}

// Absolute ones: the others are seen from the working directory, among the inputs.
Paths directories(std::string_view list, const std::string& origin) {
  Paths result;
  for (std::string& directory : split(list, ":;")) {
    if (origin.empty() && directory.find("ORIGIN") != std::string::npos) continue;
    std::string expanded = with_origin(std::move(directory), origin);
    if (expanded.starts_with('/')) result.push_back(std::move(expanded));
  }
  return result;
}

class LibrarySearch {
 public:
  LibrarySearch(HostLookup& host, const ToolEnvironment& environment, ToolParts& parts)
      : host_(host), environment_(environment), parts_(parts) {}

  Task<Result<void>> close(const os::ElfFile& program, std::string directory) {
    program_ = &program;
    from_environment_ = directories(variable(environment_, "LD_LIBRARY_PATH"), directory);
    KILN_CO_ASSIGN(libraries_, co_await library_cache());
    KILN_CO_TRY(co_await add_preloaded());
    due_.push_back({program, std::move(directory), {}});
    while (!due_.empty() && loaded_.size() < kMostLibraries) {
      const Object object = std::move(due_.front());
      due_.pop_front();
      for (const std::string& name : object.elf.needed) KILN_CO_TRY(co_await add(name, object));
    }
    co_return Result<void>();
  }

 private:
  // A program or library whose dependencies are due.
  struct Object {
    os::ElfFile elf;
    std::string directory;
    Paths inherited;  // DT_RPATH of those that led to it
  };

  Task<Result<HostFilePtr>> library_cache() {
    KILN_CO_ASSIGN(const HostLookup::Found found, co_await host_.look(kLibraryCache));
    if (!found.is_readable_file()) co_return HostFilePtr();
    co_return co_await host_.read(found);
  }

  Task<Result<void>> add_preloaded() {
    const Object nobody{*program_, "", {}};
    for (const std::string& name : split(variable(environment_, "LD_PRELOAD"), ": ")) {
      KILN_CO_TRY(co_await add(name, nobody));
    }
    KILN_CO_TRY(co_await add_file(host_, Kind::kConfiguration, kPreloadFile, parts_));
    co_return Result<void>();
  }

  Paths rpath_of(const Object& object) const {
    Paths paths;
    if (object.elf.runpath.empty()) paths = directories(object.elf.rpath, object.directory);
    paths.insert(paths.end(), object.inherited.begin(), object.inherited.end());
    return paths;
  }

  Task<Result<void>> add(const std::string& name, const Object& wanted_by) {
    if (!loaded_.insert(name).second) co_return Result<void>();
    if (name.find('/') != std::string::npos) {
      const std::string path = with_origin(name, wanted_by.directory);
      if (path.starts_with('/')) KILN_CO_TRY(co_await take(path, wanted_by));
      co_return Result<void>();
    }
    Paths before = rpath_of(wanted_by);
    before.insert(before.end(), from_environment_.begin(), from_environment_.end());
    const Paths runpath = directories(wanted_by.elf.runpath, wanted_by.directory);
    before.insert(before.end(), runpath.begin(), runpath.end());
    for (const std::string& directory : before) {
      KILN_CO_ASSIGN(const bool found, co_await take_from(directory, name, wanted_by));
      if (found) co_return Result<void>();
    }
    bool found = false;
    if (libraries_ != nullptr && libraries_->libraries) {
      for (const std::string& file : libraries_->libraries->find(name)) {
        KILN_CO_ASSIGN(const bool fits, co_await take(file, wanted_by));
        found |= fits;
      }
    }
    if (found || wanted_by.elf.no_default_directories) co_return Result<void>();
    for (const char* directory : kDefaultDirectories) {
      KILN_CO_ASSIGN(found, co_await take_from(directory, name, wanted_by));
      if (found) break;
    }
    co_return Result<void>();
  }

  // The file of this name in a directory, and those for better processors.
  Task<Result<bool>> take_from(const std::string& directory, const std::string& name,
                               const Object& wanted_by) {
    bool found = false;
    const std::string levels = directory + "/glibc-hwcaps";
    KILN_CO_ASSIGN(const Paths names, co_await host_.list(levels));
    for (const std::string& level : names) {
      KILN_CO_ASSIGN(const bool fits, co_await take(levels + "/" + level + "/" + name, wanted_by));
      found |= fits;
    }
    KILN_CO_ASSIGN(const bool fits, co_await take(directory + "/" + name, wanted_by));
    co_return found || fits;
  }

  // False if there is no such library, or one for other programs.
  Task<Result<bool>> take(const std::string& path, const Object& wanted_by) {
    KILN_CO_ASSIGN(const HostLookup::Found found, co_await host_.look(path));
    if (!found.is_readable_file()) co_return false;
    KILN_CO_ASSIGN(const HostFilePtr file, co_await host_.read(found));
    if (!file->elf || !file->elf->fits(*program_)) co_return false;
    if (parts_.add(Kind::kLibrary, path, file->digest, found.path)) {
      due_.push_back({*file->elf, directory_name(path), rpath_of(wanted_by)});
    }
    co_return true;
  }

  HostLookup& host_;
  const ToolEnvironment& environment_;
  ToolParts& parts_;
  const os::ElfFile* program_ = nullptr;
  Paths from_environment_;
  HostFilePtr libraries_;
  std::set<std::string> loaded_;  // names
  std::deque<Object> due_;
};

}  // namespace

Task<Result<void>> add_libraries(HostLookup& host, const ToolEnvironment& environment,
                                 const os::ElfFile& program, std::string directory,
                                 ToolParts& parts) {
  if (program.interpreter.starts_with('/')) {
    KILN_CO_TRY(co_await add_file(host, Kind::kLoader, program.interpreter, parts));
  }
  if (program.interpreter.empty() && program.needed.empty()) co_return Result<void>();  // static
  LibrarySearch search(host, environment, parts);
  co_return co_await search.close(program, std::move(directory));
}

}  // namespace kiln::intrinsics
