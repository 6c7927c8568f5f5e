// FutureLeaf and the block behind its waker.
//
// Who touches the leaf: the thread that polls it; while it waits, whoever brings its word from
// waiting to notified, until he has put it into the run queue; and one canceller, whom the cancel
// slot makes the end wait for (see <weft/extend/cancel.hpp>).
#include <weft/detail/future_awaiter.hpp>
#include <weft/extend/frame_pool.hpp>

#include <new>
#include <optional>

namespace weft::detail {

namespace {

// The word of a waker. `notified` is a bit, so that a wake is one fetch_or, which also orders:
// every wake before a poll, though it coalesced with another, is seen by that poll.
constexpr std::uintptr_t polling_word = 0;
constexpr std::uintptr_t notified_word = 1;
constexpr std::uintptr_t waiting_word = 2;
constexpr std::uintptr_t greatest_state = notified_word | waiting_word;

}  // namespace

/// What clones of a leaf's waker point to. Counted: by each clone, and by the leaf.
class WakerBlock {
 public:
  /// Throws std::bad_alloc.
  static WakerBlock& make(FutureLeaf& leaf) {
    return *::new (allocate_frame(sizeof(WakerBlock))) WakerBlock(leaf);
  }
  /// The word in a leaf as a block, or null when it is a state.
  [[nodiscard]] static WakerBlock* from(std::uintptr_t word) noexcept {
    // SAFETY: greater than every state are only the pointers that clone_own() put there.
    return word > greatest_state ? reinterpret_cast<WakerBlock*>(word) : nullptr;
  }
  [[nodiscard]] std::uintptr_t as_word() noexcept { return reinterpret_cast<std::uintptr_t>(this); }
  [[nodiscard]] RawWaker raw() noexcept { return {this, &vtable}; }

