// Pool<T>: a pool of objects that are expensive to make and needed for a short time: the buffers of
// the server's and the client's requests. Thread-safe; an object belongs to its lessee.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <weft/atomic.hpp>
#include <weft/http/message.hpp>

namespace weft::inline v0_1::http {

/// T is constructed from Limits; `recycle()` prepares an object for its next lessee and frees
/// excess memory. The object given back last is kept outside the mutex: a thread that takes and
/// gives in turn pays one exchange for each.
template <class T>
class Pool {
 public:
  explicit Pool(const Limits& limits) noexcept : limits_(limits) {}
  ~Pool() { delete latest_.load(std::memory_order_relaxed); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Throws std::bad_alloc.
  [[nodiscard]] std::unique_ptr<T> take() {
    // Acquire: pairs with the release of the thread that gave the object back.
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
      // Reserved here, where it may fail, so that give_back() cannot fail.
      kept_.reserve(kMostKept);
    }
    return std::make_unique<T>(limits_);
  }

  void give_back(std::unique_ptr<T> object) noexcept {
    object->recycle();
    // Acquire: for the object that is replaced. Release: for the object that is stored.
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

/// Leases one object of a pool for a scope.
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

}  // namespace weft::inline v0_1::http
