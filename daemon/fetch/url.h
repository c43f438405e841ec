// Url: where a download comes from.
//
// What:    an https:, http: or file: URL whose last segment can name a file.
// Threads: immutable value.
// Fails:   parse() refuses everything else, and user names and passwords: what is asked for becomes
//          a key, and keys are shown. No message repeats them, nor what stands behind a '?'.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace kiln::fetch {

class Url {
 public:
  enum class Scheme : uint8_t { kHttps, kHttp, kFile };

  static Result<Url> parse(std::string_view text);

  Scheme scheme() const { return scheme_; }
  // As it is asked for: dots in the path resolved, no fragment.
  const std::string& text() const { return text_; }
  // As it may be shown to anybody.
  const std::string& shown() const { return shown_; }
  // Decoded. Of a file: URL the absolute path on this machine.
  const std::string& path() const { return path_; }
  // The last segment of the path, decoded: one component.
  const std::string& file_name() const { return file_name_; }

 private:
  Url() = default;

  Scheme scheme_ = Scheme::kHttps;
  std::string text_;
  std::string shown_;
  std::string path_;
  std::string file_name_;
};

// Any text in place of a URL, as it may be shown to anybody: without user name, password and query.
std::string shown_url(std::string_view text);

}  // namespace kiln::fetch
