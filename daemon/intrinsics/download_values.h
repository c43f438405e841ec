// Files from elsewhere as rules ask for them.
// Source:  DownloadFile of Pants' rules API.
// Threads: immutable values.
#pragma once

#include <string>
#include <string_view>

#include "common/types/digest.h"
#include "daemon/fetch/url.h"
#include "daemon/rules/values/encoding.h"
#include "daemon/rules/values/value_reader.h"
#include "daemon/rules/values/value_writer.h"

namespace kiln::intrinsics {

// A tree of the one file behind an https:, http: or file: URL, named by its last segment. The
// digest is what `shasum -a 256` and `wc -c` say of the file: nothing else is accepted, and what
// the store holds is not asked for again.
struct DownloadFile {
  static constexpr std::string_view kTypeName = "DownloadFile";

  std::string url;
  FileDigest expected_digest;

  static void fields(auto& self, auto&& field) {
    field("url", self.url);
    field("expected_digest", self.expected_digest);
  }
  friend bool operator==(const DownloadFile&, const DownloadFile&) = default;
};
// Values are written to be shown: what may be secret in a URL is left out.
inline void write_value(rules::ValueWriter& out, const DownloadFile& value) {
  out.begin_record();
  out.member("url");
  out.text(fetch::shown_url(value.url));
  out.member("expected_digest");
  rules::write_value(out, value.expected_digest);
  out.end();
}

}  // namespace kiln::intrinsics
