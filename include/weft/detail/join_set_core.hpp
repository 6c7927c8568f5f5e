// JoinSetCore and JoinSetMember: a JoinSet without the types of its tasks, and one task of it. The
// proof is in src/sync/join_set.cpp. Used by <weft/join_set.hpp>.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/extend/queue_op.hpp>
#include <weft/owned_guard.hpp>
#include <weft/semaphore.hpp>
#include <weft/spawn.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace weft::inline v0_1::detail {

class JoinSetCore;

/// One task of a set. Its references: the set's (or that of the wait which takes the result), and
/// one of each CancelHandle. The last to go destroys it.
class JoinSetMember : private JoinWaiter {
 public:
  JoinSetMember(const JoinSetMember&) = delete;
  JoinSetMember& operator=(const JoinSetMember&) = delete;

  static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* memory, std::size_t bytes) noexcept {
    deallocate_frame(memory, bytes);
  }

  // Any thread, for holders of a reference.
  void hold() noexcept {
    holders_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller has a reference
  }
  void drop() noexcept;
  /// Asks the task to cancel, unless it has ended.
  void cancel() noexcept;
  /// Whether the task has ended.
  [[nodiscard]] bool ended() const noexcept {
    return uses_.load(std::memory_order_acquire) == 0;  // acquire: pairs with end_use()
  }
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

 protected:
  JoinSetMember(JoinSetCore& core, OwnedPermit place) noexcept;
  virtual ~JoinSetMember();
  /// Drops the task's handle, and with it the result. For the holder of the set's reference.
  virtual void let_go() noexcept = 0;

 private:
  friend class JoinSetCore;
  static void on_end(JoinWaiter& self) noexcept;
  void end_use() noexcept;

  JoinSetCore& core_;  // a reference that counts
  OwnedPermit place_;  // of a set with a limit; released when the task has ended
  SpawnedTask* task_ = nullptr;
  JoinSetMember* next_ = nullptr;      // guarded by the core's running_mutex_ while it runs, and
  JoinSetMember* previous_ = nullptr;  // then by its mutex_
  JoinSetMember* next_detached_ = nullptr;  // used by one detach_all()
  std::uint64_t number_ = 0;
  Atomic<std::uint32_t> uses_{1};     // of the task: until its end, and by cancels under way
  Atomic<std::uint32_t> holders_{1};  // references
  bool detached_ = false;             // guarded by running_mutex_, until the last use has ended
};

/// A wait for the next result: gets the set's reference of a member.
class JoinSetWaiter : public Waiter {
 public:
  explicit JoinSetWaiter(Wake how) noexcept : Waiter(how) {}
  [[nodiscard]] JoinSetMember* take() noexcept { return std::exchange(member_, nullptr); }

 protected:
  ~JoinSetWaiter() = default;

 private:
  friend class JoinSetCore;
  JoinSetMember* member_ = nullptr;  // null when it is served: there is no task
};

/// Thread-safe, except where a function says otherwise. Its references: the set's, which its places
/// share, and one of each member. The last to go destroys it.
class JoinSetCore {
 public:
  static constexpr std::size_t no_limit = SIZE_MAX;

  /// `most`: of running tasks. The caller has one reference.
  explicit JoinSetCore(std::size_t most);
  JoinSetCore(const JoinSetCore&) = delete;
  JoinSetCore& operator=(const JoinSetCore&) = delete;

  void hold() noexcept {
    holders_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller has a reference
  }
  void drop() noexcept;
  /// Makes one for a set, which drops its reference with the last of the pointers.
  [[nodiscard]] static std::shared_ptr<JoinSetCore> make(std::size_t most) {
    return std::shared_ptr<JoinSetCore>(new JoinSetCore(most),
                                        [](JoinSetCore* core) noexcept { core->drop(); });
  }

  /// Adds `task`, which `member` stands for.
  void begin(JoinSetMember& member, SpawnedTask& task) noexcept;
  void cancel_all() noexcept;
  /// Lets go of the tasks and of the results.
  void detach_all() noexcept;
  /// As cancel_all() and detach_all(). For the set's end: there are no waiters.
  void abandon() noexcept;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::size_t running() const noexcept;
  [[nodiscard]] bool limited() const noexcept { return most_ != no_limit; }
  [[nodiscard]] Semaphore& places() noexcept { return places_; }

  /// Drops the handle of `member`, and with it the result, and then the set's reference. For the
  /// holder of that.
  static void let_go(JoinSetMember& member) noexcept;
  /// Takes the result that came first. Null: there is none now.
  [[nodiscard]] JoinSetMember* take_ended() noexcept;

