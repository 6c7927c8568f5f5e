// fork_all() and fork_for(): fork–join of coroutines.
//
//   weft::Task<std::uint64_t> fibonacci(int n) {
//     if (n < 2) co_return n;
//     auto [a, b] = co_await weft::fork_all([&] { return fibonacci(n - 1); },
//                                           [&] { return fibonacci(n - 2); });
//     co_return a + b;
//   }
//
// The parts may run in parallel, on all workers of the runtime. While no worker is idle and the
// task need not wait, they run one after the other as parts of the forking task, which costs little
// more than awaiting each. So there is no need to choose a grain size, and a part may await
// anything: I/O, locks, forks.
//
// Which to use: when_all() starts all awaitables immediately, for waiting; fork_all() is for
// computing; parallel_invoke() (<weft/parallel.hpp>) is faster still, for plain functions that
// never wait. A coroutine that computes for long keeps its worker from other tasks between two
// forks or awaits; consider a separate runtime for it.
#pragma once

#include <weft/detail/fork_point.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// A part of a fork: a callable without arguments that returns an awaitable.
template <class F>
concept ForkFunction = std::invocable<F&> && Awaitable<std::invoke_result_t<F&>>;

namespace detail {

/// The state of one part of a fork.
template <class T>
class ForkPart {
 public:
  ForkPart() noexcept {}
  ~ForkPart() {
    if (was_given_) given_.~Given();
  }
  ForkPart(const ForkPart&) = delete;
  ForkPart& operator=(const ForkPart&) = delete;

  [[nodiscard]] Outcome<T>& outcome() noexcept { return outcome_; }

  /// See ForkPoint.
  template <class F>
  [[nodiscard]] PromiseBase* make_here(F& function, ForkPoint& point) noexcept {
    if (!make_task(function)) return nullptr;
    PromiseBase& frame = task_.promise_to_start();
    frame.awaited_by(point, task_.frame());
    return &frame;
  }
  [[nodiscard]] bool take_result() noexcept {
    outcome_.take_over(task_.promise().outcome());
    task_ = Task<T>();
    return !outcome_.failed();
  }
  template <class F, class Point>
  [[nodiscard]] GivenPart* make_given(F& function, Point& point, std::uint32_t index,
                                      detail::TaskExecutor& executor) noexcept {
    if (!make_task(function)) return nullptr;
    ::new (&given_) Given(*this, index, &ForkPart::on_finish<Point>, point);
    was_given_ = true;
    given_.bind(task_.promise_to_start(), executor);
    return &given_;
  }
  void cancel_given() noexcept {
    if (was_given_) given_.cancel();
  }

 private:
  /// The task of a part that another worker has taken.
  struct Given final : GivenPart {
    Given(ForkPart& its_part, std::uint32_t its_index, Finish finish, ForkPoint& its_fork) noexcept
        : GivenPart(finish, its_fork), part(its_part), index(its_index) {}
    ForkPart& part;
    const std::uint32_t index;
  };

  /// Returns false if the function threw; the exception is then the outcome.
  template <class F>
  [[nodiscard]] bool make_task(F& function) noexcept {
    try {
      task_ = as_task(std::invoke(function));
      return true;
    } catch (...) {
      outcome_.set_error(std::current_exception());
      return false;
    }
  }

  template <class Point>
  static void on_finish(TaskHeader& self, Ending ending) noexcept {
    auto& given = static_cast<Given&>(self);
    ForkPart& part = given.part;
    if (ending == Ending::returned) part.outcome_.take_over(part.task_.promise().outcome());
    part.task_ = Task<T>();
    if (part.outcome_.failed() && given.cancel_requested() &&
        is_cancelled_join(part.outcome_.error())) [[unlikely]]
      part.outcome_ = Outcome<T>();
    static_cast<Point&>(given.fork())
        .given_ended(given.index, part.outcome_.cancelled(), part.outcome_.failed());
  }

  Outcome<T> outcome_;
  Task<T> task_;
  bool was_given_ = false;
  union {
    Given given_;
  };
};

/// The fork, in the frame that awaits it.
template <class... F>
class ForkAwaiter final : public ForkPoint {
  template <class G>
  using ResultOf = AwaitResult<std::invoke_result_t<G&>>;
  using Parts = std::index_sequence_for<F...>;

 public:
  explicit ForkAwaiter(std::tuple<F...> functions) noexcept
      : ForkPoint(sizeof...(F)), functions_(std::move(functions)) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> forking) noexcept {
    return begin(forking.promise());
  }
  std::tuple<ValueOf<ResultOf<F>>...> await_resume() { return results(Parts{}); }

