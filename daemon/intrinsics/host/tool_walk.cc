#include "daemon/intrinsics/host/tool_walk.h"

#include <array>

#include "daemon/intrinsics/host/launchers.h"
#include "daemon/intrinsics/host/library_search.h"
#include "daemon/intrinsics/host/python_installs.h"
#include "daemon/intrinsics/host/shebang.h"

namespace kiln::intrinsics {

namespace {

// Interpreters of interpreters, launchers of launchers: the kernel follows four, and no real chain
// is as long as this.
constexpr int kMostDepth = 8;
// Programs among the inputs beyond this are taken to need nothing of the host that is not in PATH.
constexpr int64_t kMostInput = int64_t{64} << 20;
// What execvp(3) searches if there is no PATH.
constexpr std::string_view kPathWithoutPath = "/bin:/usr/bin";

constexpr std::array<const char*, 5> kPackageDatabases = {
    "/var/lib/dpkg/status", "/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/lib/apk/db/installed"};

// Counts how deep a walk is.
class Level {
 public:
  explicit Level(int& depth) : depth_(depth) { ++depth_; }
  ~Level() { --depth_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

 private:
  int& depth_;
};

}  // namespace

Task<Result<void>> ToolWalk::add_program(Kind kind, std::string path, HostLookup::Found found) {
  const Level level(depth_);
  KILN_CO_ASSIGN(const HostFilePtr file, co_await host_.read(found));
  if (!parts_.add(kind, path, file->digest, found.path) || depth_ > kMostDepth) {
    co_return Result<void>();
  }
  if (file->elf) {
    KILN_CO_TRY(co_await add_libraries(host_, environment_, *file->elf, directory_name(found.path),
                                       parts_));
  }
  KILN_CO_TRY(co_await add_interpreters(file->text));
  if (is_python(path) || is_python(found.path)) {
    KILN_CO_TRY(co_await add_python(host_, environment_, path, found.path, parts_));
  }
  KILN_CO_ASSIGN(const Launch launch,
                 co_await find_launch(host_, environment_, path, found, *file));
  for (const std::string& program : launch.programs) {
    KILN_CO_TRY(co_await add_if_there(Kind::kExecutable, program));
  }
  for (const std::string& command : launch.commands) {
    KILN_CO_TRY(co_await add_from_path(Kind::kExecutable, command, search_path()));
  }
  for (const std::string& name : launch.files) {
    KILN_CO_TRY(co_await add_file(host_, Kind::kConfiguration, name, parts_));
  }
  if (launch.unknown) parts_.add_unknown(path);
  co_return Result<void>();
}

Task<Result<void>> ToolWalk::add_input(const FileDigest& content) {
  if (content.size > kMostInput) co_return Result<void>();
  KILN_CO_ASSIGN(const std::string bytes, co_await host_.input(content));
  if (const auto elf = os::read_elf(bytes)) {
    co_return co_await add_libraries(host_, environment_, *elf, "", parts_);
  }
  co_return co_await add_interpreters(bytes);
}

Task<Result<void>> ToolWalk::add_packages() {
  for (const char* database : kPackageDatabases) {
    KILN_CO_TRY(co_await add_file(host_, Kind::kPackages, database, parts_));
  }
  co_return Result<void>();
}

Task<Result<void>> ToolWalk::add_if_there(Kind kind, std::string path) {
  KILN_CO_ASSIGN(HostLookup::Found found, co_await host_.look(path));
  if (!found.is_readable_file() || !found.executable) co_return Result<void>();
  co_return co_await add_program(kind, std::move(path), std::move(found));
}

Task<Result<void>> ToolWalk::add_interpreters(std::string_view script) {
  const auto shebang = parse_shebang(script);
  // One that is relative stands among the inputs.
  if (!shebang || !shebang->interpreter.starts_with('/')) co_return Result<void>();
  KILN_CO_TRY(co_await add_if_there(Kind::kInterpreter, shebang->interpreter));
  if (base_name(shebang->interpreter) != "env") co_return Result<void>();
  const auto command = parse_env_argument(shebang->argument);
  if (!command) co_return Result<void>();
  std::string_view path = command->clears ? kPathWithoutPath : search_path();
  if (command->path) path = *command->path;
  co_return co_await add_from_path(Kind::kInterpreter, command->command, path);
}

std::string_view ToolWalk::search_path() const {
  const std::string_view path = variable(environment_, "PATH");
  return path.empty() ? kPathWithoutPath : path;
}

Task<Result<void>> ToolWalk::add_from_path(Kind kind, const std::string& command,
                                           std::string_view path) {
  if (command.find('/') != std::string::npos) {
    if (command.starts_with('/')) {
      KILN_CO_TRY(co_await add_if_there(kind, command));
    }
    co_return Result<void>();
  }
  for (const std::string& directory : split(path, ":")) {
    if (!directory.starts_with('/')) continue;  // among the inputs
    std::string candidate = directory + "/" + command;
    KILN_CO_ASSIGN(HostLookup::Found found, co_await host_.look(candidate));
    if (!found.is_readable_file() || !found.executable) continue;
    co_return co_await add_program(kind, std::move(candidate), std::move(found));
  }
  co_return Result<void>();
}

}  // namespace kiln::intrinsics
