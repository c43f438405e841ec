#include "daemon/fetch/url.h"

#include <curl/curl.h>

#include <memory>
#include <optional>

#include "common/types/rel_path.h"

namespace kiln::fetch {

namespace {

struct FreeUrl {
  void operator()(CURLU* handle) const { ::curl_url_cleanup(handle); }
};
struct FreeText {
  void operator()(char* text) const { ::curl_free(text); }
};
using CurlText = std::unique_ptr<char, FreeText>;

// A URL in parts, as libcurl reads it: there must not be two opinions about one.
class Parts {
 public:
  explicit Parts(const std::string& text)
      : handle_(::curl_url()),
        code_(text.find('\0') != std::string::npos
                  ? CURLUE_MALFORMED_INPUT
                  : ::curl_url_set(handle_.get(), CURLUPART_URL, text.c_str(),
                                   CURLU_NON_SUPPORT_SCHEME)) {}

  bool ok() const { return code_ == CURLUE_OK; }
  std::string problem() const { return ::curl_url_strerror(code_); }

  // Nothing if the URL has no such part, or the part cannot be decoded.
  std::optional<std::string> get(CURLUPart part, unsigned flags = 0) const {
    char* text = nullptr;
    if (::curl_url_get(handle_.get(), part, &text, flags) != CURLUE_OK) return std::nullopt;
    const CurlText owner(text);
    return std::string(text);
  }

  std::string shown() const {
    std::string text = get(CURLUPART_SCHEME).value_or("") + "://";
    text += get(CURLUPART_HOST).value_or("");
    if (const auto port = get(CURLUPART_PORT)) text += ":" + *port;
    text += get(CURLUPART_PATH).value_or("");
    if (get(CURLUPART_QUERY)) text += "?…";
    return printable(text);
  }

 private:
  const std::unique_ptr<CURLU, FreeUrl> handle_;
  const CURLUcode code_;
};

// What is no URL may still hold a password, and nobody knows where it ends.
std::string shown_text(std::string_view text) {
  const size_t secret = text.rfind('@');
  std::string start;
  if (secret != std::string_view::npos) {
    const size_t slashes = text.find("//");
    start = std::string(slashes < secret ? text.substr(0, slashes + 2) : "") + "…";
    text.remove_prefix(secret);
  }
  const size_t query = text.find('?');
  const bool has_query = query != std::string_view::npos;
  return start + printable(text.substr(0, query)) + (has_query ? "?…" : "");
}

std::optional<std::string> decoded(std::string_view segment) {
  int size = 0;
  const CurlText text(
      ::curl_easy_unescape(nullptr, segment.data(), static_cast<int>(segment.size()), &size));
  if (text == nullptr) return std::nullopt;
  return std::string(text.get(), static_cast<size_t>(size));
}

Error refused(const std::string& shown, const std::string& why) {
  return user_error(ErrorCode::kInvalidArgument, "cannot download " + shown + ": " + why);
}

std::optional<Url::Scheme> scheme_of(const std::string& name) {
  if (name == "https") return Url::Scheme::kHttps;
  if (name == "http") return Url::Scheme::kHttp;
  if (name == "file") return Url::Scheme::kFile;
  return std::nullopt;
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  const Parts parts{std::string(text)};
  if (!parts.ok()) {
    return refused("'" + shown_text(text) + "'", "this is no URL (" + parts.problem() +
                                                     "); it should look like "
                                                     "https://example.com/file.tar.gz");
  }
  Url url;
  url.shown_ = parts.shown();
  const std::string scheme = parts.get(CURLUPART_SCHEME).value_or("");
  const auto known = scheme_of(scheme);
  if (!known) {
    return refused(url.shown_,
                   printable(scheme) + ": is not supported; use https:, http: or file:");
  }
  url.scheme_ = *known;
  if (parts.get(CURLUPART_USER) || parts.get(CURLUPART_PASSWORD)) {
    return refused(url.shown_,
                   "a URL with a user name or password would be kept and shown with them; put "
                   "them into ~/.netrc");
  }
  const std::string path = parts.get(CURLUPART_PATH).value_or("");
  if (!path.starts_with('/')) {
    return refused(url.shown_, "its path is not absolute; write file:///path/to/it");
  }
  const std::string segment = path.substr(path.rfind('/') + 1);
  const auto name = decoded(segment);
  if (!name || !is_valid_name(*name)) {
    return refused(url.shown_, "its last segment, '" + printable(segment) +
                                   "', is to name the file, and no file can have that name");
  }
  url.file_name_ = *name;
  // Refuses control characters, and so NUL.
  const auto whole_path = parts.get(CURLUPART_PATH, CURLU_URLDECODE);
  const auto whole = parts.get(CURLUPART_URL);
  if (!whole_path || !whole) return refused(url.shown_, "its path holds control characters");
  url.path_ = *whole_path;
  url.text_ = whole->substr(0, whole->find('#'));
  return url;
}

std::string shown_url(std::string_view text) {
  const Parts parts{std::string(text)};
  return parts.ok() ? parts.shown() : shown_text(text);
}

}  // namespace kiln::fetch