  // For the requests below.
  [[nodiscard]] bool take(JoinSetWaiter& waiter) noexcept;
  [[nodiscard]] Queued wait_with(JoinSetWaiter& waiter) noexcept;
  [[nodiscard]] bool withdraw(JoinSetWaiter& waiter) noexcept;
  [[nodiscard]] bool idle() const noexcept { return running() == 0; }
  [[nodiscard]] Queued wait_idle_with(Waiter& waiter) noexcept;
  [[nodiscard]] bool withdraw_idle(Waiter& waiter) noexcept;

 private:
  friend class JoinSetMember;
  ~JoinSetCore();
  void ended(JoinSetMember& member) noexcept;
  void unlist(JoinSetMember& member) noexcept;
  [[nodiscard]] bool take_locked(JoinSetWaiter& waiter) noexcept;
  [[nodiscard]] JoinSetMember* pop_ended() noexcept;
  void let_go_of_results() noexcept;

  Atomic<std::uint32_t> holders_{1};
  const std::size_t most_;
  Semaphore places_;
  // Separate from mutex_: a task that is cancelled with this held may wait for a result.
  ThreadMutex running_mutex_;
  JoinSetMember* first_running_ = nullptr;  // guarded by running_mutex_, as the next
  std::uint64_t next_number_ = 0;
  mutable ThreadMutex mutex_;
  JoinSetMember* first_ended_ = nullptr;  // guarded by mutex_, as is all that follows
  JoinSetMember* last_ended_ = nullptr;   // unspecified while first_ended_ is null
  std::size_t running_ = 0;
  std::size_t ended_ = 0;
  bool abandoned_ = false;
  WaiterList waiters_;  // all are JoinSetWaiters
  WaiterList idle_waiters_;
};

template <class T>
class JoinSetResult final : public JoinSetMember {
 public:
  JoinSetResult(JoinSetCore& core, OwnedPermit place) noexcept
      : JoinSetMember(core, std::move(place)) {}
  /// Keeps the handle. Returns its task.
  [[nodiscard]] SpawnedTask& keep(JoinHandle<T> handle) noexcept {
    return handle_.emplace(std::move(handle)).task();
  }
  /// Moves the result out. Precondition: the task has ended; for the holder of the set's reference.
  [[nodiscard]] Outcome<T> take() {
    handle_->task().note_taken();
    return std::move(handle_->task().outcome());
  }

 private:
  ~JoinSetResult() override = default;
  void let_go() noexcept override { handle_.reset(); }

  std::optional<JoinHandle<T>> handle_;
};

/// Owns the set's reference of a member whose task has ended.
template <class T>
class EndedMember {
 public:
  /// SAFETY: a set of T makes no other members than JoinSetResult<T>.
  explicit EndedMember(JoinSetMember* member) noexcept
      : member_(static_cast<JoinSetResult<T>*>(member)) {}
  EndedMember(const EndedMember&) = delete;
  EndedMember& operator=(const EndedMember&) = delete;
  ~EndedMember() {
    if (member_ != nullptr) JoinSetCore::let_go(*member_);
  }
  [[nodiscard]] explicit operator bool() const noexcept { return member_ != nullptr; }
  [[nodiscard]] std::uint64_t number() const noexcept { return member_->number(); }
  [[nodiscard]] Outcome<T> take() { return member_->take(); }

 private:
  JoinSetResult<T>* member_;
};

/// How QueueOp waits for the next result. `result_of(EndedMember<T>&)` makes of it what the wait
/// gives.
template <class T, auto result_of>
class NextResultRequest {
 public:
  using Node = JoinSetWaiter;
  explicit NextResultRequest(JoinSetCore& core) noexcept : core_(&core) {}

  [[nodiscard]] bool take(Node& node) noexcept { return core_->take(node); }
  [[nodiscard]] Queued queue(Node& node) noexcept { return core_->wait_with(node); }
  [[nodiscard]] bool withdraw(Node& node) noexcept { return core_->withdraw(node); }
  [[nodiscard]] auto result(Node& node) {
    EndedMember<T> ended(node.take());
    return result_of(ended);
  }

 private:
  JoinSetCore* core_;
};

/// How QueueOp waits until no task runs.
class JoinSetIdleRequest {
 public:
  using Node = Waiter;
  explicit JoinSetIdleRequest(JoinSetCore& core) noexcept : core_(&core) {}

  [[nodiscard]] bool take(Node&) noexcept { return core_->idle(); }
  [[nodiscard]] Queued queue(Node& node) noexcept { return core_->wait_idle_with(node); }
  [[nodiscard]] bool withdraw(Node& node) noexcept { return core_->withdraw_idle(node); }
  void result(Node&) noexcept {}

 private:
  JoinSetCore* core_;
};

}  // namespace weft::inline v0_1::detail
