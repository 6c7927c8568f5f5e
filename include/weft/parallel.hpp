// Fork–join parallelism of plain functions: parallel_invoke(), parallel_for(), parallel_reduce(),
// and parallel(), which runs them beside a runtime's tasks.
//
//   std::uint64_t fibonacci(int n) {
//     if (n < 2) return n;
//     std::uint64_t a = 0, b = 0;
//     weft::parallel_invoke([&] { a = fibonacci(n - 1); }, [&] { b = fibonacci(n - 2); });
//     return a + b;
//   }
//   std::uint64_t value = co_await weft::parallel([] { return fibonacci(39); });
//
// parallel(f) runs f on the runtime's team of computing threads, one per core, beside its workers:
// tasks and I/O continue meanwhile. Within f, and in all functions that it calls, the parallel_
// functions distribute their work over the team. Elsewhere they do all work on the calling thread,
// one part after the other: the same program without parallelism.
//
// While all threads are busy a fork costs a few stores and a load, so there is no need to choose a
// grain size. But a long computation without forks gives the other threads no work.
//
// Exceptions: a fork throws the first exception of its parts (if both throw, the one that is first
// in serial order), after the other part has ended. Cancel of the task that awaits parallel(f):
// from then on each fork throws an exception without a public type, which must be passed on. If f
// ends in spite of the cancel, its result is delivered.
#pragma once

#include <weft/detail/fork_join.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/outcome.hpp>
#include <weft/task.hpp>

#include <algorithm>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// A job in its scope: withdrawn, waited for or dropped before the scope ends.
class ForkScope {
 public:
  ForkScope(detail::TeamMember& member, detail::ForkJob& job) noexcept
      : member_(member), job_(job) {
    member.push(job);
  }
  /// Drops the job if an exception was thrown before end().
  ~ForkScope() {
    if (!ended_) [[unlikely]]
      member_.drop(job_);
  }
  ForkScope(const ForkScope&) = delete;
  ForkScope& operator=(const ForkScope&) = delete;

  /// Returns true if the caller must do all of the job; false if the part given away has been done,
  /// by another member or within this call. Rethrows the exception of that part.
  [[nodiscard]] bool end() {
    ended_ = true;
    if (member_.take_back(job_)) [[likely]]
      return true;
    member_.join(job_);
    return false;
  }

 private:
  detail::TeamMember& member_;
  detail::ForkJob& job_;
  bool ended_ = false;
};

namespace detail {

template <class F>
class InvokeJob final : public ForkJob {
 public:
  explicit InvokeJob(F& function) noexcept : ForkJob(&InvokeJob::act), function_(function) {}

 private:
  static bool act(ForkJob& self, Act what, TeamMember&) {
    if (what == Act::run) static_cast<InvokeJob&>(self).function_();
    return true;
  }
  F& function_;
};

}  // namespace detail

/// Calls all functions, possibly in parallel, and returns when all have ended. Throws the exception
/// of the first of them, in argument order, that threw; functions after it may not have been
/// called.
template <std::invocable F, std::invocable G>
void parallel_invoke(F&& first, G&& second) {
  detail::TeamMember* const member = detail::TeamMember::current();
  if (member == nullptr) {
    first();
    second();
    return;
  }
  detail::InvokeJob<std::remove_reference_t<G>> job(second);
  ForkScope scope(*member, job);
  if (member->asked()) [[unlikely]]
    member->answer();
  first();
  if (scope.end()) [[likely]]
    second();
}
template <std::invocable F, std::invocable G, std::invocable... More>
void parallel_invoke(F&& first, G&& second, More&&... more) {
  parallel_invoke(first, [&] { parallel_invoke(second, more...); });
}

namespace detail {

/// A loop over [begin, end), `grain` steps at a time. A member that asks for work gets half of the
/// steps that are left. A member that asks again gets work from the loops and jobs within the
/// current step, or from the steps left after it.
template <std::integral Index, class Part>
class ForkLoop final : public ForkJob {
 public:
  using Count = std::make_unsigned_t<Index>;

  /// `part` receives the work of one thread, by `part.step(i)`. `part.fresh()` returns a part for
  /// the work given away, also in the middle of a step; `part.join(that)` merges it.
  static void run(TeamMember& member, Part& part, Index begin, Index end, Count grain) {
    if (count(begin, end) <= grain) {  // nothing to give away
      if (member.asked()) [[unlikely]]
        member.answer();
      for (; begin != end; ++begin) part.step(begin);
      return;
    }
    ForkLoop loop(part, begin, end, grain);
    ForkScope scope(member, loop);
    // The owner's share may shrink, by answer() here and within a step.
    while (begin != loop.end_) {
      if (member.asked()) [[unlikely]] {
        if (loop.was_given()) {  // the rest continues as a loop of its own, which can give
          run(member, part, begin, loop.end_, grain);
          break;
        }
        loop.in_step_ = false;
        member.answer();
        loop.in_step_ = true;
      }
      const Index stop = count(begin, loop.end_) > grain ? after(begin, grain) : loop.end_;
      loop.next_ = stop;
      for (; begin != stop; ++begin) part.step(begin);
    }
    if (!scope.end()) part.join(std::move(*loop.others_part_));
  }

 private:
  ForkLoop(Part& part, Index begin, Index end, Count grain) noexcept
      : ForkJob(&ForkLoop::act), part_(part), next_(begin), end_(end), grain_(grain) {}

