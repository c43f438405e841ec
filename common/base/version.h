// Which build of kiln this is.
#pragma once

#include <string_view>

namespace kiln {

// The release, the commit if the sources come from a git repository, and a hash of the sources:
// "0.1.0-d44c3a7-dirty+1f2e3d4c". Client and daemon of different sources never have the same one,
// so that a client which was built anew replaces a daemon which was not. (KILN_VERSION is the
// release alone.) Defined in a file that each build writes (deploy/cmake/Version.cmake): link
// kiln_version.
std::string_view version();

}  // namespace kiln
