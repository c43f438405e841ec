#include "daemon/app/premises.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace kiln::app {

Result<Premises> Premises::of(const std::vector<std::string>& directories,
                              std::string damage_note) {
  Premises premises;
  premises.damage_note_ = std::move(damage_note);
  for (const std::string& path : directories) {
    struct stat st;
    if (::stat(path.c_str(), &st) != 0) return os_error(errno, "look at " + path);
    premises.places_.push_back({path, st.st_dev, st.st_ino});
  }
  return premises;
}

std::optional<std::string> Premises::trouble() const {
  for (const Place& place : places_) {
    struct stat st;
    if (::stat(place.path.c_str(), &st) == 0 && st.st_dev == place.device &&
        st.st_ino == place.inode) {
      continue;
    }
    return place.path + " was removed or replaced";
  }
  if (::access(damage_note_.c_str(), F_OK) == 0) {
    return "damage has stopped the database of the store";
  }
  return std::nullopt;
}

}  // namespace kiln::app
