// FutureLeaf and WakerBlock: a polled future as the leaf a task waits on, and the counted block
// behind clones of its waker. Called by FutureAwaiter; wakers call it from any thread.
//
// Thread-safety: these threads touch the leaf:
//  - the thread that polls it;
//  - while it waits, the waker that changes its word from waiting to notified, until that has
//    queued the leaf;
//  - one canceller. The cancel slot makes the end of the leaf wait for it (see
//    <weft/extend/cancel.hpp>).
#include <weft/detail/future_awaiter.hpp>
#include <weft/extend/frame_pool.hpp>

#include <new>
#include <optional>

namespace weft::inline v0_1::detail {

namespace {

// The states of a waker's word. `notified` is a bit, so that a wake is one fetch_or, which also
// orders: a poll sees everything before each earlier wake, coalesced ones included.
constexpr std::uintptr_t polling_word = 0;
constexpr std::uintptr_t notified_word = 1;
constexpr std::uintptr_t waiting_word = 2;
constexpr std::uintptr_t greatest_state = notified_word | waiting_word;

}  // namespace

/// The object that clones of a leaf's waker point to. Counted: one for each clone, one for the
/// leaf.
class WakerBlock {
 public:
  /// Throws std::bad_alloc.
  static WakerBlock& make(FutureLeaf& leaf) {
    return *::new (allocate_frame(sizeof(WakerBlock))) WakerBlock(leaf);
  }
  /// Returns the block that `word` points to, or null if `word` is a state.
  [[nodiscard]] static WakerBlock* from(std::uintptr_t word) noexcept {
    // SAFETY: values above every state are only the pointers that clone_own() stored.
    return word > greatest_state ? reinterpret_cast<WakerBlock*>(word) : nullptr;
  }
  [[nodiscard]] std::uintptr_t as_word() noexcept { return reinterpret_cast<std::uintptr_t>(this); }
  [[nodiscard]] RawWaker raw() noexcept { return {this, &vtable}; }

