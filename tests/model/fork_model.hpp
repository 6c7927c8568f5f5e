// Shared by the model tests of forks: a task that forks, whose frames and parts never run. The
// tests end them.
#pragma once

#include <weft/detail/fork_point.hpp>

#include <array>
#include <coroutine>

#include "model/core_model.hpp"

namespace weft::model {

/// A frame with a handle of its own. The handle is compared and never resumed.
class MarkedPromise final : public PromiseBase {
 public:
  MarkedPromise() noexcept : PromiseBase(std::coroutine_handle<>::from_address(this)) {}
};

class ForkingTask final : public TaskHeader {
 public:
  explicit ForkingTask(detail::TaskExecutor& executor) noexcept
      : TaskHeader([](TaskHeader&, Ending) noexcept {}) {
    bind(promise, executor);
  }
  MarkedPromise promise;
};

/// A part that was given, and may itself fork.
class FakePart final : public detail::GivenPart {
 public:
  FakePart(detail::ForkPoint& fork, detail::TaskExecutor& executor) noexcept
      : detail::GivenPart([](TaskHeader&, Ending) noexcept {}, fork) {
    bind(promise, executor);
  }
  MarkedPromise promise;
};

/// A fork whose part 0 runs as a frame of the task that forks.
class FakeFork final : public detail::ForkPoint {
 public:
  static constexpr Part parts = 3;
  explicit FakeFork(detail::TaskExecutor& executor)
      : detail::ForkPoint(parts), given_{FakePart(*this, executor), FakePart(*this, executor)} {}

  /// Runs up to the begin of part 0.
  void begins(PromiseBase& forking) { static_cast<void>(begin(forking)); }
  /// Runs up to the wait of part 0, after the others have been given.
  void forks(PromiseBase& forking) {
    begins(forking);
    task().suspended_at(here_);
    static_cast<void>(task().leaf_ended_inline());  // and part 0 goes on
  }
  void part_ends(Part part, bool cancelled, bool failed) { given_ended(part, cancelled, failed); }
  [[nodiscard]] bool failed() const { return first_failed() != none; }
  /// The frame of part 0.
  [[nodiscard]] PromiseBase& here() { return here_; }
  [[nodiscard]] FakePart& part(Part number) { return given_[number - 1]; }
  /// Returns whether the parts that were given have been asked to cancel. It is all of them or
  /// none.
  [[nodiscard]] bool all_asked() const {
    return given_[0].cancel_requested() && given_[1].cancel_requested();
  }
  [[nodiscard]] bool none_asked() const {
    return !given_[0].cancel_requested() && !given_[1].cancel_requested();
  }

 private:
  [[nodiscard]] PromiseBase* make_here(Part) noexcept override {
    here_.awaited_by(*this, owner_);
    return &here_;
  }
  [[nodiscard]] bool take_result(Part) noexcept override { return true; }
  [[nodiscard]] detail::GivenPart* make_given(Part number) noexcept override {
    return &part(number);
  }
  void cancel_given(Part number) noexcept override { part(number).cancel(); }

  FakePromise here_;
  detail::FrameOwner owner_;
  std::array<FakePart, parts - 1> given_;
};

/// Counts what is made runnable; what is offered is never run, the test ends the parts itself.
class OfferingExecutor : public detail::TaskExecutor {
 public:
  void schedule(Runnable&) noexcept override { ++resumed; }
  void defer(Runnable& work) noexcept override { schedule(work); }
  void offer(Runnable&) noexcept override { ++offered; }
  int resumed = 0;  // no atomic: it may happen once
  int offered = 0;
};

/// The same with idle threads: each fork is asked for a part.
class IdleExecutor final : public OfferingExecutor {
 public:
  IdleExecutor() { idle_hint_ = IdleHint(one_of_one_sleeps_); }
  [[nodiscard]] bool wants_offers() noexcept override { return true; }

 private:
  Atomic<std::uint64_t> one_of_one_sleeps_{std::uint64_t{1} << 40};
};

/// A leaf that ends only when a cancel is requested.
class WaitingLeaf final : private CancelHook {
 public:
  explicit WaitingLeaf(ForkingTask& task) : CancelHook(&WaitingLeaf::on_request), task_(task) {}
  void waits_at(PromiseBase& innermost) {
    static_cast<void>(task_.suspended_and_armed(innermost, *this));
  }

 private:
  static void on_request(CancelHook& self) noexcept {
    TaskHeader& task = static_cast<WaitingLeaf&>(self).task_;
    task.leaf_ended(true);
    task.request_finished();
  }
  ForkingTask& task_;
};

/// A task within a fork.
struct Forking {
  Forking() : task(executor), fork(parts_executor) {
    fork.forks(task.promise);
    require(parts_executor.offered == 2, "a task that waits gives all that is pending");
  }
  /// Part 0 has returned: the task reaches the parts that were given, and waits.
  void comes_to_the_others() { went_on = fork.go_on() == task.promise.handle(); }
  [[nodiscard]] int resumed() const { return executor.resumed + (went_on ? 1 : 0); }

  OfferingExecutor executor;
  OfferingExecutor parts_executor;
  ForkingTask task;
  FakeFork fork;
  bool went_on = false;
};

}  // namespace weft::model
