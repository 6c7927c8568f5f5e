// OwnedPermit, OwnedMutexGuard, OwnedReadGuard, OwnedWriteGuard: what a Semaphore, Mutex or RwLock
// grants, together with a share in the lock itself.
//
//   auto connections = std::make_shared<weft::Semaphore>(8);
//   …
//   weft::OwnedPermit permit = co_await weft::acquire_owned(connections);
//   weft::spawn(talk, std::move(permit));   // may outlive the variable `connections`
//
// A Permit or MutexGuard must not outlive its lock. These may: they keep it. For guards that move
// into tasks, and for locks that belong to an object which may be gone first. The wait keeps the
// lock, too. Else all is as with the plain guards: order, fairness, what a cancel does.
#pragma once

#include <weft/detail/misuse.hpp>
#include <weft/extend/queue_op.hpp>
#include <weft/mutex.hpp>
#include <weft/rwlock.hpp>
#include <weft/semaphore.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace weft::inline v0_1 {

/// A guard and a share in its lock. The destructor releases the guard, and then the share.
/// Move-only. Used by one thread at a time, which may change.
template <class Lock, class Guard>
class [[nodiscard]] OwnedGuard {
 public:
  OwnedGuard() noexcept = default;
  OwnedGuard(std::shared_ptr<Lock> lock, Guard guard) noexcept
      : lock_(std::move(lock)), guard_(std::move(guard)) {}
  OwnedGuard(OwnedGuard&&) noexcept = default;
  OwnedGuard& operator=(OwnedGuard&& other) noexcept {
    OwnedGuard moved(std::move(other));
    std::swap(lock_, moved.lock_);
    std::swap(guard_, moved.guard_);
    return *this;
  }
  ~OwnedGuard() = default;

  /// Returns whether it holds what its lock grants.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(guard_); }
  /// Returns the lock; null if this was never granted, or moved from.
  [[nodiscard]] const std::shared_ptr<Lock>& lock() const noexcept { return lock_; }
  /// Returns the plain guard, for what else it offers: permits(), forget(), downgrade().
  [[nodiscard]] Guard& guard() noexcept { return guard_; }
  /// Releases now what it holds, and its share in the lock; no effect if it is empty.
  void release() noexcept { const OwnedGuard released(std::move(*this)); }

 private:
  std::shared_ptr<Lock> lock_;  // before the guard, and so destroyed after it
  Guard guard_;
};

using OwnedPermit = OwnedGuard<Semaphore, Permit>;
using OwnedMutexGuard = OwnedGuard<Mutex, MutexGuard>;
using OwnedReadGuard = OwnedGuard<RwLock, ReadGuard>;
using OwnedWriteGuard = OwnedGuard<RwLock, WriteGuard>;

namespace detail {

/// The same request as `Request`, which keeps the lock.
template <class Lock, class Guard, class Request>
class OwnedRequest {
 public:
  using Node = typename Request::Node;
  OwnedRequest(std::shared_ptr<Lock> lock, Request request) noexcept
      : lock_(std::move(lock)), request_(request) {}

  [[nodiscard]] bool take(Node& node) noexcept { return request_.take(node); }
  [[nodiscard]] Queued queue(Node& node) noexcept { return request_.queue(node); }
  [[nodiscard]] bool withdraw(Node& node) noexcept { return request_.withdraw(node); }
  [[nodiscard]] OwnedGuard<Lock, Guard> result(Node& node) noexcept(
      noexcept(request_.result(node))) {
    Guard guard = request_.result(node);
    return OwnedGuard<Lock, Guard>(lock_, std::move(guard));
  }

 private:
  std::shared_ptr<Lock> lock_;
  Request request_;
};

using OwnedAcquireRequest = OwnedRequest<Semaphore, Permit, AcquireRequest>;
using OwnedLockRequest = OwnedRequest<Mutex, MutexGuard, LockRequest>;
using OwnedReadRequest = OwnedRequest<RwLock, ReadGuard, ReadLockRequest>;
using OwnedWriteRequest = OwnedRequest<RwLock, WriteGuard, WriteLockRequest>;

template <class Lock>
[[nodiscard]] Lock& lock_of(const std::shared_ptr<Lock>& lock) noexcept {
  if (lock == nullptr) [[unlikely]]
    misused("weft: an owned guard", "there is no lock: pass a std::shared_ptr that has one");
  return *lock;
}

template <class Lock, class Guard>
[[nodiscard]] OwnedGuard<Lock, Guard> owned(std::shared_ptr<Lock> lock, Guard guard) noexcept {
  if (!guard) return {};
  return OwnedGuard<Lock, Guard>(std::move(lock), std::move(guard));
}

}  // namespace detail

// Each does what the member function without `_owned` does, with the same errors. The pointer must
// not be null.

[[nodiscard]] inline QueueOp<detail::OwnedAcquireRequest> acquire_owned(
    std::shared_ptr<Semaphore> semaphore, std::size_t permits = 1) noexcept {
  const detail::AcquireRequest request(detail::lock_of(semaphore), permits);
  return QueueOp<detail::OwnedAcquireRequest>(
      detail::OwnedAcquireRequest(std::move(semaphore), request));
}
[[nodiscard]] inline OwnedPermit try_acquire_owned(std::shared_ptr<Semaphore> semaphore,
                                                   std::size_t permits = 1) noexcept {
  Permit permit = detail::lock_of(semaphore).try_acquire(permits);
  return detail::owned(std::move(semaphore), std::move(permit));
}
[[nodiscard]] inline QueueOp<detail::OwnedLockRequest> lock_owned(
    std::shared_ptr<Mutex> mutex) noexcept {
  const detail::LockRequest request(detail::lock_of(mutex));
  return QueueOp<detail::OwnedLockRequest>(detail::OwnedLockRequest(std::move(mutex), request));
}
[[nodiscard]] inline OwnedMutexGuard try_lock_owned(std::shared_ptr<Mutex> mutex) noexcept {
  MutexGuard guard = detail::lock_of(mutex).try_lock();
  return detail::owned(std::move(mutex), std::move(guard));
}
[[nodiscard]] inline QueueOp<detail::OwnedReadRequest> read_owned(
    std::shared_ptr<RwLock> lock) noexcept {
  const detail::ReadLockRequest request(detail::lock_of(lock));
  return QueueOp<detail::OwnedReadRequest>(detail::OwnedReadRequest(std::move(lock), request));
}
[[nodiscard]] inline OwnedReadGuard try_read_owned(std::shared_ptr<RwLock> lock) noexcept {
  ReadGuard guard = detail::lock_of(lock).try_read();
  return detail::owned(std::move(lock), std::move(guard));
}
[[nodiscard]] inline QueueOp<detail::OwnedWriteRequest> write_owned(
    std::shared_ptr<RwLock> lock) noexcept {
  const detail::WriteLockRequest request(detail::lock_of(lock));
  return QueueOp<detail::OwnedWriteRequest>(detail::OwnedWriteRequest(std::move(lock), request));
}
[[nodiscard]] inline OwnedWriteGuard try_write_owned(std::shared_ptr<RwLock> lock) noexcept {
  WriteGuard guard = detail::lock_of(lock).try_write();
  return detail::owned(std::move(lock), std::move(guard));
}

}  // namespace weft::inline v0_1
