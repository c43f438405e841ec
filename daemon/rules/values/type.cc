#include "daemon/rules/values/type.h"

#include <vector>

namespace kiln::rules {

namespace {

// `{globs: ["a/**"], origin: ""}`, cut off after `limit` bytes.
class TextWriter final : public ValueWriter {
 public:
  explicit TextWriter(size_t limit) : limit_(limit) {}

  void null() override { put("none"); }
  void boolean(bool value) override { put(value ? "true" : "false"); }
  void integer(int64_t value) override { put(std::to_string(value)); }
  void number(double value) override { put(std::to_string(value)); }
  void text(std::string_view value) override {
    put("\"" + printable(value.substr(0, limit_)) + "\"");
  }
  void choice(std::string_view name, std::span<const std::string_view>) override { put(name); }
  void begin_list() override { open('[', ']'); }
  void begin_record() override { open('{', '}'); }
  void member(std::string_view name) override {
    separate();
    append(std::string(name) + ": ");
    open_.back().named = true;
  }
  void end() override {
    append(std::string(1, open_.back().closes));
    open_.pop_back();
  }

  std::string take() && {
    if (cut_) text_ += "…";
    return std::move(text_);
  }

 private:
  struct Level {
    char closes;
    bool empty = true;
    bool named = false;  // the next value follows a name
  };
  void open(char opens, char closes) {
    put(std::string(1, opens));
    open_.push_back({closes});
  }
  void separate() {
    if (open_.empty()) return;
    if (!open_.back().empty) append(", ");
    open_.back().empty = false;
  }
  void put(std::string_view text) {
    if (!open_.empty() && !std::exchange(open_.back().named, false)) separate();
    append(text);
  }
  void append(std::string_view text) {
    cut_ |= text_.size() + text.size() > limit_;
    if (!cut_) text_ += text;
  }

  const size_t limit_;
  std::string text_;
  std::vector<Level> open_;
  bool cut_ = false;
};

}  // namespace

std::string describe_value(TypeId type, const graph::Value& value, size_t limit) {
  std::string text(type->name);
  if (type->write == nullptr) return text;
  TextWriter writer(limit);
  type->write(writer, value);
  std::string written = std::move(writer).take();
  // A record says its own braces; a scalar stands in parentheses.
  return text + (written.starts_with('{') ? written : "(" + written + ")");
}

}  // namespace kiln::rules
