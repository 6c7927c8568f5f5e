#include "model/chooser.hpp"

#include <algorithm>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "base/check.hpp"

namespace weft::inline v0_1::model {

std::string Chooser::schedule() const {
  std::string text;
  std::size_t firsts = 0;
  for (const std::uint8_t pick : picks_) {
    if (pick == 0) {
      ++firsts;
      continue;
    }
    if (!text.empty()) text += ',';
    text += std::to_string(std::exchange(firsts, 0)) + ":" + std::to_string(pick);
  }
  return text.empty() ? "0:0" : text;
}

// ---- what is drawn ----

std::size_t SeededChooser::pick_value(std::size_t count) {
  return below(16) >= stale_of_16_ ? 0 : below(count);
}

std::string SeededChooser::how_to_replay() const {
  return "run this test alone with WEFT_SEED=" + std::to_string(seed_);
}

void RandomChooser::begin_execution(std::uint64_t index) {
  draw_from(first_seed() + index);
  constexpr std::uint32_t stay[] = {0, 8, 12, 15};
  constexpr std::uint32_t stale[] = {1, 4, 8, 0};
  stay_of_16_ = stay[below(4)];
  see_old_values(stale[seed() % 4]);
}

std::size_t RandomChooser::pick_thread(const Candidates& candidates) {
  if (candidates.count == 1) return 0;
  if (candidates.current_first && below(16) < stay_of_16_) return 0;
  return below(candidates.count);
}

// ---- probabilistic concurrency testing ----

void PctChooser::begin_execution(std::uint64_t index) {
  const bool first = index == 0;
  draw_from(first ? 0 : first_seed() + index - 1);
  // Not the length of later executions: one that is replayed alone must be the same.
  if (index == 1) most_choices_ = std::max<std::uint32_t>(1, choices_);
  choices_ = 0;
  see_old_values(below(8));
  const auto lowest = static_cast<std::int64_t>(changes_.size()) + 1;
  std::iota(priorities_.begin(), priorities_.end(), lowest);
  for (std::size_t i = priorities_.size(); i > 1; --i) {
    std::swap(priorities_[i - 1], priorities_[below(i)]);
  }
  for (std::uint32_t& change : changes_) {
    change = first ? 0 : 1 + below(most_choices_);
  }
}

std::size_t PctChooser::pick_thread(const Candidates& candidates) {
  ++choices_;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    // A later change gives a lower priority; all are below every initial priority.
    if (changes_[i] != choices_ || !candidates.current_first) continue;
    priorities_[candidates.threads[0]] = static_cast<std::int64_t>(changes_.size() - i);
  }
  if (candidates.count == 1) return 0;
  // A time-out, or another iteration of a spinning thread, is chosen now and then, by no priority.
  const std::size_t ready = candidates.ready_count;
  if (ready == 0 || (candidates.count > ready && below(16) == 0)) {
    return ready + below(candidates.count - ready);
  }
  std::size_t best = 0;
  for (std::size_t i = 1; i < ready; ++i) {
    if (priorities_[candidates.threads[i]] > priorities_[candidates.threads[best]]) best = i;
  }
  return best;
}

// ---- enumeration ----

void BoundedChooser::begin_execution(std::uint64_t index) {
  index_ = index;
  preemptions_ = 0;
  stale_ = 0;
  depth_ = 0;
}

std::size_t BoundedChooser::next(std::size_t offered) {
  if (offered == 1) return 0;
  if (depth_ == choices_.size()) choices_.push_back(Choice{0, offered});
  const Choice& choice = choices_[depth_++];
  WEFT_CHECK(choice.offered == offered,
             "the body is not deterministic: it may depend on nothing but the schedule");
  return choice.picked;
}

std::size_t BoundedChooser::pick_thread(const Candidates& candidates) {
  const bool may_preempt = preemptions_ < preemption_bound_ || candidates.free_count == 0;
  const std::size_t pick = next(may_preempt ? candidates.count : candidates.free_count);
  if (pick >= candidates.free_count) ++preemptions_;
  return pick;
}

std::size_t BoundedChooser::pick_value(std::size_t count) {
  const std::size_t pick = next(stale_ < stale_bound_ ? count : 1);
  if (pick != 0) ++stale_;
  return pick;
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
  return "it is execution " + std::to_string(index_) + " of the enumeration";
}

// ---- a given schedule ----

ReplayChooser::ReplayChooser(const std::string& schedule) {
  std::istringstream text(schedule);
  std::size_t firsts = 0;
  std::size_t pick = 0;
  char colon = 0;
  char comma = 0;
  do {
    if (!(text >> firsts >> colon >> pick) || colon != ':') {
      throw std::invalid_argument("not a schedule of the model checker: '" + schedule + "'");
    }
    given_.insert(given_.end(), firsts, 0);
    given_.push_back(pick);
  } while (text >> comma && comma == ',');
}

void ReplayChooser::begin_execution(std::uint64_t) { depth_ = 0; }

std::size_t ReplayChooser::pick_thread(const Candidates& candidates) {
  return candidates.count == 1 ? 0 : pick_value(candidates.count);
}

std::size_t ReplayChooser::pick_value(std::size_t count) {
  const std::size_t pick = depth_ < given_.size() ? given_[depth_] : 0;
  ++depth_;
  return pick < count ? pick : 0;
}

std::string ReplayChooser::how_to_replay() const { return "as it was replayed now"; }

}  // namespace weft::inline v0_1::model
