// RwLock: many readers, or one writer; first come, first served.
//
//   weft::RwLock lock;
//   …
//   const weft::ReadGuard reading = co_await lock.read();      // in a fiber: await(lock.read())
//   weft::WriteGuard writing = co_await lock.write();
//   weft::ReadGuard rest = std::move(writing).downgrade();     // no writer in between
//
// Thread-safe: may be unlocked on any thread. Fair: a reader behind a waiting writer waits, so
// neither readers nor writers starve; adjacent waiting readers are admitted together. Waiting
// allocates nothing. Not recursive: a reader that locks again may wait for a writer that waits for
// that reader.
#pragma once

#include <weft/detail/waitable_word.hpp>
#include <weft/extend/queue_op.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {
class ReadLockRequest;
class WriteLockRequest;
}  // namespace detail

class ReadGuard;
class WriteGuard;

class RwLock {
 public:
  RwLock() noexcept : word_(free) {}
  /// Precondition: there are no waiters. The task that got the lock may destroy it, even if the
  /// unlock that handed it over has not returned.
  ~RwLock();

  /// Waits until the caller may read, together with other readers. No errors. Cancel: takes no
  /// lock; if the lock was granted before the cancel, the guard is delivered.
  [[nodiscard]] QueueOp<detail::ReadLockRequest> read() noexcept;
  /// Waits until the caller may write, alone; otherwise as read().
  [[nodiscard]] QueueOp<detail::WriteLockRequest> write() noexcept;
  /// Lock without waiting; return an empty guard if the lock is not free for it, or if there are
  /// waiters.
  [[nodiscard]] ReadGuard try_read() noexcept;
  [[nodiscard]] WriteGuard try_write() noexcept;
  /// Do the same, blocking the calling thread. Throw std::logic_error on a thread that runs tasks.
  [[nodiscard]] ReadGuard blocking_read();
  [[nodiscard]] WriteGuard blocking_write();

  /// Returns the number of readers. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t readers() const noexcept { return state() >> 1; }
  /// Returns whether there is a writer. That may have changed by the time it is returned.
  [[nodiscard]] bool writing() const noexcept { return state() == writer; }
  /// Returns the number of waiters. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t waiting() const noexcept { return word_.waiting(); }

 private:
  friend class ReadGuard;
  friend class WriteGuard;
  friend class detail::ReadLockRequest;
  friend class detail::WriteLockRequest;

  // The number of the word: a bit for the writer, plus twice the number of readers.
  static constexpr std::uintptr_t free = 0;
  static constexpr std::uintptr_t writer = 1;
  static constexpr std::uintptr_t reader = 2;

  /// A waiter and the access that it waits for.
  class Node : public Waiter {
   public:
    explicit Node(Wake how) noexcept : Waiter(how) {}
    std::uintptr_t wants = free;  ///< writer or reader; written before it is queued

   protected:
    ~Node() = default;
  };

  /// Adds `wants` if that is possible now; returns whether it did.
  static bool add(std::uintptr_t& number, std::uintptr_t wants) noexcept {
    if (wants == writer ? number != free : (number & writer) != 0) return false;
    number += wants;
    return true;
  }
  [[nodiscard]] std::uintptr_t state() const noexcept {
    return word_.number(std::memory_order_relaxed);  // relaxed: orders nothing
  }
  [[nodiscard]] bool take(std::uintptr_t wants) noexcept {
    // Acquire: pairs with the release in give_back() and downgrade().
    return word_.change([wants](std::uintptr_t& number) { return add(number, wants); },
                        std::memory_order_acquire);
  }
  /// Replaces the caller's share `had` by `rest`.
  void give_back(std::uintptr_t had, std::uintptr_t rest = free) noexcept {
    const auto step = [had, rest](std::uintptr_t& number) {
      number = number - had + rest;
      return true;
    };
    // Release: pairs with the acquire in take().
    while (!word_.change(step, std::memory_order_release)) {
      if (give_to_waiters(had, rest)) return;
    }
  }
  [[nodiscard]] bool give_to_waiters(std::uintptr_t had, std::uintptr_t rest) noexcept;
  [[nodiscard]] Queued wait_with(Node& node, std::uintptr_t wants) noexcept;
  [[nodiscard]] bool withdraw(Node& node) noexcept;
  static void grant(detail::WaitableWord::Held& held, ServedList& served) noexcept;

  detail::WaitableWord word_;
};

