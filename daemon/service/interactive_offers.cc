#include "daemon/service/interactive_offers.h"

#include <utility>

namespace kiln::service {

Task<Result<int>> InteractiveOffers::run(session::InteractiveSpec spec, std::stop_token stop,
                                         std::function<Task<Result<void>>(uint64_t)> send) {
  const auto offer = std::make_shared<Offer>();
  offer->spec = std::move(spec);
  offer->stop = stop;
  const uint64_t number = state_.with([&](State& state) {
    state.waiting.emplace(++state.last, offer);
    return state.last;
  });
  const auto withdraw = [this, number] {
    if (const auto unclaimed = claim(number)) {
      unclaimed->done.set(user_error(ErrorCode::kCancelled, "the process was cancelled"));
    }
  };
  const Result<void> sent = co_await send(number);
  if (!sent.ok()) withdraw();
  const std::stop_callback cancelled(stop, withdraw);
  Result<int> code = co_await offer->done;
  co_await resume_on(home_);
  if (!sent.ok()) co_return sent.error();
  co_return code;
}

std::shared_ptr<InteractiveOffers::Offer> InteractiveOffers::claim(uint64_t number) {
  return state_.with([number](State& state) -> std::shared_ptr<Offer> {
    const auto found = state.waiting.find(number);
    if (found == state.waiting.end()) return nullptr;
    std::shared_ptr<Offer> offer = std::move(found->second);
    state.waiting.erase(found);
    return offer;
  });
}

}  // namespace kiln::service