 private:
  template <class T>
  friend class ForkPart;

  template <std::size_t... I>
  std::tuple<ValueOf<ResultOf<F>>...> results(std::index_sequence<I...>) {
    const Part failed = first_failed();
    if (failed != none) [[unlikely]] {
      with(failed, [](auto& part, auto&) { std::rethrow_exception(part.outcome().error()); });
    }
    return {value_of(std::get<I>(parts_).outcome())...};
  }
  template <class T>
  static ValueOf<T> value_of(Outcome<T>& outcome) {
    if constexpr (std::is_void_v<T>) {
      return Unit{};
    } else {
      return outcome.take();
    }
  }
  /// Calls `use(part, function)` with part number `index`.
  template <class Use>
  void with(Part index, Use use) {
    with(index, use, Parts{});
  }
  template <class Use, std::size_t... I>
  void with(Part index, Use& use, std::index_sequence<I...>) {
    (void)((index == I ? (use(std::get<I>(parts_), std::get<I>(functions_)), true) : false) || ...);
  }

  [[nodiscard]] PromiseBase* make_here(Part index) noexcept override {
    PromiseBase* made = nullptr;
    with(index, [&](auto& part, auto& function) { made = part.make_here(function, *this); });
    return made;
  }
  [[nodiscard]] bool take_result(Part index) noexcept override {
    bool good = false;
    with(index, [&](auto& part, auto&) { good = part.take_result(); });
    return good;
  }
  [[nodiscard]] GivenPart* make_given(Part index) noexcept override {
    GivenPart* made = nullptr;
    with(index, [&](auto& part, auto& function) {
      made = part.make_given(function, *this, index, executor());
    });
    return made;
  }
  void cancel_given(Part index) noexcept override {
    with(index, [](auto& part, auto&) { part.cancel_given(); });
  }

  [[no_unique_address]] std::tuple<F...> functions_;
  std::tuple<ForkPart<ResultOf<F>>...> parts_;
};

}  // namespace detail

/// See fork_all().
template <class... F>
class [[nodiscard]] ForkOp {
 public:
  explicit ForkOp(F... functions) noexcept : functions_(std::move(functions)...) {}
  detail::ForkAwaiter<F...> operator co_await() && noexcept {
    return detail::ForkAwaiter<F...>(std::move(functions_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  std::tuple<F...> functions_;
};

/// Calls the functions and awaits their results, possibly in parallel; returns a tuple of the
/// results (Unit for void). A function is called where the fork is awaited, when its part begins.
/// The forking task begins the parts in their order; other workers take the last ones first.
///
/// Errors: throws the exception of the first part that failed, after all parts that had begun have
/// ended. Those are cancelled, and those that had not begun never begin. Cancel: does the same; if
/// all parts get their results in spite of it, these are delivered. A part that computes sees a
/// cancel at its next fork or await. A cancel reaches the parts of all enclosing forks at once, so
/// code that waits in spite of a cancel, in a shield() or the cleanup of a finally(), must not wait
/// for another part's result.
template <ForkFunction... F>
  requires(sizeof...(F) > 0)
ForkOp<F...> fork_all(F... functions) noexcept {
  return ForkOp<F...>(std::move(functions)...);
}

/// Awaits `step(first, last)` for subranges that together cover [begin, end), each of at most
/// `grain` elements (at least 1), possibly in parallel. Errors and cancel: as fork_all().
template <std::integral Index, class Step>
  requires std::invocable<Step&, Index, Index> &&
           Awaitable<std::invoke_result_t<Step&, Index, Index>>
Task<void> fork_for(Index begin, Index end, std::make_unsigned_t<Index> grain, Step step) {
  using Count = std::make_unsigned_t<Index>;
  const auto count = static_cast<Count>(static_cast<Count>(end) - static_cast<Count>(begin));
  if (end <= begin) co_return;
  if (count <= grain || count == 1) {
    co_await std::invoke(step, begin, end);
    co_return;
  }
  const auto middle = static_cast<Index>(static_cast<Count>(begin) + count / 2);
  auto halves = fork_all([&, middle] { return fork_for(begin, middle, grain, std::ref(step)); },
                         [&, middle] { return fork_for(middle, end, grain, std::ref(step)); });
  co_await std::move(halves);
}

}  // namespace weft::inline v0_1
