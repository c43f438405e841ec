#include "daemon/exec/output_sink.h"

namespace kiln::exec {

Result<void> OutputSink::append(std::string_view bytes) {
  if (observer_ != nullptr) observer_->output(stream_, bytes);
  if (writer_ == nullptr) {
    head_ += bytes;
    if (static_cast<int64_t>(head_.size()) < store::kLargeContent) return {};
    KILN_ASSIGN(writer_, blobs_.writer());
    bytes = head_;
  }
  KILN_TRY(writer_->append(bytes));
  head_ = {};
  return {};
}

Result<FileDigest> OutputSink::finish() {
  return writer_ == nullptr ? blobs_.put(head_) : writer_->finish();
}

}  // namespace kiln::exec
