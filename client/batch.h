// Batch: `kiln exec --batch` between its two streams of lines and the two of the call.
//
// What:   BatchInput reads lines and makes requests of them, a bounded number ahead of the results;
//         BatchOutput makes lines of the results. A line that is wrong, for us or for the
//         daemon, gets a result, too: an error, and the others go on.
// Threads: single-owner, both.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "client/transport.h"
#include "common/base/unique_fd.h"
#include "kiln/v1/processes.pb.h"

namespace kiln {

// How the whole went: decides the exit code.
struct BatchTally {
  bool any_failed = false;
  bool any_wrong = false;
  int exit_code() const { return any_wrong ? 2 : any_failed ? 1 : 0; }
};

class Batch final : public RequestSource {
 public:
  // Takes one line of the output, with its newline.
  using OnLine = std::function<Result<void>(std::string_view line)>;
  // Tells a person about a wrong line.
  using OnWrong = std::function<void(const std::string& message)>;
  // Hears of what happens meanwhile, if the first request asks for it.
  using OnEvent = std::function<void(const v1::Event& event)>;

  // `first` carries what only the first request does: caller and options of all.
  Batch(UniqueFd input, std::string input_name, v1::ExecuteBatchRequest first, OnLine on_line,
        OnWrong on_wrong, OnEvent on_event);

  Result<Pull> pull(std::string& message) override;
  int wait_fd() const override;

  // Takes one serialized ExecuteBatchResponse.
  Result<void> take(std::string_view message);
  const BatchTally& tally() const { return tally_; }
  size_t in_flight() const { return in_flight_.size(); }

 private:
  Result<bool> next_line(std::string& line);
  Result<void> refuse(uint64_t line_number, const std::string& id, const Error& error);

  // constant after construction
  const UniqueFd input_;
  const std::string input_name_;
  const OnLine on_line_;
  const OnWrong on_wrong_;
  const OnEvent on_event_;

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
