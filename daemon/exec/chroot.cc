#include "daemon/exec/chroot.h"

namespace kiln::exec {

std::string with_chroot(std::string text, const std::string& sandbox_path) {
  for (size_t at = text.find(kChroot); at != std::string::npos;
       at = text.find(kChroot, at + sandbox_path.size())) {
    text.replace(at, kChroot.size(), sandbox_path);
  }
  return text;
}

}  // namespace kiln::exec
