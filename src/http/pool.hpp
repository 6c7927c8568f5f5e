// Pool<T>: objects that are costly to make and needed for a short while: the slots of server and
// client. Thread-safe; an object itself belongs to whoever leases it.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <weft/atomic.hpp>
#include <weft/http/message.hpp>

namespace weft::http {

/// T is made from Limits; `recycle()` makes one ready for its next user and gives back excessive
/// memory. The object that was given back last stands outside the mutex: where one thread takes and
/// gives by turns, that is an exchange each.
template <class T>
class Pool {
 public:
  explicit Pool(const Limits& limits) noexcept : limits_(limits) {}
  ~Pool() { delete latest_.load(std::memory_order_relaxed); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Throws std::bad_alloc.
  [[nodiscard]] std::unique_ptr<T> take() {
    // Acquire: pairs with the release of the thread that gave it back.
    if (T* const object = latest_.exchange(nullptr, std::memory_order_acquire)) {
      return std::unique_ptr<T>(object);
    }
    {
      std::lock_guard lock(mutex_);
      if (!kept_.empty()) {
        std::unique_ptr<T> object = std::move(kept_.back());
        kept_.pop_back();
        return object;
      }
      // Here, where it may fail, so that give_back() cannot.
      kept_.reserve(kMostKept);
    }
    return std::make_unique<T>(limits_);
  }

  void give_back(std::unique_ptr<T> object) noexcept {
    object->recycle();
    // Acquire for the one that is pushed out, release for the one that is put there.
    object.reset(latest_.exchange(object.release(), std::memory_order_acq_rel));
    if (object == nullptr) return;
    std::lock_guard lock(mutex_);
    if (kept_.size() < kMostKept) kept_.push_back(std::move(object));
  }

 private:
  static constexpr std::size_t kMostKept = 256;

  const Limits limits_;
  Atomic<T*> latest_{nullptr};
  ThreadMutex mutex_;
  std::vector<std::unique_ptr<T>> kept_;  // guarded by mutex_
};

/// One object of a pool, for a scope.
template <class T>
class Lease {
 public:
  explicit Lease(Pool<T>& pool) : pool_(pool), object_(pool.take()) {}
  ~Lease() { pool_.give_back(std::move(object_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  [[nodiscard]] T& operator*() const noexcept { return *object_; }

 private:
  Pool<T>& pool_;
  std::unique_ptr<T> object_;
};

}  // namespace weft::http
