// Asio and weft, in both directions: on_asio() awaits an Asio coroutine in a task, on_weft() awaits
// a task in an Asio coroutine. Each runs where it belongs: nothing of Asio on a worker of weft, and
// no task on a thread of the io_context. A cancel crosses in both directions.
#pragma once

#define ASIO_STANDALONE      // without Boost
#define ASIO_HAS_CO_AWAIT 1  // Asio 1.22 does not look for it in recent versions of clang

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <weft/weft.hpp>

namespace foreign {

/// What the two sides of an on_asio() share.
template <class T>
struct AsioCall {
  weft::Promise<T> promise;
  weft::ManualResetEvent ended;
  asio::cancellation_signal cancel;  // used on the executor alone
};

// [on_asio]
/// Runs an Asio coroutine on `executor`, one thread or a strand, and gives its result. T: not void,
/// and it has a default constructor, as Asio demands. The io_context must run until it has ended.
/// Cancel: cancels the coroutine (cancellation_type::terminal), and waits for its end.
template <class T>
weft::Task<T> on_asio(asio::any_io_executor executor, asio::awaitable<T> work) {
  auto call = std::make_shared<AsioCall<T>>();
  auto done = [call](std::exception_ptr error, T value) {
    if (error != nullptr) {
      call->promise.set_error(std::move(error));
    } else {
      call->promise.set_value(std::move(value));
    }
    call->ended.set();
  };
  asio::post(executor, [call, executor, work = std::move(work), done]() mutable {
    auto cancellable = asio::bind_cancellation_slot(call->cancel.slot(), std::move(done));
    asio::co_spawn(executor, std::move(work), std::move(cancellable));
  });
  auto wait = [call]() -> weft::Task<T> {
    const weft::SharedResult<T> result = call->promise.result();
    co_return co_await result;
  };
  auto clean_up = [call, executor]() -> weft::Task<void> {
    if (!call->ended.is_set()) {
      asio::post(executor, [call] { call->cancel.emit(asio::cancellation_type::terminal); });
      co_await call->ended.wait();
    }
  };
  co_return co_await weft::finally(std::ref(wait), std::ref(clean_up));
}
// [/on_asio]

// [on_weft]
/// Runs a task on `runtime`, and gives its result in an Asio coroutine: `co_await on_weft(…)`.
/// T: as for on_asio(). Cancel: cancels the task and waits for its end, which is an IoError
/// (operation_canceled) unless it got its result.
template <class T>
asio::awaitable<T> on_weft(weft::Runtime& runtime, weft::Task<T> task) {
  auto start = [&runtime](auto handler, weft::Task<T> work) {
    // As long as there is this guard, the io_context has something to wait for.
    auto guard = asio::make_work_guard(asio::get_associated_executor(handler));
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto started = std::make_shared<std::optional<weft::JoinHandle<void>>>();
    if (slot.is_connected())  // first, since the task may end at once
      slot.assign([started](asio::cancellation_type) { (*started)->cancel(); });
    auto hand_back = [guard, slot, handler = std::move(handler)](weft::Outcome<T> end) mutable {
      const auto executor = guard.get_executor();
      asio::post(executor, [guard = std::move(guard), slot, handler = std::move(handler),
                            end = std::move(end)]() mutable {
        slot.clear();
        std::exception_ptr error;
        T value{};
        try {
          value = end.take();
        } catch (...) {
          error = std::current_exception();  // the task's, or that it was cancelled
        }
        std::move(handler)(error, std::move(value));
      });
    };
    const auto there = weft::SpawnOptions().owner(runtime);
    *started = weft::on_complete(there, std::move(work), std::move(hand_back));
  };
  return asio::async_initiate<const asio::use_awaitable_t<>&, void(std::exception_ptr, T)>(
      start, asio::use_awaitable, std::move(task));
}
// [/on_weft]

}  // namespace foreign
