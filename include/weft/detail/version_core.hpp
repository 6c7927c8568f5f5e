// VersionCore: a number that only grows, and waiters for a number other than the one they have
// seen. The base of <weft/broadcast.hpp>, whose number counts values, and of <weft/watch.hpp>,
// whose number counts changes. For authors of ways to wait. The proof: src/sync/version.cpp.
#pragma once

#include <weft/detail/handle_counts.hpp>
#include <weft/extend/waiter_leaf.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace weft::inline v0_1::detail {

/// Waits for a version other than `seen`, or for the close.
class VersionWaiter : public Waiter {
 public:
  VersionWaiter(Wake how, std::uint64_t seen) noexcept : Waiter(how), seen_(seen) {}
  [[nodiscard]] std::uint64_t seen() const noexcept { return seen_; }

 protected:
  ~VersionWaiter() = default;

 private:
  std::uint64_t seen_;
};

class VersionCore : public HandleCounts {
 public:
  /// Queues `waiter`, unless the version has changed or the core is closed.
  [[nodiscard]] Queued wait_with(VersionWaiter& waiter) noexcept;
  /// Takes the waiter back. True: it will not be woken. False: it is being woken. Before
  /// wait_with(): makes it refuse, and returns false.
  [[nodiscard]] bool withdraw(VersionWaiter& waiter) noexcept;
  /// Blocks the calling thread until there is news. Throws std::logic_error, naming `what`, on a
  /// thread that runs weft tasks, if it would have to wait.
  void wait_on_thread(std::uint64_t seen, const char* what);

  /// Whether the version is no longer `seen`, or the core is closed.
  [[nodiscard]] bool news_since(std::uint64_t seen) const noexcept;
  [[nodiscard]] std::uint64_t version() const noexcept;
  [[nodiscard]] bool closed() const noexcept;
  /// The number of waiters; it may be outdated when this returns.
  [[nodiscard]] std::size_t waiting() const noexcept;
  /// Closes the core: the version does not change any more. Any thread, any number of times.
  void close() noexcept;

 protected:
  using Lock = std::unique_lock<ThreadMutex>;

  VersionCore() noexcept = default;
  ~VersionCore();

  /// With the mutex held: increments the version, unlocks, and wakes all waiters.
  void advance(Lock lock) noexcept;

  mutable ThreadMutex mutex_;
  std::uint64_t version_ = 0;  // guarded by mutex_, as is all that follows
  bool closed_ = false;

 private:
  void side_gone(Side side) noexcept override;
  void wake_all(Lock lock) noexcept;

  WaiterList waiters_;  // all are VersionWaiters
};

/// The leaf of a task that waits for news.
class VersionLeaf final : public WaiterLeaf<VersionLeaf>, public VersionWaiter {
 public:
  VersionLeaf(VersionCore& core, std::uint64_t seen) noexcept
      : VersionWaiter(&VersionLeaf::on_news, seen), core_(core) {}

 private:
  friend class weft::WaiterLeaf<VersionLeaf>;
  static void on_news(Runnable& self) noexcept { static_cast<VersionLeaf&>(self).served(); }
  [[nodiscard]] Queued queue() noexcept { return core_.wait_with(*this); }
  [[nodiscard]] bool withdraw() noexcept { return core_.withdraw(*this); }

  VersionCore& core_;
};

}  // namespace weft::inline v0_1::detail
