// Pool<T>: objects that are costly to make and needed for a short while: the slots of server and
// client. Thread-safe; an object itself belongs to whoever leases it.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <weft/atomic.hpp>
#include <weft/http_message.hpp>

namespace weft::http {

/// T is made from Limits; `recycle()` makes one ready for its next user and gives back excessive
/// memory.
template <class T>
class Pool {
 public:
  explicit Pool(const Limits& limits) noexcept : limits_(limits) {}

  /// Throws std::bad_alloc.
  [[nodiscard]] std::unique_ptr<T> take() {
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
    std::lock_guard lock(mutex_);
    if (kept_.size() < kMostKept) kept_.push_back(std::move(object));
  }

 private:
  static constexpr std::size_t kMostKept = 256;

  const Limits limits_;
  Mutex mutex_;
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
