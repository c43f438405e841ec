#include "daemon/exec/run_script.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "common/base/file.h"

namespace kiln::exec {
namespace {

// Within single quotes a shell takes every byte as it is, but for the quote itself.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace

std::string run_script(const std::string& sandbox_path, const Process& process,
                       const std::vector<std::string>& argv, const std::vector<std::string>& env) {
  std::string title = printable(process.description);
  std::string script = "#!/bin/sh\n# Runs again, in this sandbox: " + title + "\ncd " +
                       quoted(sandbox_path + "/" + process.working_directory.str()) +
                       " || exit\numask 022\nexec env -i --";
  for (const std::string& variable : env) script += " \\\n  " + quoted(variable);
  for (const std::string& argument : argv) script += " \\\n  " + quoted(argument);
  return script + " </dev/null\n";
}

Result<void> write_run_script(int sandbox_fd, const std::string& script) {
  const UniqueFd fd(
      ::openat(sandbox_fd, kRunScript, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755));
  if (!fd.valid()) {
    if (errno == EEXIST) return {};
    return os_error(errno, std::string("make ") + kRunScript);
  }
  return write_all(fd.get(), script, kRunScript);
}

}  // namespace kiln::exec
