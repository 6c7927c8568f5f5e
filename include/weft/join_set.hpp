// JoinSet<T>: spawns many tasks and takes their results as they end. CancelHandle: cancels one
// task, from anywhere, without owning its result.
//
//   weft::JoinSet<Page> pages;
//   for (const Url& url : urls) pages.spawn(fetch, url);
//   while (auto page = co_await pages.next()) use(*page);     // in the order in which they end
//
// With a limit a spawn waits for its place, so that at most so many run:
//
//   weft::JoinSet<Page> pages(8);
//   for (const Url& url : urls) {
//     weft::OwnedPermit place = co_await pages.place();
//     pages.spawn(std::move(place), fetch, url);
//   }
//
// The tasks belong to the runtime, as what spawn() starts, or to the owner that SpawnOptions name;
// that owner waits for their end. The set itself cannot wait in its destructor. It asks them to
// cancel there, and lets go of them. So what a task refers to must outlive the owner: pass a scope
// as the owner if that is in the frame of the set. To wait for the ends as well:
//
//   pages.cancel_all();
//   co_await pages.all_ended();
//
// A task of a set is isolated: its failure is for next(), not for its scope. A failure that next()
// does not get, because the set goes first or lets go of the task, is reported as that of any task
// that is not awaited.
//
// A set is a Stream (<weft/stream.hpp>). Thread-safe: any thread spawns, cancels and takes results;
// but it is moved and destroyed by one thread, when no other uses it and no wait is under way.
#pragma once

#include <weft/detail/join_set_core.hpp>
#include <weft/outcome.hpp>
#include <weft/owned_guard.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

template <class T>
class JoinSet;

/// Cancels one task of a JoinSet. A value: copied freely, used from any thread, kept for as long as
/// is convenient. It keeps neither the task nor its result.
class CancelHandle {
 public:
  /// Makes one without a task: cancel() has no effect.
  CancelHandle() noexcept = default;
  CancelHandle(const CancelHandle& other) noexcept : member_(other.member_) {
    if (member_ != nullptr) member_->hold();
  }
  CancelHandle(CancelHandle&& other) noexcept : member_(std::exchange(other.member_, nullptr)) {}
  CancelHandle& operator=(CancelHandle other) noexcept {
    std::swap(member_, other.member_);
    return *this;
  }
  ~CancelHandle() {
    if (member_ != nullptr) member_->drop();
  }

  /// Asks the task to cancel; returns at once. No effect if it has ended or was detached. Any
  /// thread.
  void cancel() const noexcept {
    if (member_ != nullptr) member_->cancel();
  }
  /// Returns whether the task has ended or was detached; true without a task. Any thread.
  [[nodiscard]] bool ended() const noexcept { return member_ == nullptr || member_->ended(); }
  /// Returns the task's number in its set: 0, 1, 2 … in the order of the spawns. 0 without a task.
  [[nodiscard]] std::uint64_t number() const noexcept {
    return member_ != nullptr ? member_->number() : 0;
  }

 private:
  template <class T>
  friend class JoinSet;
  /// Takes over one reference.
  explicit CancelHandle(detail::JoinSetMember& member) noexcept : member_(&member) {}
  [[noreturn]] static void throw_limited();
  static void check_place(const OwnedPermit& place, const Semaphore& places);

  detail::JoinSetMember* member_ = nullptr;
};

/// The end of one task of a JoinSet: see JoinSet::next_ended().
template <class T>
struct JoinSetEnd {
  JoinSetEnd(std::uint64_t of,
             Outcome<T> how) noexcept(std::is_nothrow_move_constructible_v<Outcome<T>>)
      : number(of), outcome(std::move(how)) {}
  std::uint64_t number;  ///< CancelHandle::number() of the task
  Outcome<T> outcome;
};

/// A set of tasks that give T; see the top of this header.
template <class T>
class JoinSet {
 public:
  /// What next() gives of one task: T; Unit for void, std::reference_wrapper for a reference.
  using value_type = ObjectOf<T>;

  /// Without a limit. Throws std::bad_alloc.
  JoinSet() : JoinSet(SpawnOptions(), detail::JoinSetCore::no_limit) {}
  /// At most `most` tasks run at a time. Throws std::invalid_argument for 0, and std::bad_alloc.
  explicit JoinSet(std::size_t most) : JoinSet(SpawnOptions(), most) {}
  /// Spawns as `options` say, whose owner must outlive the set.
  explicit JoinSet(SpawnOptions options, std::size_t most = detail::JoinSetCore::no_limit)
      : core_(detail::JoinSetCore::make(most)), options_(options.isolated()) {}
  JoinSet(JoinSet&&) noexcept = default;
  JoinSet& operator=(JoinSet&& other) noexcept {
    JoinSet moved(std::move(other));
    std::swap(core_, moved.core_);
    std::swap(options_, moved.options_);
    return *this;
  }
  /// Asks the running tasks to cancel, and lets go of them and of the results. Returns at once.
  ~JoinSet() {
    if (core_ != nullptr) core_->abandon();
  }

  /// Starts `callable(args…)`, or an awaitable, which gives a T: see weft::spawn, for the errors,
  /// too. For a set without a limit; with one, throws std::logic_error.
  template <class F, class... Args>
  CancelHandle spawn(F callable, Args... args) {
    if (core().limited()) CancelHandle::throw_limited();
    return start(options_, OwnedPermit(), std::move(callable), std::move(args)...);
  }
  /// The same as `options` say instead of those of the set.
  template <class F, class... Args>
  CancelHandle spawn(SpawnOptions options, F callable, Args... args) {
    if (core().limited()) CancelHandle::throw_limited();
    return start(options.isolated(), OwnedPermit(), std::move(callable), std::move(args)...);
  }
  /// The same in a place of this set, which is free again when the task has ended. Throws
  /// std::invalid_argument for a place that is empty or not of this set.
  template <class F, class... Args>
  CancelHandle spawn(OwnedPermit place, F callable, Args... args) {
    CancelHandle::check_place(place, core().places());
    return start(options_, std::move(place), std::move(callable), std::move(args)...);
  }

