// The counters of everything that looks at or touches files. Names are API.
#pragma once

#include "daemon/trace/counters.h"

namespace kiln::intrinsics {

struct FsCounters {
  explicit FsCounters(Counters& counters)
      : directories_watched(counters["fs.directories_watched"]),
        directories_listed(counters["fs.directories_listed"]),
        files_statted(counters["fs.files_statted"]),
        files_hashed(counters["fs.files_hashed"]),
        bytes_hashed(counters["fs.bytes_hashed"]),
        tools_hashed(counters["fs.tools_hashed"]),
        files_written(counters["fs.files_written"]) {}

  Counter& directories_watched;
  Counter& directories_listed;
  Counter& files_statted;  // looked at
  Counter& files_hashed;   // read
  Counter& bytes_hashed;
  Counter& tools_hashed;   // executables of the host, read
  Counter& files_written;  // into a workspace
};

}  // namespace kiln::intrinsics
