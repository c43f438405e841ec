#include "daemon/service/output_stream.h"

namespace kiln::service {

namespace {
constexpr size_t kChunk = size_t{256} << 10;
}  // namespace

v1::ExecuteEvent OutputStream::event(exec::ProcessObserver::Stream stream, std::string bytes) {
  v1::ExecuteEvent event;
  v1::ProcessOutput& output = *event.mutable_output();
  output.set_stream(stream == exec::ProcessObserver::Stream::kStdout ? v1::ProcessOutput::STDOUT
                                                                     : v1::ProcessOutput::STDERR);
  output.set_data(std::move(bytes));
  return event;
}

void OutputStream::started(const std::string& sandbox_path) {
  v1::ExecuteEvent event;
  event.mutable_started()->set_sandbox_path(sandbox_path);
  queue_.push(std::move(event));
}

bool OutputStream::output(exec::ProcessObserver::Stream stream, uint64_t offset,
                          std::string_view bytes) {
  uint64_t& sent = sent_[static_cast<size_t>(stream)];
  if (offset != sent) return false;
  if (!queue_.offer(event(stream, std::string(bytes)))) return false;
  sent += bytes.size();
  return true;
}

Task<Result<void>> OutputStream::complete(store::BlobStore& blobs,
                                          const store::ActionResult& result) {
  using Stream = exec::ProcessObserver::Stream;
  KILN_CO_TRY(co_await complete(blobs, Stream::kStdout, result.stdout_digest));
  co_return co_await complete(blobs, Stream::kStderr, result.stderr_digest);
}

Task<Result<void>> OutputStream::complete(store::BlobStore& blobs,
                                          exec::ProcessObserver::Stream stream, FileDigest digest) {
  uint64_t& sent = sent_[static_cast<size_t>(stream)];
  uint64_t skip = sent;
  if (skip >= static_cast<uint64_t>(digest.size)) co_return Result<void>();
  KILN_CO_ASSIGN(const auto reader, blobs.reader(digest));
  for (;;) {
    KILN_CO_ASSIGN(std::string bytes, reader->next(kChunk));
    if (bytes.empty()) co_return Result<void>();
    if (skip >= bytes.size()) {
      skip -= bytes.size();
      continue;
    }
    bytes.erase(0, skip);
    skip = 0;
    const size_t size = bytes.size();
    if (!co_await queue_.send(event(stream, std::move(bytes)))) {
      co_return user_error(ErrorCode::kCancelled, "the client is gone");
    }
    sent += size;
  }
}

}  // namespace kiln::service
