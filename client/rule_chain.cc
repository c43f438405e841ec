#include "client/rule_chain.h"

#include <string>
#include <string_view>

namespace kiln {

namespace {

constexpr std::string_view kFrame = "while computing ";

// "lint" of "while computing lint(Specs{…})". Empty: no rule's, which are one word.
std::string_view rule_of(std::string_view frame) {
  if (!frame.starts_with(kFrame)) return {};
  frame.remove_prefix(kFrame.size());
  const std::string_view name = frame.substr(0, frame.find('('));
  return name.size() == frame.size() || name.find(' ') != std::string_view::npos
             ? std::string_view()
             : name;
}

bool is_of_the_callers_words(const Error& error) {
  return error.blame() == Blame::kUser &&
         (error.code() == ErrorCode::kInvalidArgument || error.code() == ErrorCode::kNotFound);
}

}  // namespace

Error with_rule_chain(const Error& error) {
  // Of a bug all frames are shown.
  if (is_of_the_callers_words(error) || error.blame() == Blame::kBug) return error;
  std::string chain;
  for (const std::string& frame : error.context()) {
    const std::string_view rule = rule_of(frame);
    if (!rule.empty()) chain += (chain.empty() ? "in " : " ← ") + std::string(rule);
  }
  return chain.empty() ? error : error.with_context(std::move(chain));
}

}  // namespace kiln