  // Relaxed: who holds the block may hold it once more; nothing is published by that.
  void hold() noexcept { holds_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    // Release: what this holder did comes before the end. Acquire: whoever ends it has seen all.
    if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  void destroy() noexcept {
    this->~WakerBlock();
    deallocate_frame(this, sizeof(WakerBlock));
  }

  /// Before the block is seen by others.
  void start_with(std::uintptr_t state) noexcept { state_.store(state, std::memory_order_relaxed); }

  void notify() noexcept {
    // Release: pairs with begin_poll() and begin_wait(): the poll sees what led to this wake.
    // Acquire: pairs with begin_wait(), for the leaf is touched next. It is there: it waits, and
    // only we put it into the queue.
    if (state_.fetch_or(notified_word, std::memory_order_acq_rel) == waiting_word) leaf_.schedule();
  }
  void begin_poll() noexcept {
    // Acquire: pairs with notify(); every notification up to here is answered by this poll.
    state_.exchange(polling_word, std::memory_order_acquire);
  }
  /// Relaxed: only a hint; begin_wait() decides, and begin_poll() acquires.
  [[nodiscard]] bool is_notified() const noexcept {
    return (state_.load(std::memory_order_relaxed) & notified_word) != 0;
  }
  /// False: a wake came since the poll began. True: the leaf belongs to whoever wakes it.
  [[nodiscard]] bool begin_wait() noexcept {
    std::uintptr_t expected = polling_word;
    // Release: pairs with notify(), which may run the leaf elsewhere. Relaxed on failure: the next
    // begin_poll() acquires.
    return state_.compare_exchange_strong(expected, waiting_word, std::memory_order_release,
                                          std::memory_order_relaxed);
  }

 private:
  explicit WakerBlock(FutureLeaf& leaf) noexcept : leaf_(leaf) {}
  ~WakerBlock() = default;

  static WakerBlock& of(void* data) noexcept { return *static_cast<WakerBlock*>(data); }
  static const WakerVTable vtable;

  FutureLeaf& leaf_;  // there only while the word says so
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

// The waker before there is a block: its handle is not counted, and good during a poll only.

constinit const WakerVTable FutureLeaf::own_vtable{
    .clone = &FutureLeaf::clone_own,
    .wake = &FutureLeaf::notify_own,
    .wake_by_ref = &FutureLeaf::notify_own,
    .drop = [](void*) noexcept {},
};

RawWaker FutureLeaf::clone_own(void* data) {
  auto& leaf = *static_cast<FutureLeaf*>(data);
  WakerBlock* fresh = nullptr;
  // Acquire, here and below: the block that another thread has made is seen complete.
  std::uintptr_t word = leaf.word_.load(std::memory_order_acquire);
  for (;;) {
    if (WakerBlock* const block = WakerBlock::from(word)) {
      if (fresh != nullptr) fresh->destroy();
      block->hold();
      return block->raw();
    }
    if (fresh == nullptr) fresh = &WakerBlock::make(leaf);
    fresh->start_with(word);  // polling or notified: a waker is cloned only while it is polled with
    // Release: pairs with the acquires of whoever finds the block. Acquire: a wake that is taken
    // over by the block's word came before.
    if (leaf.word_.compare_exchange_weak(word, fresh->as_word(), std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
      return fresh->raw();
    }
  }
}

void FutureLeaf::notify_own(void* data) noexcept { static_cast<FutureLeaf*>(data)->notify(); }

// The leaf

// For a canceller, and for a poll that wakes before there is a block.
void FutureLeaf::notify() noexcept {
  std::uintptr_t word = word_.load(std::memory_order_acquire);
  for (;;) {
    if (WakerBlock* const block = WakerBlock::from(word)) {
      block->notify();  // the leaf holds it, and the leaf is there: see the top of this file
      return;
    }
    // As in WakerBlock::notify().
    if (word_.compare_exchange_weak(word, notified_word, std::memory_order_acq_rel,
                                    std::memory_order_acquire)) {
      if (word == waiting_word) schedule();
      return;
    }
  }
}

void FutureLeaf::begin_poll() noexcept {
  // Relaxed: this thread runs the leaf, so it sees what the last poll left here; a canceller may
  // meanwhile mark a state, but only a poll makes a block.
  const std::uintptr_t word = word_.load(std::memory_order_relaxed);
  if (WakerBlock* const block = WakerBlock::from(word)) {
    block->begin_poll();
  } else if (armed_) {
    word_.exchange(polling_word, std::memory_order_acquire);  // as in WakerBlock::begin_poll()
  } else {
    word_.store(polling_word, std::memory_order_relaxed);  // but for polls nobody knows of the leaf
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
                                       std::memory_order_relaxed);  // as there
}

bool FutureLeaf::poll() noexcept {
  Context cx(waker_);
  const bool ready = poll_future_(*this, cx);
  // Acquire: pairs with clone_own(), which may have run on another thread during the poll.
  WakerBlock* const block = WakerBlock::from(word_.load(std::memory_order_acquire));
  if (block != nullptr && waker_.raw() != block->raw()) waker_ = Waker(block->raw());
  return ready;
}

// One turn of the leaf. After `suspended` it may be gone.
FutureLeaf::Turn FutureLeaf::take_turn() noexcept {
  Executor& executor = task_->executor();
  for (;;) {
    begin_poll();
    // Asked before the poll, as one that gives pending is the last only if it began after the
    // cancel; and after begin_poll(), for if that has taken the cancel's notification, the cancel
    // is seen here. One that comes later finds the hook armed, and is seen by begin_wait().
    const bool last = task_->cancel_requested();
    // And it sees what the canceller did before: what was there before the cancel is not lost.
    // Pairs with the release in CancelSlot::request().
    if (last) [[unlikely]]
      atomic_fence(std::memory_order_acquire);
    if (poll()) return Turn::ready;
    if (last) return Turn::cancelled;
    if (is_notified()) break;
    // Armed only when it is about to wait, for then it needs to be woken by a cancel; and before it
    // waits, while it is still here.
    if (!armed_) armed_ = task_->arm(*this);
    if (!armed_) continue;  // a cancel came since the question above: one more poll
    if (begin_wait()) return Turn::suspended;
    break;
  }
  executor.defer(*this);  // woken while it was polled: it has had its turn, others come first
  return Turn::suspended;
}

bool FutureLeaf::suspend(PromiseBase& innermost) noexcept {
  task_ = &innermost.task();
  task_->suspended_at(innermost);
  // Nothing is begun once a cancel was asked for.
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
  // Within a run that belongs to nobody, so that a poll sees what is bound for its task.
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

}  // namespace weft::detail
