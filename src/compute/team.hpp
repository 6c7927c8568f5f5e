// Team: the threads that compute for a runtime, apart from its workers, so that tasks and I/O go on
// meanwhile. The first work starts them; without work they sleep. Owned by the runtime, which makes
// it current() on its workers. Called by parallel() (src/compute/parallel.cpp).
//
// Thread-safety: submit(), withdraw() and cancel() from any thread; stop() from one thread that is
// not a member.
// Invariants:
//  - a root that submit() has taken is run once, by one member, unless withdraw() took it back;
//  - while a root runs or is queued (active_ != 0), no member sleeps for longer than nap_limit.
//    Otherwise all sleep until there is a root.
#pragma once

#include <weft/detail/fork_join.hpp>
#include <weft/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace weft::inline v0_1::detail {

class Team {
 public:
  /// `members`: the number of threads; 0: one for each core that this process may use.
  explicit Team(std::size_t members) noexcept : size_(members) {}
  /// As stop().
  ~Team() { stop(); }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// The team of the calling thread's runtime, or null.
  [[nodiscard]] static Team* current() noexcept;

  /// Whether the calling thread is one of its members.
  [[nodiscard]] bool is_on_member() const noexcept;

  /// Queues `root`. Takes nothing on an error: the team has stopped, or no thread can be started.
  [[nodiscard]] Result<void> submit(ForkRoot& root) noexcept;
  /// Takes back a root that no member has begun. False: a member has begun it.
  [[nodiscard]] bool withdraw(ForkRoot& root) noexcept;
  /// Makes every fork of the root's region throw from now on. The flag is relaxed:
  /// look_at_region() publishes it, and a fork that sees it late throws later.
  void cancel(ForkRegion& region) noexcept;
  /// The number of roots submitted, and of roots that have ended or were taken back: see
  /// BlockingPool.
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

  /// The longest sleep of a member while another one computes and had nothing to give.
  static constexpr std::chrono::microseconds nap_limit{500};

  void make_members();
  [[nodiscard]] std::error_code start() noexcept;
  [[nodiscard]] ForkRoot* take_root() noexcept;
  void root_ended() noexcept;
  /// Relaxed: a member that sees work too late was woken for it, and looks again.
  [[nodiscard]] bool active() const noexcept {
    return active_.load(std::memory_order_relaxed) != 0;
  }
  [[nodiscard]] bool stopping() const noexcept {
    return stopping_.load(std::memory_order_relaxed);  // relaxed: written before the wake
  }
  void request_stop() noexcept;
  void wake_all() noexcept;

  std::size_t size_;
  ThreadMutex mutex_;  // guards the next three, and the making of members_
  ForkRoot* first_ = nullptr;
  ForkRoot* last_ = nullptr;  // valid only while first_ is not null
  std::vector<std::thread> threads_;
  std::vector<std::unique_ptr<TeamMember>> members_;  // constant once the threads start
  Atomic<std::size_t> active_{0};                     // roots that are queued or run
  Atomic<bool> stopping_{false};
  Atomic<std::uint64_t> submitted_{0};
  Atomic<std::uint64_t> ended_{0};
};

}  // namespace weft::inline v0_1::detail