  // Relaxed: a holder of the block may add a hold; that publishes nothing.
  void hold() noexcept { holds_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    // Release: this holder's accesses happen before the destruction. Acquire: the thread that
    // destroys the block has seen all of them.
    if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  void destroy() noexcept {
    this->~WakerBlock();
    deallocate_frame(this, sizeof(WakerBlock));
  }

  /// Called before the block is published.
  void start_with(std::uintptr_t state) noexcept { state_.store(state, std::memory_order_relaxed); }

  void notify() noexcept {
    // Release: pairs with begin_poll(): the poll sees what led to this wake. Acquire: pairs with
    // begin_wait(), as this thread touches the leaf next. The leaf lives: it waits, and only the
    // thread that changes `waiting` queues it.
    if (state_.fetch_or(notified_word, std::memory_order_acq_rel) == waiting_word) leaf_.schedule();
  }
  void begin_poll() noexcept {
    // Acquire: pairs with notify(). This poll answers every notification up to here.
    state_.exchange(polling_word, std::memory_order_acquire);
  }
  /// Relaxed: only a hint; begin_wait() decides, and begin_poll() acquires.
  [[nodiscard]] bool is_notified() const noexcept {
    return (state_.load(std::memory_order_relaxed) & notified_word) != 0;
  }
  /// False: a wake came since the poll began. True: the leaf belongs to the next waker.
  [[nodiscard]] bool begin_wait() noexcept {
    std::uintptr_t expected = polling_word;
    // Release: pairs with notify(), after which the leaf may run on another thread. Relaxed on
    // failure: the next begin_poll() acquires.
    return state_.compare_exchange_strong(expected, waiting_word, std::memory_order_release,
                                          std::memory_order_relaxed);
  }

 private:
  explicit WakerBlock(FutureLeaf& leaf) noexcept : leaf_(leaf) {}
  ~WakerBlock() = default;

  static WakerBlock& of(void* data) noexcept { return *static_cast<WakerBlock*>(data); }
  static const WakerVTable vtable;

  FutureLeaf& leaf_;  // valid only while the word says so
  Atomic<std::uintptr_t> state_{polling_word};
  Atomic<std::uint32_t> holds_{2};  // the leaf and the first clone
};

constinit const WakerVTable WakerBlock::vtable{
    .clone =
        [](void* data) {
          of(data).hold();
          return of(data).raw();
        },
    .wake =
        [](void* data) noexcept {
          of(data).notify();
          of(data).release();
        },
    .wake_by_ref = [](void* data) noexcept { of(data).notify(); },
    .drop = [](void* data) noexcept { of(data).release(); },
};

// The waker before there is a block: it is not counted, and valid only during a poll.

constinit const WakerVTable FutureLeaf::own_vtable{
    .clone = &FutureLeaf::clone_own,
    .wake = &FutureLeaf::notify_own,
    .wake_by_ref = &FutureLeaf::notify_own,
    .drop = [](void*) noexcept {},
};

RawWaker FutureLeaf::clone_own(void* data) {
  auto& leaf = *static_cast<FutureLeaf*>(data);
  WakerBlock* fresh = nullptr;
  // Acquire, here and below: pairs with the release below; a block made by another thread is
  // complete.
  std::uintptr_t word = leaf.word_.load(std::memory_order_acquire);
  for (;;) {
    if (WakerBlock* const block = WakerBlock::from(word)) {
      if (fresh != nullptr) fresh->destroy();
      block->hold();
      return block->raw();
    }
    if (fresh == nullptr) fresh = &WakerBlock::make(leaf);
    fresh->start_with(word);  // polling or notified: a waker is cloned only during a poll
    // Release: pairs with the acquire loads of the block's pointer. Acquire: a wake that the
    // block's word takes over happens before.
    if (leaf.word_.compare_exchange_weak(word, fresh->as_word(), std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
      return fresh->raw();
    }
  }
}

void FutureLeaf::notify_own(void* data) noexcept { static_cast<FutureLeaf*>(data)->notify(); }

// The leaf

// Called by a canceller, and by a poll that wakes its own leaf before there is a block.
void FutureLeaf::notify() noexcept {
  std::uintptr_t word = word_.load(std::memory_order_acquire);
  for (;;) {
    if (WakerBlock* const block = WakerBlock::from(word)) {
      block->notify();  // the leaf holds it, and the leaf lives: see the top of this file
      return;
    }
    // Orders: as in WakerBlock::notify().
    if (word_.compare_exchange_weak(word, notified_word, std::memory_order_acq_rel,
                                    std::memory_order_acquire)) {
      if (word == waiting_word) schedule();
      return;
    }
  }
}

void FutureLeaf::begin_poll() noexcept {
  // Relaxed: this thread runs the leaf, so it sees the word of the last poll. A canceller may set a
  // state meanwhile, but only a poll makes a block.
  const std::uintptr_t word = word_.load(std::memory_order_relaxed);
  if (WakerBlock* const block = WakerBlock::from(word)) {
    block->begin_poll();
  } else if (armed_) {
    word_.exchange(polling_word, std::memory_order_acquire);  // as in WakerBlock::begin_poll()
  } else {
    word_.store(polling_word, std::memory_order_relaxed);  // only polls know of the leaf
  }
}

bool FutureLeaf::is_notified() const noexcept {
  const std::uintptr_t word = word_.load(std::memory_order_relaxed);  // as there
  const WakerBlock* const block = WakerBlock::from(word);
  return block != nullptr ? block->is_notified() : word == notified_word;
}

bool FutureLeaf::begin_wait() noexcept {
  if (WakerBlock* const block = WakerBlock::from(word_.load(std::memory_order_relaxed))) {
    return block->begin_wait();
  }
  std::uintptr_t expected = polling_word;
  return word_.compare_exchange_strong(expected, waiting_word, std::memory_order_release,
                                       std::memory_order_relaxed);  // orders: as there
}

bool FutureLeaf::poll() noexcept {
  Context cx(waker_);
  const bool ready = poll_future_(*this, cx);
  // Acquire: pairs with clone_own(), which may have run on another thread during the poll.
  WakerBlock* const block = WakerBlock::from(word_.load(std::memory_order_acquire));
  if (block != nullptr && waker_.raw() != block->raw()) waker_ = Waker(block->raw());
  return ready;
}

// Polls the leaf until it is ready, cancelled or suspended. After `suspended` it may be destroyed.
FutureLeaf::Turn FutureLeaf::take_turn() noexcept {
  Executor& executor = task_->executor();
  for (;;) {
    begin_poll();
    // Asked before the poll: a poll that returns pending is the last one only if it began after the
    // cancel. Asked after begin_poll(): if that consumed the cancel's notification, the cancel is
    // seen here. A later cancel finds the hook armed, and begin_wait() sees its notification.
    const bool last = task_->cancel_requested();
    // The last poll sees what the canceller did before: nothing that was there before the cancel is
    // lost. Pairs with the release in CancelSlot::request().
    if (last) [[unlikely]]
      atomic_fence(std::memory_order_acquire);
    if (poll()) return Turn::ready;
    if (last) return Turn::cancelled;
    if (is_notified()) break;
    // Armed only before it is about to wait: only then must a cancel wake it. Armed before
    // begin_wait(): after that the leaf may be destroyed.
    if (!armed_) armed_ = task_->arm(*this);
    if (!armed_) continue;  // a cancel came since `last` was read: one more poll
    if (begin_wait()) return Turn::suspended;
    break;
  }
  executor.defer(*this);  // woken during its poll: it has had its turn, others go first
  return Turn::suspended;
}

bool FutureLeaf::suspend(PromiseBase& innermost) noexcept {
  task_ = &innermost.task();
  task_->suspended_at(innermost);
  // No poll begins after a cancel was requested.
  const Turn turn = task_->cancel_requested() ? Turn::cancelled : take_turn();
  if (turn == Turn::cancelled) {
    task_->leaf_ended(true);
  } else if (turn == Turn::ready) {
    if (task_->spend_budget()) return false;
    task_->resume_later();
  }
  return true;
}

void FutureLeaf::run_leaf(Runnable& self) noexcept {
  // SAFETY: this function is given only to the Runnable of a FutureLeaf.
  auto& leaf = static_cast<FutureLeaf&>(self);
  TaskHeader& task = *leaf.task_;
  // This run is not a task's, so the poll sees its task's bindings only through this scope.
  std::optional<ContextScope> scope;
  if (task.context() != nullptr) [[unlikely]]
    scope.emplace(task.context());
  const Turn turn = leaf.take_turn();
  if (turn == Turn::suspended) return;
  if (task.leaf_ended_here(turn == Turn::cancelled)) task.run();
}

void FutureLeaf::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a FutureLeaf.
  auto& leaf = static_cast<FutureLeaf&>(self);
  TaskHeader* const task = leaf.task_;
  leaf.notify();
  task->request_finished();
}

}  // namespace weft::inline v0_1::detail