/// Holds the lock for reading; the destructor unlocks it. Move-only. Used by one thread at a time,
/// which may change. Must not outlive the lock.
class [[nodiscard]] ReadGuard {
 public:
  ReadGuard() noexcept = default;
  ReadGuard(ReadGuard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  ReadGuard& operator=(ReadGuard&& other) noexcept {
    ReadGuard moved(std::move(other));
    std::swap(lock_, moved.lock_);
    return *this;
  }
  ~ReadGuard() { unlock(); }

  /// Returns whether it holds a lock.
  [[nodiscard]] explicit operator bool() const noexcept { return lock_ != nullptr; }
  /// Unlocks now; no effect if it is empty.
  void unlock() noexcept {
    if (lock_ != nullptr) std::exchange(lock_, nullptr)->give_back(RwLock::reader);
  }

 private:
  friend class detail::ReadLockRequest;
  friend class RwLock;
  friend class WriteGuard;
  explicit ReadGuard(RwLock& lock) noexcept : lock_(&lock) {}

  RwLock* lock_ = nullptr;
};

/// Holds the lock for writing; otherwise as ReadGuard.
class [[nodiscard]] WriteGuard {
 public:
  WriteGuard() noexcept = default;
  WriteGuard(WriteGuard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  WriteGuard& operator=(WriteGuard&& other) noexcept {
    WriteGuard moved(std::move(other));
    std::swap(lock_, moved.lock_);
    return *this;
  }
  ~WriteGuard() { unlock(); }

  /// Returns whether it holds a lock.
  [[nodiscard]] explicit operator bool() const noexcept { return lock_ != nullptr; }
  /// Unlocks now; no effect if it is empty.
  void unlock() noexcept {
    if (lock_ != nullptr) std::exchange(lock_, nullptr)->give_back(RwLock::writer);
  }
  /// Turns the write lock into a read lock, without a moment in which another writer could lock.
  /// Admits the readers at the front of the queue, too. Never waits. An empty guard returns an
  /// empty one.
  [[nodiscard]] ReadGuard downgrade() && noexcept {
    if (lock_ == nullptr) return {};
    lock_->give_back(RwLock::writer, RwLock::reader);
    return ReadGuard(*std::exchange(lock_, nullptr));
  }

 private:
  friend class RwLock;
  friend class detail::WriteLockRequest;
  explicit WriteGuard(RwLock& lock) noexcept : lock_(&lock) {}

  RwLock* lock_ = nullptr;
};

namespace detail {

/// The request of RwLock::read(), for QueueOp.
class ReadLockRequest {
 public:
  using Node = RwLock::Node;
  explicit ReadLockRequest(RwLock& lock) noexcept : lock_(&lock) {}

  [[nodiscard]] bool take(Node&) noexcept { return lock_->take(RwLock::reader); }
  [[nodiscard]] Queued queue(Node& node) noexcept { return lock_->wait_with(node, RwLock::reader); }
  [[nodiscard]] bool withdraw(Node& node) noexcept { return lock_->withdraw(node); }
  [[nodiscard]] ReadGuard result(Node&) noexcept { return ReadGuard(*lock_); }

 private:
  RwLock* lock_;
};

/// The request of RwLock::write(), for QueueOp.
class WriteLockRequest {
 public:
  using Node = RwLock::Node;
  explicit WriteLockRequest(RwLock& lock) noexcept : lock_(&lock) {}

  [[nodiscard]] bool take(Node&) noexcept { return lock_->take(RwLock::writer); }
  [[nodiscard]] Queued queue(Node& node) noexcept { return lock_->wait_with(node, RwLock::writer); }
  [[nodiscard]] bool withdraw(Node& node) noexcept { return lock_->withdraw(node); }
  [[nodiscard]] WriteGuard result(Node&) noexcept { return WriteGuard(*lock_); }

 private:
  RwLock* lock_;
};

}  // namespace detail

inline QueueOp<detail::ReadLockRequest> RwLock::read() noexcept {
  return QueueOp<detail::ReadLockRequest>(detail::ReadLockRequest(*this));
}
inline QueueOp<detail::WriteLockRequest> RwLock::write() noexcept {
  return QueueOp<detail::WriteLockRequest>(detail::WriteLockRequest(*this));
}
inline ReadGuard RwLock::try_read() noexcept {
  return take(reader) ? ReadGuard(*this) : ReadGuard();
}
inline WriteGuard RwLock::try_write() noexcept {
  return take(writer) ? WriteGuard(*this) : WriteGuard();
}

}  // namespace weft::inline v0_1
