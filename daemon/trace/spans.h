// Spans: parts of the daemon's work that no node of the graph stands for, told as spans of their
// own. What a process waits for is one.
//
// Threads: thread-safe; never blocks.
#pragma once

#include <string>
#include <utility>

#include "common/types/ids.h"

namespace kiln::trace {

class Spans {
 public:
  virtual ~Spans() = default;
  // A part of `whole` begins: a span that is open. 0 as the answer: nobody cares.
  virtual SpanId begin_part(SpanId whole, std::string name, std::string description) = 0;
  // May come after the whole has ended, and is heard by nobody then.
  virtual void end_part(SpanId part) = 0;
};

// A part, from construction to destruction.
class Part {
 public:
  Part(Spans& spans, SpanId whole, std::string name, std::string description)
      : spans_(spans), span_(spans.begin_part(whole, std::move(name), std::move(description))) {}
  ~Part() {
    if (span_ != SpanId()) spans_.end_part(span_);
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

 private:
  Spans& spans_;
  const SpanId span_;
};

}  // namespace kiln::trace
