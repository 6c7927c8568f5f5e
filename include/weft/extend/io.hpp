// IoOp<R>: an I/O operation as an awaitable. The base of all network operations.
//
// The awaitable (IoOp) is a small movable description. The awaiter made from it at `co_await` holds
// the Operation and never moves (decision 004). A new operation is a request type R (see IoRequest)
// and a function that returns IoOp<R>.
#pragma once

#include <weft/extend/operation.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <utility>

namespace weft::inline v0_1 {

/// The part of an I/O awaiter that needs no template: start, suspend, cancel, confirm, resume.
class OperationLeaf : public Operation, private CancelMessage {
 public:
  OperationLeaf() noexcept
      : Operation(OperationKind::poll, nullptr, &OperationLeaf::on_complete),
        CancelMessage(&OperationLeaf::on_cancel_request) {}
  /// For an operation that may be started again: `on_end` calls completed() with the Again that
  /// suspend() got.
  explicit OperationLeaf(Complete on_end) noexcept
      : Operation(OperationKind::poll, nullptr, on_end),
        CancelMessage(&OperationLeaf::on_cancel_request) {}
  OperationLeaf(const OperationLeaf&) = delete;
  OperationLeaf& operator=(const OperationLeaf&) = delete;
  /// Ends the use of the source: until then its handle stays open (see Source).
  ~OperationLeaf();

  /// Reads a terminal result. True: start the operation again for the rest (write_all).
  using Again = bool (*)(OperationLeaf&) noexcept;

  /// Starts the operation for the task of `innermost`. False: it has ended in place; go on at once.
  [[nodiscard, gnu::noinline]] bool suspend(PromiseBase& innermost, Again again = nullptr) noexcept;

 protected:
  void completed(Again again) noexcept;

 private:
  static void on_complete(Operation& self) noexcept;
  static void on_cancel_request(CancelHook& self) noexcept;
  [[nodiscard, gnu::always_inline]] inline bool start_until_pending(Again again) noexcept;
  [[nodiscard]] inline bool begin_use(Source* on) noexcept;
  bool end_early() noexcept;
  [[nodiscard]] bool ended_cancelled() const noexcept;

  TaskHeader* task_ = nullptr;
};

/// The requirements on a request. prepare() fills in kind, source and arguments; the request is in
/// the awaiter until the end, so the operation may point into it. finish() turns the terminal
/// result (see OperationKind; negative: -errno) into the value or an error code. error() makes the
/// exception for such a code, with operation and address. Optional: `static bool again(R&,
/// Operation&) noexcept`, see OperationLeaf::Again.
template <class R>
concept IoRequest =
    std::movable<R> && requires(R& r, Operation& op, std::int64_t result, std::error_code code) {
      typename R::value_type;
      { r.prepare(op) } noexcept;
      { r.finish(result) } -> std::same_as<Result<typename R::value_type>>;
      { r.error(code) } -> std::convertible_to<IoError>;
    };

template <IoRequest R, bool Throwing>
class IoAwaiter final : private OperationLeaf {
 public:
  using Value = typename R::value_type;
  static constexpr bool goes_on = requires(R& r, Operation& op) { R::again(r, op); };

  explicit IoAwaiter(R&& request) noexcept
    requires(!goes_on)
      : request_(std::move(request)) {}
  explicit IoAwaiter(R&& request) noexcept
    requires(goes_on)
      : OperationLeaf(&IoAwaiter::on_complete), request_(std::move(request)) {}
  IoAwaiter(const IoAwaiter&) = delete;
  IoAwaiter& operator=(const IoAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    request_.prepare(*this);
    if constexpr (goes_on) {
      return suspend(innermost.promise(), &IoAwaiter::ask_again);
    } else {
      return suspend(innermost.promise());
    }
  }
  auto await_resume() {
    Result<Value> outcome = request_.finish(result);
    if constexpr (Throwing) {
      if (!outcome) throw request_.error(outcome.error());
      if constexpr (!std::is_void_v<Value>) return std::move(*outcome);
    } else {
      if (!outcome) [[unlikely]]
        return IoResult<Value>(std::unexpect, request_.error(outcome.error()));
      if constexpr (std::is_void_v<Value>) {
        return IoResult<void>();
      } else {
        return IoResult<Value>(std::in_place, std::move(*outcome));
      }
    }
  }

 private:
  // SAFETY, both: only the OperationLeaf of an IoAwaiter gets these functions.
  static void on_complete(Operation& self) noexcept {
    static_cast<IoAwaiter&>(self).completed(&IoAwaiter::ask_again);
  }
  static bool ask_again(OperationLeaf& self) noexcept {
    auto& awaiter = static_cast<IoAwaiter&>(self);
    return R::again(awaiter.request_, awaiter);
  }

  R request_;
};

/// An operation that was not started. co_await returns the value or throws IoError; see attempt().
/// Cancel: the operation is cancelled and its end awaited; if it had already ended, its result is
/// delivered.
template <IoRequest R, bool Throwing = true>
class [[nodiscard]] IoOp {
 public:
  explicit IoOp(R request) noexcept : request_(std::move(request)) {}
  IoAwaiter<R, Throwing> operator co_await() && noexcept {
    return IoAwaiter<R, Throwing>(std::move(request_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;
  /// The same operation; co_await returns IoResult<T>, and throws std::bad_alloc alone.
  [[nodiscard]] IoOp<R, false> attempt() && noexcept { return IoOp<R, false>(std::move(request_)); }

 private:
  R request_;
};

}  // namespace weft::inline v0_1
