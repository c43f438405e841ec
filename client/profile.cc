#include "client/profile.h"

#include <fcntl.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/file.h"

namespace kiln {

namespace {

using Json = nlohmann::ordered_json;

double microseconds(uint64_t ns) { return static_cast<double>(ns) / 1000; }

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// What a click on the slice shows.
Json arguments_of(const v1::Event& event) {
  Json args;
  const auto add = [&args](const char* name, const std::string& value) {
    if (!value.empty()) args[name] = value;
  };
  add("name", event.name());
  add("description", event.description());
  // The request itself comes from nowhere, and neither does a wait: only nodes have a reason.
  if (!event.reason().empty()) {
    add("source", event.kind() == v1::Event::MEMOIZED ? "memoized" : "ran");
  }
  add("reason", event.reason());
  add("changed_input", event.changed_input());
  if (event.outcome() != v1::Event::OUTCOME_UNSPECIFIED) {
    add("outcome", lower_case(v1::Event::Outcome_Name(event.outcome())));
  }
  if (event.joined()) args["joined"] = true;
  add("message", event.message());
  add("error", event.error().message());
  for (const auto& [name, value] : event.metadata()) args[name] = value;
  if (event.kind() == v1::Event::STARTED) args["unfinished"] = true;
  args["span"] = event.span();
  args["parent"] = event.parent();
  return args;
}

// Names a lane, or all of them.
std::string name_json(const char* what, size_t lane, const std::string& name) {
  return dumped(
      {{"ph", "M"}, {"pid", 1}, {"tid", lane}, {"name", what}, {"args", {{"name", name}}}});
}

}  // namespace

Result<ProfileWriter> ProfileWriter::open(const std::string& path, const Interrupt& interrupt) {
  const Interrupt::Suspension mortal(interrupt);  // it may be a FIFO that nobody reads
  auto file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (!file.ok()) return user_error(file.error().code(), "--profile: " + file.error().message());
  return ProfileWriter(path, *std::move(file));
}

void ProfileWriter::add(const v1::Event& event) {
  last_ns_ = std::max(last_ns_, event.time_ns());
  switch (event.kind()) {
    case v1::Event::STARTED:
      open_.insert_or_assign(event.span(), Slice{event, event.time_ns(), event.time_ns()});
      break;
    case v1::Event::COMPLETED:
      open_.erase(event.span());
      slices_.push_back({event, event.start_ns(), event.time_ns()});
      break;
    case v1::Event::MEMOIZED:
      slices_.push_back({event, event.time_ns(), event.time_ns()});
      break;
    case v1::Event::MESSAGE:
    case v1::Event::DROPPED:
      instants_.push_back(event);
      break;
    default:
      break;  // of a newer daemon, or without a place in the picture
  }
}

size_t ProfileWriter::assign_lanes(std::vector<Slice>& slices) {
  std::sort(slices.begin(), slices.end(), [](const Slice& a, const Slice& b) {
    if (a.start_ns != b.start_ns) return a.start_ns < b.start_ns;
    if (a.end_ns != b.end_ns) return a.end_ns > b.end_ns;
    return a.event.span() < b.event.span();
  });
  std::vector<std::vector<const Slice*>> lanes;  // what is open on each, outermost first
  std::map<uint64_t, size_t> lane_of_span;
  // Closes what has ended by then: is the lane free, or is its innermost slice the parent?
  const auto fits = [&](std::vector<const Slice*>& lane, const Slice& slice, bool inside) {
    const auto is_parent = [&slice](const Slice& other) {
      return other.event.span() != 0 && other.event.span() == slice.event.parent();
    };
    while (!lane.empty() && lane.back()->end_ns <= slice.start_ns &&
           !(is_parent(*lane.back()) && lane.back()->end_ns == slice.end_ns)) {
      lane.pop_back();
    }
    if (!inside) return lane.empty();
    return !lane.empty() && is_parent(*lane.back()) && slice.end_ns <= lane.back()->end_ns;
  };
  for (Slice& slice : slices) {
    const auto parent = lane_of_span.find(slice.event.parent());
    if (parent != lane_of_span.end() && fits(lanes[parent->second], slice, true)) {
      slice.lane = parent->second;
    } else {
      slice.lane = 0;
      while (slice.lane < lanes.size() && !fits(lanes[slice.lane], slice, false)) ++slice.lane;
      if (slice.lane == lanes.size()) lanes.emplace_back();
    }
    lanes[slice.lane].push_back(&slice);
    if (slice.event.span() != 0) lane_of_span[slice.event.span()] = slice.lane;
  }
  return lanes.size();
}

std::string ProfileWriter::slice_json(const Slice& slice) {
  const v1::Event& event = slice.event;
  return dumped({{"ph", "X"},
                 {"pid", 1},
                 {"tid", slice.lane + 1},
                 {"ts", microseconds(slice.start_ns)},
                 {"dur", microseconds(slice.end_ns - slice.start_ns)},
                 {"name", event.description().empty() ? event.name() : event.description()},
                 {"cat", event.name()},
                 {"args", arguments_of(event)}});
}

std::string ProfileWriter::instant_json(const v1::Event& event,
                                        const std::map<uint64_t, size_t>& lane_of_span) const {
  const auto lane = lane_of_span.find(event.span());
  const bool placed = lane != lane_of_span.end();
  return dumped(
      {{"ph", "i"},
       {"pid", 1},
       {"tid", placed ? lane->second + 1 : 1},
       {"ts", microseconds(event.kind() == v1::Event::DROPPED ? last_ns_ : event.time_ns())},
       {"s", placed ? "t" : "p"},
       {"name", event.message()},
       {"cat", lower_case(v1::Event::Level_Name(event.level()))}});
}

Result<void> ProfileWriter::finish() {
  for (auto& [span, slice] : std::exchange(open_, {})) {
    slice.end_ns = last_ns_;
    slices_.push_back(std::move(slice));
  }
  const size_t lanes = assign_lanes(slices_);
  std::map<uint64_t, size_t> lane_of_span;
  std::string text = "[\n" + name_json("process_name", 0, "kiln");
  for (size_t lane = 1; lane <= lanes; ++lane) {
    text += ",\n" + name_json("thread_name", lane, "lane " + std::to_string(lane));
  }
  for (const Slice& slice : slices_) {
    if (slice.event.span() != 0) lane_of_span[slice.event.span()] = slice.lane;
    text += ",\n" + slice_json(slice);
  }
  for (const v1::Event& event : instants_) text += ",\n" + instant_json(event, lane_of_span);
  text += "\n]\n";
  return write_all(file_.get(), text, path_).with_context("for --profile");
}

}  // namespace kiln