  /// Waits for a place, first come, first served. One that is destroyed unused is free again. With
  /// no limit it does not wait. No errors. Cancel: takes none.
  [[nodiscard]] QueueOp<detail::OwnedAcquireRequest> place() const noexcept {
    return acquire_owned(std::shared_ptr<Semaphore>(core_, &core().places()));
  }
  /// Waits for a place and spawns in it. With g++ 12 a lambda that captures by value gets a name in
  /// the statement before (decision 002). Cancel: spawns nothing.
  template <class F, class... Args>
  [[nodiscard]] Task<CancelHandle> spawn_when_free(F callable, Args... args) {
    OwnedPermit free_place = co_await place();
    co_return start(options_, std::move(free_place), std::move(callable), std::move(args)...);
  }
  /// Spawns if there is a place now. Otherwise returns nothing, and has moved nothing.
  template <class F, class... Args>
  [[nodiscard]] std::optional<CancelHandle> try_spawn(F&& callable, Args&&... args) {
    OwnedPermit free_place = try_acquire_owned(std::shared_ptr<Semaphore>(core_, &core().places()));
    if (!free_place) return std::nullopt;
    return start(options_, std::move(free_place), std::decay_t<F>(std::forward<F>(callable)),
                 std::decay_t<Args>(std::forward<Args>(args))...);
  }

  /// Waits for a task to end and returns its value; nothing if the set is empty. Values come in the
  /// order in which the tasks end. Rethrows the exception of a task that has failed, and throws
  /// IoError (errc::operation_canceled) for one that was cancelled; the next call gives the next
  /// result. Cancel: takes no result; one that was taken before the cancel is delivered.
  [[nodiscard]] auto next() noexcept {
    using Request = detail::NextResultRequest<T, &JoinSet::value_of>;
    return QueueOp<Request>(Request(core()));
  }
  /// The same, and returns how the task ended, without throwing that.
  [[nodiscard]] auto next_ended() noexcept {
    using Request = detail::NextResultRequest<T, &JoinSet::end_of>;
    return QueueOp<Request>(Request(core()));
  }
  /// The same without waiting: nothing if no result is there now.
  [[nodiscard]] std::optional<JoinSetEnd<T>> try_next_ended() {
    detail::EndedMember<T> ended(core().take_ended());
    return end_of(ended);
  }
  /// As next(), and blocks the calling thread. Throws std::logic_error on a thread that runs tasks.
  [[nodiscard]] std::optional<value_type> blocking_next() {
    using Request = detail::NextResultRequest<T, &JoinSet::value_of>;
    return wait_on_thread(Request(core()), "weft::JoinSet::blocking_next");
  }

  /// Asks all running tasks to cancel; returns at once. Their ends come through next().
  void cancel_all() noexcept { core().cancel_all(); }
  /// Lets go of all tasks, which go on with their owner, and of the results that are there.
  void detach_all() noexcept { core().detach_all(); }
  /// Waits until no task runs; their results stay in the set. No errors. Cancel: stops waiting.
  [[nodiscard]] QueueOp<detail::JoinSetIdleRequest> all_ended() noexcept {
    return QueueOp<detail::JoinSetIdleRequest>(detail::JoinSetIdleRequest(core()));
  }

  /// Returns the number of tasks whose result was not taken, running or not. A moment later it may
  /// be another number, as that of running().
  [[nodiscard]] std::size_t size() const noexcept { return core().size(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// Returns the number of tasks that have not ended.
  [[nodiscard]] std::size_t running() const noexcept { return core().running(); }

 private:
  using Ended = detail::EndedMember<T>;

  [[nodiscard]] detail::JoinSetCore& core() const noexcept {
    if (core_ == nullptr) [[unlikely]]
      detail::misused("weft::JoinSet", "it was moved from");
    return *core_;
  }
  static std::optional<value_type> value_of(Ended& ended) {
    if (!ended) return std::nullopt;
    Outcome<T> outcome = ended.take();
    if constexpr (std::is_void_v<T>) {
      outcome.take();
      return std::optional<value_type>(std::in_place);
    } else {
      return std::optional<value_type>(outcome.take());
    }
  }
  static std::optional<JoinSetEnd<T>> end_of(Ended& ended) {
    if (!ended) return std::nullopt;
    return std::optional<JoinSetEnd<T>>(std::in_place, ended.number(), ended.take());
  }

  template <class F, class... Args>
  CancelHandle start(const SpawnOptions& options, OwnedPermit place, F callable, Args... args) {
    static_assert(std::is_same_v<SpawnResult<F, Args...>, T>,
                  "weft: a JoinSet<T> spawns what gives a T");
    auto* const member = new detail::JoinSetResult<T>(core(), std::move(place));
    CancelHandle handle(*member);
    detail::SpawnedTask& task = member->keep(
        detail::start_task(detail::Placement(options), std::move(callable), std::move(args)...));
    member->hold();  // the set's
    core().begin(*member, task);
    return handle;
  }

  std::shared_ptr<detail::JoinSetCore> core_;
  SpawnOptions options_;
};

}  // namespace weft::inline v0_1
