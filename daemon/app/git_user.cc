#include "daemon/app/git_user.h"

#include "daemon/os/git_config.h"

namespace kiln::app {

intrinsics::GitUser git_user(const Environment& environment) {
  const auto value = [&environment](std::string_view name) {
    return environment(name).value_or("");
  };
  intrinsics::GitUser user;
  user.home = value("HOME");
  std::string xdg = value("XDG_CONFIG_HOME");
  if (xdg.empty() && !user.home.empty()) xdg = user.home + "/.config";
  if (!xdg.empty()) user.excludes_file = xdg + "/git/ignore";

  const auto without_system = environment("GIT_CONFIG_NOSYSTEM");
  if (!without_system ||
      !os::is_true({.section = {}, .subsection = {}, .name = {}, .value = without_system})) {
    const std::string system = value("GIT_CONFIG_SYSTEM");
    user.config_files.push_back(system.empty() ? "/etc/gitconfig" : system);
  }
  if (const auto global = environment("GIT_CONFIG_GLOBAL")) {
    if (!global->empty()) user.config_files.push_back(*global);
    return user;
  }
  if (!xdg.empty()) user.config_files.push_back(xdg + "/git/config");
  if (!user.home.empty()) user.config_files.push_back(user.home + "/.gitconfig");
  return user;
}

}  // namespace kiln::app
