// OptionReader: the value of one option, of all that was said of it.
//
// What:    text may be any scalar, and is an element of a list or a list as JSON; JSON says itself
//          what it is. The strongest layer counts; of a list, all from the strongest on that does
//          more than add.
// Threads: single-owner. The settings outlive it.
// Fails:   a value of another kind; blamed() is the setting.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/rules/options.h"
#include "daemon/rules/values/value_reader.h"

namespace kiln::rules {

// Ends the name of an option that is added to.
inline constexpr std::string_view kAdd = ".add";
// The field that an option sets: "args" of "args.add".
std::string field_name(std::string_view option);

using Settings = std::vector<const OptionSetting*>;

class OptionReader final : public ValueReader {
 public:
  // What was said, which is something, in the order in which it was; the default as JSON.
  OptionReader(Settings said, std::string initial);

  // Those that count for a list, the strongest last.
  Settings counted() const;
  const OptionSetting& last() const { return *said_.back(); }
  // What was being read when reading failed.
  const OptionSetting& blamed() const { return *blamed_; }

  bool is_null() const override { return false; }
  Result<bool> boolean() const override;
  Result<int64_t> integer() const override;
  Result<double> number() const override;
  Result<std::string> text() const override;
  Result<void> elements(const Visit& visit) override;
  Result<void> members(const VisitMember& visit) override;

 private:
  // Whether the default still counts: nobody said otherwise, only what else.
  bool only_adds() const;
  template <class T>
  Result<T> scalar(Result<T> (ValueReader::*read)() const) const;

  Settings said_;
  const std::string initial_;
  const OptionSetting* blamed_;
};

}  // namespace kiln::rules
