#include "daemon/exec/command.h"

#include "daemon/exec/chroot.h"

namespace kiln::exec {
Command command_in(const std::string& sandbox_path, const RunRequest& request) {
  const Process& process = request.process;
  Command command;
  for (const std::string& argument : process.argv) {
    command.argv.push_back(with_chroot(argument, sandbox_path));
  }
  for (const auto& [name, value] : process.env) {
    command.env.push_back(name + "=" + with_chroot(value, sandbox_path));
  }
  if (!process.execution_slot_variable.empty()) {
    command.env.push_back(process.execution_slot_variable + "=" +
                          std::to_string(request.slot_number));
  }
  command.executable = with_chroot(request.tool.path, sandbox_path);
  return command;
}

Result<void> check_strings(const Process& process) {
  const auto is_text = [](const std::string& text) {
    return is_valid_utf8(text) && text.find('\0') == std::string::npos;
  };
  for (const std::string& argument : process.argv) {
    if (is_text(argument)) continue;
    return user_error(ErrorCode::kInvalidArgument,
                      "the argument '" + printable(argument) +
                          "' cannot be passed on: it has a NUL byte or is not valid UTF-8");
  }
  for (const auto& [name, value] : process.env) {
    if (!name.empty() && name.find('=') == std::string::npos && is_text(name) && is_text(value)) {
      continue;
    }
    return user_error(ErrorCode::kInvalidArgument,
                      "the environment variable '" + printable(name) +
                          "' is not valid: a name is not empty and has no '=', and neither name "
                          "nor value has a NUL byte or bytes that are not UTF-8");
  }
  return {};
}

}  // namespace kiln::exec
