// Who goes next: the two strategies of the model checker. Called by the scheduler of
// <weft/model.hpp>, by the thread that holds the baton, hence by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <weft/model.hpp>

#include "base/random.hpp"

namespace weft::model {

/// The threads that could run now. Those that it costs no preemption to run stand first, and
/// foremost the current thread, if it is one of them.
struct Candidates {
  static constexpr std::size_t kMost = 8;

  std::size_t count = 0;
  std::size_t free_count = 0;  // the first so many cost no preemption
  bool current_first = false;
  std::size_t threads[kMost]{};
};

class Chooser {
 public:
  virtual ~Chooser() = default;

  /// Execution number `index` begins.
  virtual void begin(std::uint64_t index) = 0;

  /// An index into the candidates, of which there is at least one.
  virtual std::size_t choose(const Candidates& candidates) = 0;

  /// The execution has ended; false if it was the last.
  virtual bool advance() = 0;

  /// How to see the present execution again.
  [[nodiscard]] virtual std::string how_to_replay() const = 0;
};

/// Draws each choice. How readily it switches threads is drawn once an execution, so that both long
/// undisturbed runs and dense interleavings occur.
class RandomChooser final : public Chooser {
 public:
  explicit RandomChooser(std::uint64_t first_seed) : first_seed_(first_seed), random_(first_seed) {}

  void begin(std::uint64_t index) override;
  std::size_t choose(const Candidates& candidates) override;
  bool advance() override { return true; }
  [[nodiscard]] std::string how_to_replay() const override;
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

 private:
  std::uint64_t first_seed_;
  std::uint64_t seed_ = 0;
  Random random_;
  std::uint32_t stay_of_16_ = 0;  // in how many of 16 choices the current thread just goes on
};

/// Enumerates, depth first. A choice that would exceed the bound of preemptions is not offered.
class BoundedChooser final : public Chooser {
 public:
  explicit BoundedChooser(std::uint32_t bound) : bound_(bound) {}

  void begin(std::uint64_t index) override;
  std::size_t choose(const Candidates& candidates) override;
  bool advance() override;
  [[nodiscard]] std::string how_to_replay() const override;

 private:
  struct Choice {
    std::size_t picked;
    std::size_t offered;
  };

  std::uint32_t bound_;
  std::uint64_t index_ = 0;
  std::uint32_t preemptions_ = 0;
  std::size_t depth_ = 0;        // choices made so far in this execution
  std::vector<Choice> choices_;  // the path; begin() replays it, advance() moves to the next
};

}  // namespace weft::model
