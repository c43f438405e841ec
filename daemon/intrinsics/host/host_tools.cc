#include "daemon/intrinsics/host/host_tools.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "common/base/file.h"
#include "common/types/hash.h"
#include "daemon/intrinsics/files/stat_identity.h"
#include "daemon/os/directory.h"

namespace kiln::intrinsics {

namespace {

constexpr size_t kMostText = size_t{64} << 10;
constexpr std::string_view kElfMagic = "\177ELF";
constexpr std::string_view kLibraryCache = "ld.so.cache";

bool has_settings(std::string_view path) {
  constexpr std::array<std::string_view, 3> kEndings = {".cfg", ".pth", ".egg-link"};
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return path.ends_with(ending); });
}

// Of a regular file, symlinks followed; nothing if there is none. One system call: this is asked of
// every component around every process.
std::optional<store::FileStat> state_of(const std::string& path) {
  struct stat st;
  if (::stat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return std::nullopt;
  const auto nanoseconds = [](const timespec& time) {
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  return store::FileStat{st.st_dev, st.st_ino, st.st_size, nanoseconds(st.st_mtim),
                         nanoseconds(st.st_ctim)};
}

// O_NONBLOCK: a fifo of that name must not hang us.
Result<UniqueFd> open_to_read(const std::string& path) {
  return open_file(path, O_RDONLY | O_NONBLOCK);
}

Result<HostFile> read_from(int fd, const std::string& path) {
  HostFile file;
  Sha256Hasher hasher;
  std::string head;
  std::string whole;
  const bool is_library_cache = path.ends_with(kLibraryCache);
  std::vector<char> buffer(size_t{256} << 10);
  for (;;) {
    KILN_ASSIGN(const size_t n, read_some(fd, buffer, path));
    if (n == 0) break;
    const std::string_view bytes(buffer.data(), n);
    hasher.update(bytes);
    if (head.size() < kMostText) head += bytes.substr(0, kMostText - head.size());
    if (is_library_cache) whole += bytes;
  }
  file.digest = hasher.finish();
  if (head.starts_with(kElfMagic)) file.elf = os::read_elf(fd);
  if (is_library_cache) file.libraries = os::LibraryCache::parse(whole);
  if (head.starts_with("#!") || has_settings(path)) file.text = std::move(head);
  return file;
}

}  // namespace

HostTools::HostTools(FsCounters& counters) : counters_(counters) {
  auto mounts = os::Mounts::open();
  files_.with([&](Files& files) {
    if (mounts.ok()) files.mounts.emplace(*std::move(mounts));
  });
}

void HostTools::Files::forget_coarse() {
  std::erase_if(known, [](const auto& entry) { return entry.second.while_mounted; });
}

HostFilePtr HostTools::known(const std::string& path, const store::FileStat& stat) {
  return files_.with([&](Files& files) -> HostFilePtr {
    if (files.mounts && files.mounts->changed()) {
      files.forget_coarse();
    }
    const auto it = files.known.find(path);
    return it == files.known.end() || !(it->second.stat == stat) ? nullptr : it->second.file;
  });
}

Result<HostFilePtr> HostTools::read(const std::string& path) {
  KILN_ASSIGN(const UniqueFd fd, open_to_read(path));
  const auto moment = std::chrono::system_clock::now();
  KILN_ASSIGN(const os::Stat before, os::stat_fd(fd.get()));
  if (HostFilePtr file = known(path, identity(before))) return file;
  KILN_ASSIGN(HostFile read, read_from(fd.get(), path));
  auto file = std::make_shared<const HostFile>(std::move(read));
  counters_.tools_hashed.add();
  KILN_ASSIGN(const os::Stat after, os::stat_fd(fd.get()));
  if (identity(before) != identity(after)) return HostFilePtr(std::move(file));
  files_.with([&](Files& files) {
    const bool always = settled(after, moment);
    if (!always && (!files.mounts || !settled_while_mounted(after, moment))) return;
    // Mounted meanwhile: it may be another file than the one that was asked about.
    if (!always && files.mounts->changed()) {
      files.forget_coarse();
      return;
    }
    files.known.insert_or_assign(path, Known{identity(after), file, !always});
  });
  return HostFilePtr(std::move(file));
}

Result<FileDigest> HostTools::digest(const std::string& path) {
  KILN_ASSIGN(const HostFilePtr file, read(path));
  return file->digest;
}

bool HostTools::is_package_entry(std::string_view name) {
  constexpr std::array<std::string_view, 5> kEndings = {".dist-info", ".egg-info", ".egg",
                                                        ".egg-link", ".pth"};
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

std::vector<std::string> HostTools::package_files(std::string_view entry) {
  const std::string name(entry);
  if (entry.ends_with(".dist-info")) return {name + "/METADATA", name + "/RECORD"};
  if (entry.ends_with(".egg-info")) return {name, name + "/PKG-INFO"};
  return {name};
}

Result<FileDigest> HostTools::installed(const std::string& directory) {
  KILN_ASSIGN(const UniqueFd fd, open_file(directory, O_RDONLY | O_DIRECTORY));
  KILN_ASSIGN(const auto entries, os::list_directory(fd.get()));
  std::string list;
  for (const os::DirEntry& entry : entries) {
    if (!is_package_entry(entry.name)) continue;
    list += std::to_string(entry.name.size()) + ":" + entry.name + "\n";
    for (const std::string& name : package_files(entry.name)) {
      // What is not there, or is a directory, is not part of the package.
      const std::string path = directory + "/" + name;
      const std::optional<store::FileStat> state = state_of(path);
      if (!state) continue;
      const HostFilePtr file = known(path, *state);
      const auto content = file != nullptr ? Result<FileDigest>(file->digest) : digest(path);
      if (content.ok()) list += " " + to_string(*content) + "\n";
    }
  }
  return file_digest_of(list);
}

Result<store::FileStat> HostTools::look(const exec::ToolComponent& component) {
  using Kind = exec::ToolComponent::Kind;
  if (component.kind == Kind::kUnknown) return store::FileStat();
  if (component.kind == Kind::kInstalled) {
    const auto now = installed(component.path);
    if (!now.ok() || *now != component.digest) return exec::tool_changed(component.path);
    return store::FileStat();  // its times change when packages are compiled
  }
  const std::optional<store::FileStat> state = state_of(component.path);
  if (!state) return exec::tool_changed(component.path);
  const HostFilePtr file = known(component.file, *state);
  const auto now = file != nullptr ? Result<FileDigest>(file->digest) : digest(component.path);
  if (!now.ok() || *now != component.digest) return exec::tool_changed(component.path);
  return *state;
}

Result<exec::ToolStates> HostTools::look(const exec::HostTool& tool) {
  exec::ToolStates states;
  states.reserve(tool.components.size());
  for (const exec::ToolComponent& component : tool.components) {
    KILN_ASSIGN(states.emplace_back(), look(component));
  }
  return states;
}

}  // namespace kiln::intrinsics
