#include "daemon/rules/rule.h"

#include <exception>
#include <string>

namespace kiln::rules {

void internal::RulePromiseBase::unhandled_exception() noexcept {
  std::string what = "something that is no std::exception";
  try {
    throw;
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {  // NOLINT(bugprone-empty-catch): named above
  }
  returned.emplace(internal_error("a rule threw " + what));
}

void RuleBody::supply(std::vector<WantAnswer> answers) {
  promise_->wants.clear();
  promise_->fresh = promise_->answers.size();
  for (WantAnswer& answer : answers) promise_->answers.push_back(std::move(answer));
}

void RuleBody::supply(Result<void> effect_result) {
  promise_->effect.reset();
  promise_->effect_result = std::move(effect_result);
}

}  // namespace kiln::rules
