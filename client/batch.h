// Batch: `kiln exec --batch` between its two streams of lines and the two of the call.
//
// What:   reads lines and makes requests of them, a bounded number ahead of the results, and makes
//         lines of the results. A line that is wrong, for us or for the
//         daemon, gets a result, too: an error, and the others go on.
// Threads: single-owner.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "client/interrupt.h"
#include "client/transport.h"
#include "client/work_tally.h"
#include "common/base/unique_fd.h"
#include "kiln/v1/processes.pb.h"

namespace kiln {

// How the whole went: decides the exit code.
struct BatchTally {
  bool any_failed = false;
  bool any_wrong = false;
  WorkTally work;
  int exit_code() const { return any_wrong ? 2 : any_failed ? 1 : 0; }
};

// Where the lines come from.
struct BatchInput {
  UniqueFd file;
  std::string name;
  const Interrupt& interrupt;  // for reads that may wait
};

// Who hears of a batch.
struct BatchListener {
  // Takes one line of the output, with its newline.
  std::function<Result<void>(std::string_view line)> on_line;
  // Tells a person about a wrong line.
  std::function<void(const std::string& message)> on_wrong;
  // Hears of what happens meanwhile, if the first request asks for it.
  std::function<void(const v1::Event& event)> on_event;
  // Reads the whole of an output that the daemon sent the beginning of.
  std::function<Result<std::string>(const v1::Digest& file_digest)> read_blob;
};

class Batch final : public RequestSource {
 public:
  // `first` carries what only the first request does: caller and options of all.
  Batch(BatchInput input, v1::ExecuteBatchRequest first, BatchListener listener);

  Result<Pull> pull(std::string& message) override;
  int wait_fd() const override;

  // Takes one serialized ExecuteBatchResponse.
  Result<void> take(std::string_view message);
  const BatchTally& tally() const { return tally_; }
  size_t in_flight() const { return in_flight_.size(); }

 private:
  Result<bool> next_line(std::string& line);
  Result<void> complete(const v1::Digest& digest, std::string& bytes) const;
  Result<void> refuse(uint64_t line_number, const std::string& id, const Error& error);

  // constant after construction
  const BatchInput input_;
  const BatchListener listener_;

  v1::ExecuteBatchRequest request_;  // the next, with what only the first carries
  std::string unread_;               // of the input: bytes that are no line yet
  size_t scanned_ = 0;               // of unread_: holds no newline
  size_t consumed_ = 0;              // of unread_: lines that were given out
  bool input_ended_ = false;
  bool input_blocked_ = false;
  uint64_t line_number_ = 0;
  // Line number → the line's id as JSON text.
  std::unordered_map<uint64_t, std::string> in_flight_;
  BatchTally tally_;
};

}  // namespace kiln
