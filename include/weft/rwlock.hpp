// RwLock: many may read, or one may write; first come, first served.
//
//   weft::RwLock lock;
//   …
//   const weft::ReadGuard reading = co_await lock.read();      // in a fiber: await(lock.read())
//   weft::WriteGuard writing = co_await lock.write();
//   weft::ReadGuard rest = std::move(writing).downgrade();     // nobody writes in between
//
// Thread-safe: unlocked on any thread. Fair: a reader behind a writer that waits waits too, so
// neither kind starves; readers that follow each other are let in together. Waiting takes no
// memory. Not recursive: who reads and asks to read again may wait for a writer that waits for him.
#pragma once

#include <weft/detail/waitable_word.hpp>
#include <weft/extend/queue_op.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace weft {

namespace detail {
class ReadLockRequest;
class WriteLockRequest;
}  // namespace detail

class ReadGuard;
class WriteGuard;
namespace detail {

class ReadLockRequest;
class WriteLockRequest;

}  // namespace detail

class RwLock {
 public:
  RwLock() noexcept : word_(free) {}
  /// Nobody may be waiting. Whoever got the lock may destroy it, even if the unlocking that gave it
  /// has not returned.
  ~RwLock();

  /// Waits until it may read, together with others. No errors. Cancel: takes no lock; if it was
  /// granted before the cancel came, the guard is delivered.
  [[nodiscard]] QueueOp<detail::ReadLockRequest> read() noexcept;
  /// The same, to write alone.
  [[nodiscard]] QueueOp<detail::WriteLockRequest> write() noexcept;
  /// The same without waiting: an empty guard if it cannot be had, or others wait.
  [[nodiscard]] ReadGuard try_read() noexcept;
  [[nodiscard]] WriteGuard try_write() noexcept;
  /// The same for a thread that runs no tasks, which it blocks. Throws std::logic_error on one that
  /// does.
  [[nodiscard]] ReadGuard blocking_read();
  [[nodiscard]] WriteGuard blocking_write();

  /// How many read now. A moment later it may be another number.
  [[nodiscard]] std::size_t readers() const noexcept { return state() >> 1; }
  /// Whether somebody writes. A moment later it may be otherwise.
  [[nodiscard]] bool writing() const noexcept { return state() == writer; }
  /// How many wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept { return word_.waiting(); }

 private:
  friend class ReadGuard;
  friend class WriteGuard;
  friend class detail::ReadLockRequest;
  friend class detail::WriteLockRequest;

  // The number of the word: a bit for the writer, and twice the readers.
  static constexpr std::uintptr_t free = 0;
  static constexpr std::uintptr_t writer = 1;
  static constexpr std::uintptr_t reader = 2;

  /// What the one in the queue wants.
  class Node : public Waiter {
   public:
    explicit Node(Wake how) noexcept : Waiter(how) {}
    std::uintptr_t wants = free;  ///< writer or reader; written before it is queued

   protected:
    ~Node() = default;
  };

  /// Adds what `wants` is, if that is possible now.
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
  /// Replaces what the caller has by `rest`.
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

/// Lets its holder read, until it goes. Move-only; used by one thread at a time, any. It must not
/// outlive the lock.
class [[nodiscard]] ReadGuard {
 public:
  /// Empty.
  ReadGuard() noexcept = default;
  ReadGuard(ReadGuard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  ReadGuard& operator=(ReadGuard&& other) noexcept {
    ReadGuard moved(std::move(other));
    std::swap(lock_, moved.lock_);
    return *this;
  }
  ~ReadGuard() { unlock(); }

  /// Whether it holds anything.
  [[nodiscard]] explicit operator bool() const noexcept { return lock_ != nullptr; }
  /// Unlocks now.
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

/// The same for the one that writes.
class [[nodiscard]] WriteGuard {
 public:
  /// Empty.
  WriteGuard() noexcept = default;
  WriteGuard(WriteGuard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  WriteGuard& operator=(WriteGuard&& other) noexcept {
    WriteGuard moved(std::move(other));
    std::swap(lock_, moved.lock_);
    return *this;
  }
  ~WriteGuard() { unlock(); }

  /// Whether it holds anything.
  [[nodiscard]] explicit operator bool() const noexcept { return lock_ != nullptr; }
  /// Unlocks now.
  void unlock() noexcept {
    if (lock_ != nullptr) std::exchange(lock_, nullptr)->give_back(RwLock::writer);
  }
  /// Goes on as a reader, without a moment in which another could write; the readers that wait
  /// first in the queue are let in as well. Never waits. An empty guard gives an empty one.
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

/// How QueueOp waits to read.
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

/// How QueueOp waits to write.
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

}  // namespace weft
