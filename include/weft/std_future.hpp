// Bridges between SharedResult and std::future, for code that speaks of the latter.
#pragma once

#include <weft/promise.hpp>

#include <exception>
#include <future>
#include <thread>
#include <type_traits>
#include <utility>

namespace weft {

/// What `future` gives, as a SharedResult. A std::future does not tell when it is ready: a thread
/// of its own waits for it, and ends when it is. That thread belongs to no runtime, so no runtime
/// waits for it; give a runtime's own work to share() instead. A deferred std::async runs on that
/// thread. Throws std::future_error (no_state) if `future` is empty, and std::system_error if there
/// can be no thread. Any thread may call it.
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

/// Waits for a shared result without a thread, to hand it on to a std::promise.
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
  /// The last act: destroys itself.
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

/// A std::future that gets a copy of what `future` gives, or its error; for a cancelled one IoError
/// (errc::operation_canceled). No thread waits for that. Throws std::bad_alloc, and
/// std::logic_error if `future` is empty. Any thread may call it.
template <class T>
std::future<T> to_std(const SharedResult<T>& future) {
  std::promise<T> promise;
  std::future<T> given = promise.get_future();
  detail::StdForwarder<T>::start(future.state(), std::move(promise));
  return given;
}

}  // namespace weft
