// VersionCore: the number that broadcast and watch wait for.
//
// Invariants, with the mutex free:
//  - Each waiter in the list has seen the present version, and the core is open. So each advance,
//    and the close, concerns all waiters.
//  - The version only grows, by one at a time, and not after the close.
//  - A wake takes nothing: the woken waiter reads the value itself, later. So a cancelled wait
//    loses nothing.
//  - After the waiters were woken the core is touched only through the handle of the thread that
//    advanced or closed it.
#include <weft/detail/version_core.hpp>

#include <utility>

#include "base/check.hpp"

namespace weft::inline v0_1::detail {

namespace {

class ThreadVersionWaiter final : public VersionWaiter {
 public:
  explicit ThreadVersionWaiter(std::uint64_t seen) noexcept
      : VersionWaiter(&ThreadVersionWaiter::on_news, seen) {}
  void wait() noexcept { parker_.park(); }

 private:
  static void on_news(Runnable& self) noexcept {
    static_cast<ThreadVersionWaiter&>(self).parker_.unpark();
  }
  ThreadParker parker_;
};

}  // namespace

VersionCore::~VersionCore() {
  WEFT_CHECK(
      waiters_.first() == nullptr,
      "the last handle of a broadcast or watch is dropped while a task waits through it: end the "
      "task first (declare a Runtime after what its tasks use)");
}

Queued VersionCore::wait_with(VersionWaiter& waiter) noexcept {
  const Lock lock(mutex_);
  if (WaiterList::refuses(waiter)) return Queued::refused;
  if (version_ != waiter.seen() || closed_) {
    WaiterList::served_at_once(waiter);
    return Queued::served;
  }
  waiters_.append(waiter);
  return Queued::waiting;
}

bool VersionCore::withdraw(VersionWaiter& waiter) noexcept {
  const Lock lock(mutex_);
  return waiters_.withdraw(waiter);
}

void VersionCore::wait_on_thread(std::uint64_t seen, const char* what) {
  if (news_since(seen)) return;
  require_thread_may_block(what);
  ThreadVersionWaiter waiter(seen);
  if (wait_with(waiter) == Queued::waiting) waiter.wait();
}

void VersionCore::wake_all(Lock lock) noexcept {
  ServedList served;
  while (waiters_.first() != nullptr) waiters_.serve_first(served);
  lock.unlock();
  served.wake_all();
}

void VersionCore::advance(Lock lock) noexcept {
  ++version_;
  wake_all(std::move(lock));
}

void VersionCore::close() noexcept {
  Lock lock(mutex_);
  closed_ = true;
  wake_all(std::move(lock));
}

void VersionCore::side_gone(Side side) noexcept {
  // A broadcast or watch without receivers stays open: a sender can make new ones.
  if (side == Side::sender) close();
}

bool VersionCore::news_since(std::uint64_t seen) const noexcept {
  const Lock lock(mutex_);
  return version_ != seen || closed_;
}

std::uint64_t VersionCore::version() const noexcept {
  const Lock lock(mutex_);
  return version_;
}

bool VersionCore::closed() const noexcept {
  const Lock lock(mutex_);
  return closed_;
}

std::size_t VersionCore::waiting() const noexcept {
  const Lock lock(mutex_);
  return waiters_.size();
}

}  // namespace weft::inline v0_1::detail