  static bool act(ForkJob& self, Act what, TeamMember& member) {
    auto& loop = static_cast<ForkLoop&>(self);
    const Count left = count(loop.next_, loop.end_);
    switch (what) {
      case Act::may_give:
        return left > loop.grain_ || (left == loop.grain_ && loop.in_step_);
      case Act::set_apart:
        loop.others_part_.emplace(loop.part_.fresh());
        loop.others_end_ =
            std::exchange(loop.end_, after(loop.next_, (left + (loop.in_step_ ? 0 : 1)) / 2));
        break;
      case Act::run:  // no other thread changes any of these any more
        run(member, *loop.others_part_, loop.end_, loop.others_end_, loop.grain_);
        break;
    }
    return true;
  }

  // The difference of two signed numbers may overflow their type.
  static Count count(Index begin, Index end) noexcept {
    return static_cast<Count>(static_cast<Count>(end) - static_cast<Count>(begin));
  }
  static Index after(Index begin, Count steps) noexcept {
    return static_cast<Index>(static_cast<Count>(begin) + steps);
  }

  Part& part_;
  Index next_;  // the first step that has not begun
  Index end_;   // the end of the owner's share
  const Count grain_;
  bool in_step_ = true;  // some steps before next_ are running
  Index others_end_{};
  std::optional<Part> others_part_;
};

}  // namespace detail

/// Calls `body(i)` for each i of [begin, end), possibly in parallel. Between two checks for
/// requests from other threads it calls `grain` of them (at least 1). If a call throws, the
/// remaining calls of its part of the range are skipped, and the exception is thrown at the end.
template <std::integral Index, class Body>
  requires std::invocable<Body&, Index>
void parallel_for(Index begin, std::type_identity_t<Index> end, Body&& body,
                  std::make_unsigned_t<Index> grain = 1) {
  struct Part {
    std::remove_reference_t<Body>& body;
    void step(Index i) { std::invoke(body, i); }
    [[nodiscard]] Part fresh() const noexcept { return {body}; }
    void join(Part&&) noexcept {}
  };
  if (!(begin < end)) return;
  if (detail::TeamMember* const member = detail::TeamMember::current()) {
    Part part{body};
    detail::ForkLoop<Index, Part>::run(*member, part, begin, end,
                                       std::max<std::make_unsigned_t<Index>>(grain, 1));
  } else {
    for (; begin != end; ++begin) std::invoke(body, begin);
  }
}

/// Combines `map(i)` for all i of [begin, end) in their order. `combine` must be associative, but
/// need not be commutative; `identity` must be its neutral element. Otherwise as parallel_for().
template <std::integral Index, class T, class Map, class Combine>
  requires std::invocable<Map&, Index> && std::invocable<Combine&, T, T>
[[nodiscard]] T parallel_reduce(Index begin, std::type_identity_t<Index> end, T identity, Map&& map,
                                Combine&& combine, std::make_unsigned_t<Index> grain = 1) {
  struct Part {
    const T& identity;
    std::remove_reference_t<Map>& map;
    std::remove_reference_t<Combine>& combine;
    T sum;
    void step(Index i) { sum = std::invoke(combine, std::move(sum), std::invoke(map, i)); }
    [[nodiscard]] Part fresh() const { return {identity, map, combine, identity}; }
    void join(Part&& right) { sum = std::invoke(combine, std::move(sum), std::move(right.sum)); }
  };
  Part whole{identity, map, combine, identity};
  if (!(begin < end)) return identity;
  if (detail::TeamMember* const member = detail::TeamMember::current()) {
    detail::ForkLoop<Index, Part>::run(*member, whole, begin, end,
                                       std::max<std::make_unsigned_t<Index>>(grain, 1));
  } else {
    for (; begin != end; ++begin) whole.step(begin);
  }
  return std::move(whole.sum);
}

namespace detail {

/// The part of parallel() that is not a template: a root on the team, as a leaf of the task.
class ParallelLeaf : private CancelHook, private ForkRoot {
 public:
  [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept;

 protected:
  ParallelLeaf() noexcept
      : CancelHook(&ParallelLeaf::on_cancel_request), ForkRoot(&ParallelLeaf::run_root) {}
  ~ParallelLeaf() = default;
  /// Calls the function, on a member.
  virtual void call() = 0;
  virtual void failed(std::exception_ptr error) noexcept = 0;

 private:
  static void run_root(ForkRoot& self) noexcept;
  static void on_cancel_request(CancelHook& self) noexcept;

  TaskHeader* task_ = nullptr;
  Team* team_ = nullptr;
};

template <class F>
class ParallelAwaiter final : public ParallelLeaf {
 public:
  using Result = std::invoke_result_t<F&>;
  explicit ParallelAwaiter(F&& function) : function_(std::move(function)) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise());
  }
  Result await_resume() { return outcome_.take(); }

 private:
  void call() override {
    if constexpr (std::is_void_v<Result>) {
      function_();
      outcome_.set_value();
    } else {
      outcome_.set_value(function_());
    }
  }
  void failed(std::exception_ptr error) noexcept override { outcome_.set_error(std::move(error)); }

  F function_;
  Outcome<Result> outcome_;
};

}  // namespace detail

template <class F>
class [[nodiscard]] ParallelOp {
 public:
  explicit ParallelOp(F function) : function_(std::move(function)) {}
  detail::ParallelAwaiter<F> operator co_await() && {
    return detail::ParallelAwaiter<F>(std::move(function_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  F function_;
};

/// Runs `function()` on the team of the current runtime, where the parallel_ functions run in
/// parallel, and returns its result. Throws what it throws. Throws IoError if the team has no
/// thread (none could be started, or the runtime has ended), and on a thread that works for no
/// runtime. Cancel: see the top of this header.
template <std::invocable F>
ParallelOp<F> parallel(F function) {
  return ParallelOp<F>(std::move(function));
}

}  // namespace weft::inline v0_1
