// ProfileWriter: the events of a run as a Chrome trace, which Perfetto and chrome://tracing open.
//
// What:    a JSON array of complete ("X") events in the format of
//          https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU. Spans
//          that overlap and do not nest are on lanes (threads) of their own; a span is on its
//          parent's lane where it can be.
// Threads: single-owner.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/interrupt.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "kiln/v1/events.pb.h"

namespace kiln {

class ProfileWriter {
 public:
  // Makes the file, so that one that cannot be written is known before the work begins.
  static Result<ProfileWriter> open(const std::string& path, const Interrupt& interrupt);

  void add(const v1::Event& event);
  // Writes the file. What has not ended by then ends with the last event.
  Result<void> finish();

 private:
  // A box in the picture. The event is the one that told most of it.
  struct Slice {
    v1::Event event;
    uint64_t start_ns = 0;
    uint64_t end_ns = 0;
    size_t lane = 0;
  };

  ProfileWriter(std::string path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}

  // Gives each slice its lane, and returns how many there are. Sorts the slices.
  static size_t assign_lanes(std::vector<Slice>& slices);
  static std::string slice_json(const Slice& slice);
  std::string instant_json(const v1::Event& event,
                           const std::map<uint64_t, size_t>& lane_of_span) const;

  std::string path_;
  UniqueFd file_;
  std::vector<Slice> slices_;
  std::map<uint64_t, Slice> open_;   // by span
  std::vector<v1::Event> instants_;  // messages, and what was dropped
  uint64_t last_ns_ = 0;
};

}  // namespace kiln
