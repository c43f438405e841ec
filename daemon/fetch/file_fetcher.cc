#include <fcntl.h>
#include <sys/stat.h>

#include <vector>

#include "common/base/file.h"
#include "daemon/fetch/fetchers.h"

namespace kiln::fetch {

namespace {

constexpr size_t kPiece = size_t{256} << 10;

struct OpenFile {
  UniqueFd fd;
  int64_t size = 0;
};

Result<OpenFile> open_regular(const std::string& path) {
  // O_NONBLOCK: a fifo that nobody writes to must not hang us.
  KILN_ASSIGN(UniqueFd fd, open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat stat {};
  if (::fstat(fd.get(), &stat) != 0) return os_error(errno, "stat " + path);
  if (!S_ISREG(stat.st_mode)) {
    return user_error(ErrorCode::kInvalidArgument, path + " is not a regular file");
  }
  return OpenFile{std::move(fd), stat.st_size};
}

class FileFetcher final : public Fetcher {
 public:
  Result<void> fetch(const Url& url, Sink& sink, const std::stop_token& stop) override {
    const auto file = open_regular(url.path());
    if (!file.ok()) {
      // The path is the caller's choice.
      return user_error(file.error().code(),
                        "cannot download " + url.shown() + ": " + file.error().message());
    }
    KILN_TRY(sink.begin(file->size));
    std::vector<char> buffer(kPiece);
    for (;;) {
      if (stop.stop_requested()) return download_cancelled(url);
      KILN_ASSIGN(const size_t n, read_some(file->fd.get(), buffer, url.path()));
      if (n == 0) return {};
      KILN_TRY(sink.append({buffer.data(), n}));
    }
  }
};

}  // namespace

std::unique_ptr<Fetcher> make_file_fetcher() { return std::make_unique<FileFetcher>(); }

}  // namespace kiln::fetch
