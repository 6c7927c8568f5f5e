// Team: the threads that compute for a runtime: started with the first work, asleep without any.
// Apart from the workers, so that tasks and I/O go on while it computes. Owned by the runtime,
// which makes it current() on its workers.
//
// Thread-safety: submit(), withdraw() and cancel() from any thread; stop() from one that is none of
// the team's.
//
// Invariants:
//  - a root that was taken by submit() is run once, by one member, unless withdraw() took it back;
//  - while a root runs or is queued (active_ != 0) no member sleeps for longer than nap_limit; else
//    all sleep until there is one.
#pragma once

#include <weft/detail/fork_join.hpp>
#include <weft/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace weft::detail {

class Team {
 public:
  /// Of that many threads; 0: one a core that this process may use.
  explicit Team(std::size_t members) noexcept : size_(members) {}
  /// As stop().
  ~Team() { stop(); }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// That of the calling thread's runtime, or null.
  [[nodiscard]] static Team* current() noexcept;

  /// Queues `root`. On an error (the team has stopped; no thread can be started) it has not been
  /// taken.
  [[nodiscard]] Result<void> submit(ForkRoot& root) noexcept;
  /// Takes a root back that nobody has begun. False: it has been begun.
  [[nodiscard]] bool withdraw(ForkRoot& root) noexcept;
  /// Has all forks of the root's region throw from now on.
  void cancel(ForkRegion& region) noexcept;
  /// Roots that were submitted, and that have ended or were taken back: see BlockingPool.
  [[nodiscard]] std::uint64_t submitted() const noexcept {
    return submitted_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t ended() const noexcept {
    return ended_.load(std::memory_order_acquire);
  }
  /// Runs what is queued, then ends all threads. Idempotent.
  void stop() noexcept;

 private:
  friend class TeamMember;
  friend class TeamUnderModel;

  /// How long a member sleeps at most while another computes and had nothing to give.
  static constexpr std::chrono::microseconds nap_limit{500};

  void make_members();
  [[nodiscard]] std::error_code start() noexcept;
  [[nodiscard]] ForkRoot* take_root() noexcept;
  void root_ended() noexcept;
  /// Relaxed: who sees work too late was woken for it, and looks again.
  [[nodiscard]] bool active() const noexcept {
    return active_.load(std::memory_order_relaxed) != 0;
  }
  [[nodiscard]] bool stopping() const noexcept {
    return stopping_.load(std::memory_order_relaxed);  // relaxed: written before the wake
  }
  void request_stop() noexcept;
  void wake_all() noexcept;

  std::size_t size_;
  ThreadMutex mutex_;  // guards the next three, and that there are members
  ForkRoot* first_ = nullptr;
  ForkRoot* last_ = nullptr;  // meaningless while there is no first
  std::vector<std::thread> threads_;
  std::vector<std::unique_ptr<TeamMember>> members_;  // as the threads start; then never changed
  Atomic<std::size_t> active_{0};                     // roots that are queued or run
  Atomic<bool> stopping_{false};
  Atomic<std::uint64_t> submitted_{0};
  Atomic<std::uint64_t> ended_{0};
};

}  // namespace weft::detail
