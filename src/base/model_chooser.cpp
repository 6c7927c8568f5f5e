#include "base/model_chooser.hpp"

#if WEFT_ATOMIC_MODE == 2

#include <algorithm>

#include "base/check.hpp"

namespace weft::model {

void RandomChooser::begin(std::uint64_t index) {
  seed_ = first_seed_ + index;
  random_ = Random(seed_);
  constexpr std::uint32_t kStay[] = {0, 8, 12, 15};
  stay_of_16_ = kStay[random_.below(4)];
}

std::size_t RandomChooser::choose(const Candidates& candidates) {
  if (candidates.count == 1) return 0;
  if (candidates.current_first && random_.below(16) < stay_of_16_) return 0;
  return random_.below(static_cast<std::uint32_t>(candidates.count));
}

std::string RandomChooser::how_to_replay() const {
  return "run this test alone with WEFT_SEED=" + std::to_string(seed_);
}

void BoundedChooser::begin(std::uint64_t index) {
  index_ = index;
  preemptions_ = 0;
  depth_ = 0;
}

std::size_t BoundedChooser::choose(const Candidates& candidates) {
  const bool may_preempt = preemptions_ < bound_ || candidates.free_count == 0;
  const std::size_t offered = may_preempt ? candidates.count : candidates.free_count;
  if (offered == 1) return 0;
  if (depth_ == choices_.size()) choices_.push_back(Choice{0, offered});
  const Choice& choice = choices_[depth_++];
  WEFT_CHECK(choice.offered == offered,
             "the body is not deterministic: it may depend on nothing but the schedule");
  if (choice.picked >= candidates.free_count) ++preemptions_;
  return choice.picked;
}

bool BoundedChooser::advance() {
  choices_.resize(std::min(depth_, choices_.size()));
  while (!choices_.empty() && choices_.back().picked + 1 == choices_.back().offered) {
    choices_.pop_back();
  }
  if (choices_.empty()) return false;
  ++choices_.back().picked;
  return true;
}

std::string BoundedChooser::how_to_replay() const {
  return "run this test again: execution " + std::to_string(index_) + " of the enumeration";
}

}  // namespace weft::model

#endif
