// Bridges between SharedResult and std::future, for code that uses the latter.
//
//   weft::SharedResult<int> shared = weft::from_std(std::async(work));
//   std::future<int> future = weft::to_std(shared);
#pragma once

#include <weft/promise.hpp>

#include <exception>
#include <future>
#include <thread>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// Returns a SharedResult of `future`. A std::future has no notification, so a thread of its own
/// waits for it, and ends then. That thread belongs to no runtime, so no runtime waits for it; for
/// a runtime's own work use share(). A deferred std::async runs on that thread. Throws
/// std::future_error (no_state) if `future` is empty, and std::system_error if no thread can be
/// started. Any thread.
template <class T>
SharedResult<T> from_std(std::future<T> future) {
  if (!future.valid()) throw std::future_error(std::future_errc::no_state);
  Promise<T> promise;
  SharedResult<T> shared = promise.result();
  auto wait = [promise = std::move(promise), future = std::move(future)]() mutable {
    try {
      if constexpr (std::is_void_v<T>) {
        future.get();
        promise.set_value();
      } else {
        promise.set_value(future.get());
      }
    } catch (...) {
      promise.set_error(std::current_exception());
    }
  };
  std::thread(std::move(wait)).detach();
  return shared;
}

namespace detail {

/// Waits for a shared result without a thread, and passes it on to a std::promise.
template <class T>
class StdForwarder final : private Waiter {
 public:
  static void start(SharedRef<T> result, std::promise<T> promise) {
    auto* const self = new StdForwarder(std::move(result), std::move(promise));
    if (self->result_->wait_with(*self) == Queued::served) self->hand_on();
  }

 private:
  StdForwarder(SharedRef<T> result, std::promise<T> promise) noexcept
      : Waiter(&StdForwarder::on_set), result_(std::move(result)), promise_(std::move(promise)) {}
  ~StdForwarder() = default;

  static void on_set(Runnable& self) noexcept { static_cast<StdForwarder&>(self).hand_on(); }
  /// Destroys this object as its last act.
  void hand_on() noexcept {
    try {
      if constexpr (std::is_void_v<T>) {
        result_->get();
        promise_.set_value();
      } else {
        promise_.set_value(result_->get());
      }
    } catch (...) {
      promise_.set_exception(std::current_exception());
    }
    delete this;
  }

  SharedRef<T> result_;
  std::promise<T> promise_;
};

}  // namespace detail

/// Returns a std::future that gets a copy of the result of `future`, or its error. If that was
/// cancelled, the error is IoError (errc::operation_canceled). No thread waits for the result.
/// Throws std::bad_alloc, and std::logic_error if `future` is empty. Any thread.
template <class T>
std::future<T> to_std(const SharedResult<T>& future) {
  std::promise<T> promise;
  std::future<T> given = promise.get_future();
  detail::StdForwarder<T>::start(future.state(), std::move(promise));
  return given;
}

}  // namespace weft::inline v0_1
