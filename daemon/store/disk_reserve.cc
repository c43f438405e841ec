#include "daemon/store/disk_reserve.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

namespace kiln::store {

namespace {

// Room for the memtables that are being flushed and the log behind them.
constexpr int64_t kReserve = int64_t{16} << 20;
constexpr int64_t kGrant = int64_t{1} << 20;

}  // namespace

Result<void> DiskReserve::take(size_t bytes) {
  const auto wanted = static_cast<int64_t>(bytes);
  if (granted_.fetch_sub(wanted) >= wanted) return {};
  struct statvfs fs;
  if (::statvfs(path_.c_str(), &fs) != 0) return os_error(errno, "look at the disk of " + path_);
  const int64_t left = static_cast<int64_t>(fs.f_bavail) * static_cast<int64_t>(fs.f_frsize);
  if (left - wanted < kReserve) {
    granted_ = 0;
    return environment_error(
        ErrorCode::kResourceExhausted,
        "cannot write to the database " + path_ + ": No space left on device (" +
            std::to_string(left >> 20) + " MiB, and kiln leaves the last " +
            std::to_string(kReserve >> 20) + " alone). Free some space and try again.");
  }
  granted_ = std::min(kGrant, left - kReserve) - wanted;
  return {};
}

}  // namespace kiln::store
