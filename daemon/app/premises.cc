#include "daemon/app/premises.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace kiln::app {

Result<Premises> Premises::of(const std::vector<std::string>& directories) {
  Premises premises;
  for (const std::string& path : directories) {
    struct stat st;
    if (::stat(path.c_str(), &st) != 0) return os_error(errno, "look at " + path);
    premises.places_.push_back({path, st.st_dev, st.st_ino});
  }
  return premises;
}

bool Premises::in_place() const {
  return std::all_of(places_.begin(), places_.end(), [](const Place& place) {
    struct stat st;
    return ::stat(place.path.c_str(), &st) == 0 && st.st_dev == place.device &&
           st.st_ino == place.inode;
  });
}

}  // namespace kiln::app
