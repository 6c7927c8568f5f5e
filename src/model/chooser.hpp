// The choices of an execution: the thread that runs next, and which of the permitted values a load
// returns. Called by the scheduler of <weft/model.hpp>, on its thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <weft/model.hpp>

#include "base/random.hpp"

namespace weft::inline v0_1::model {

/// The threads that could run now. Those that cost no preemption come first, and the current
/// thread, if it is one of them, before all others.
struct Candidates {
  static constexpr std::size_t kMost = 8;

  std::size_t count = 0;
  std::size_t free_count = 0;   // how many, from the first on, cost no preemption
  std::size_t ready_count = 0;  // how many, from the first on, neither spin nor have a time-out
  bool current_first = false;
  std::size_t threads[kMost]{};
};

class Chooser {
 public:
  virtual ~Chooser() = default;

  /// Begins execution number `index`.
  void begin(std::uint64_t index) {
    picks_.clear();
    begin_execution(index);
  }
  /// Returns an index into the candidates. Precondition: there is at least one.
  [[nodiscard]] std::size_t thread(const Candidates& candidates) {
    return note(pick_thread(candidates), candidates.count);
  }
  /// Returns which of `count` values to use; 0 is the newest, or the expected outcome.
  [[nodiscard]] std::size_t value(std::size_t count) {
    return count == 1 ? 0 : note(pick_value(count), count);
  }
  /// Ends the execution. False: it was the last.
  virtual bool advance() { return true; }

  /// How to replay the present execution.
  [[nodiscard]] virtual std::string how_to_replay() const = 0;
  /// The seed of the present execution; 0 without one.
  [[nodiscard]] virtual std::uint64_t seed() const noexcept { return 0; }
  /// All choices as text: "12:1,3:2" means: the first choice 12 times, then the second one once;
  /// the first 3 times, then the third one once; then always the first. Never empty.
  [[nodiscard]] std::string schedule() const;

 protected:
  Chooser() = default;
  Chooser(const Chooser&) = default;
  Chooser& operator=(const Chooser&) = default;

  virtual void begin_execution(std::uint64_t index) = 0;
  virtual std::size_t pick_thread(const Candidates& candidates) = 0;
  virtual std::size_t pick_value(std::size_t count) = 0;

 private:
  std::size_t note(std::size_t pick, std::size_t count) {
    if (count > 1) picks_.push_back(static_cast<std::uint8_t>(pick));
    return pick;
  }
  std::vector<std::uint8_t> picks_;  // the choices with more than one candidate
};

/// The base of choosers that draw from a seed.
class SeededChooser : public Chooser {
 public:
  [[nodiscard]] std::string how_to_replay() const final;
  [[nodiscard]] std::uint64_t seed() const noexcept final { return seed_; }

 protected:
  explicit SeededChooser(std::uint64_t first_seed) noexcept
      : first_seed_(first_seed), random_(first_seed) {}

  [[nodiscard]] std::uint64_t first_seed() const noexcept { return first_seed_; }
  /// Called when an execution begins.
  void draw_from(std::uint64_t seed) noexcept {
    seed_ = seed;
    random_ = detail::Random(seed);
  }
  [[nodiscard]] std::uint32_t below(std::size_t limit) noexcept {
    return random_.below(static_cast<std::uint32_t>(limit));
  }
  /// Sets in how many of 16 loads an old value is returned.
  void see_old_values(std::uint32_t of_16) noexcept { stale_of_16_ = of_16; }

 private:
  std::size_t pick_value(std::size_t count) final;

  std::uint64_t first_seed_;
  std::uint64_t seed_ = 0;
  detail::Random random_;
  std::uint32_t stale_of_16_ = 0;
};

/// Draws the probability of a thread switch once an execution, so that both long undisturbed runs
/// and dense interleavings occur.
class RandomChooser final : public SeededChooser {
 public:
  explicit RandomChooser(std::uint64_t first_seed) noexcept : SeededChooser(first_seed) {}

 private:
  void begin_execution(std::uint64_t index) override;
  std::size_t pick_thread(const Candidates& candidates) override;

  std::uint32_t stay_of_16_ = 0;  // of 16 choices, how many keep the current thread
};

/// Strategy::kPct. The first execution has no priority changes; it measures the length of one.
class PctChooser final : public SeededChooser {
 public:
  PctChooser(std::uint64_t first_seed, std::uint32_t depth)
      : SeededChooser(first_seed), changes_(depth - 1) {}

 private:
  void begin_execution(std::uint64_t index) override;
  std::size_t pick_thread(const Candidates& candidates) override;

  std::vector<std::uint32_t> changes_;  // the choices at which priorities change
  std::uint32_t choices_ = 0;
  std::uint32_t most_choices_ = 0;
  std::array<std::int64_t, Candidates::kMost> priorities_{};
};

/// Enumerates depth first. A choice that would exceed a bound is not offered.
class BoundedChooser final : public Chooser {
 public:
  BoundedChooser(std::uint32_t preemptions, std::uint32_t stale)
      : preemption_bound_(preemptions), stale_bound_(stale) {}

  bool advance() override;
  [[nodiscard]] std::string how_to_replay() const override;

 private:
  struct Choice {
    std::size_t picked;
    std::size_t offered;
  };

  void begin_execution(std::uint64_t index) override;
  std::size_t pick_thread(const Candidates& candidates) override;
  std::size_t pick_value(std::size_t count) override;
  [[nodiscard]] std::size_t next(std::size_t offered);

  std::uint32_t preemption_bound_;
  std::uint32_t stale_bound_;
  std::uint64_t index_ = 0;
  std::uint32_t preemptions_ = 0;
  std::uint32_t stale_ = 0;
  std::size_t depth_ = 0;        // choices made so far in this execution
  std::vector<Choice> choices_;  // the path: replayed by an execution, moved on by advance()
};

/// Makes the choices of a schedule(). If the schedule does not fit the program, continues as far as
/// it can.
class ReplayChooser final : public Chooser {
 public:
  /// Throws std::invalid_argument if `schedule` is malformed.
  explicit ReplayChooser(const std::string& schedule);

  [[nodiscard]] std::string how_to_replay() const override;

 private:
  void begin_execution(std::uint64_t index) override;
  std::size_t pick_thread(const Candidates& candidates) override;
  std::size_t pick_value(std::size_t count) override;

  std::vector<std::size_t> given_;
  std::size_t depth_ = 0;
};

}  // namespace weft::inline v0_1::model
