// Reactor: polling, timers, the inbox of posted hooks, and remote polls. The contract is in
// reactor.hpp.
#include "reactor/reactor.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.hpp"
#include "base/thread_context.hpp"

namespace weft::inline v0_1::detail {
namespace {

// The timers that one poll() fires at most. The next poll(), which then does not block, fires the
// rest, after I/O had its turn. This also bounds a timer whose completion starts it again, already
// due.
constexpr std::size_t timers_a_turn = 1024;

}  // namespace

namespace {

// Never inlined: see thread_context().
[[gnu::noinline]] Reactor* exchange_current(Reactor* reactor) noexcept {
  return std::exchange(thread_context().reactor, reactor);
}

}  // namespace

Reactor::Reactor(std::unique_ptr<Driver> driver, Clock& clock) noexcept
    : driver_(std::move(driver)), clock_(clock), wheel_(clock.now(), clock.timer_shift()) {}

Reactor::~Reactor() {
  drain_messages();
  WEFT_CHECK(pending_ == 0, "a reactor is destroyed with operations pending: end them first");
  drop_timers();
}

// Not inlined: a caller that was suspended and resumed on another thread must not reuse the address
// of the first thread's variable.
[[gnu::noinline]] Reactor* Reactor::current() noexcept { return thread_context().reactor; }

void Reactor::start_timer(Operation& operation) noexcept {
  wheel_.insert(operation.timer);
  operation.pending = true;
}

/// The source was closed while the driver took the operation.
Started Reactor::refuse(Operation& operation) noexcept {
  operation.cancel_wanted = true;
  if (driver_->cancel(operation) == Cancelled::confirmed) return Started::completed;
  ++pending_;
  return Started::pending;
}

void Reactor::cancel(Operation& operation) noexcept {
  const Hold hold(*this);
  if (!operation.pending || operation.cancel_wanted) return;
  operation.cancel_wanted = true;
  if (operation.kind == OperationKind::timer) {
    wheel_.remove(operation.timer);
    operation.pending = false;
    operation.result = -ECANCELED;
  } else if (driver_->cancel(operation) == Cancelled::requested) {
    return;
  }
  end(operation);
}

bool Reactor::take_back(SleepLeaf& sleep) noexcept {
  const Hold hold(*this);
  if (sleep.link.next == nullptr) return false;
  wheel_.remove(sleep);
  --pending_;
  ended_.add();
  return true;
}

// The inbox. A poster pushes with release; the thread that drains takes the whole stack with
// acquire, and so sees the hooks as they were posted. Only a poster that finds the inbox empty
// wakes the owner. A poster that finds it non-empty need not: the first poster of that stack has
// woken the owner, or is about to, after the push that this poster saw; the drain that follows that
// wake takes this hook, too.
void Reactor::post_cancel(CancelMessage& hook) noexcept {
  CancelMessage* first = messages_.load(std::memory_order_relaxed);
  do {
    hook.next = first;
  } while (!messages_.compare_exchange_weak(first, &hook, std::memory_order_release,
                                            std::memory_order_relaxed));
  if (first == nullptr) driver_->wake();
}

void Reactor::drain_messages() noexcept {
  if (messages_.load(std::memory_order_relaxed) == nullptr) return;
  CancelMessage* newest_first = messages_.exchange(nullptr, std::memory_order_acquire);
  CancelMessage* oldest_first = nullptr;
  while (newest_first != nullptr) {
    CancelMessage* const hook = std::exchange(newest_first, newest_first->next);
    hook->next = std::exchange(oldest_first, hook);
  }
  while (oldest_first != nullptr) {
    // The request may end the hook's life, so the link is read before.
    std::exchange(oldest_first, oldest_first->next)->request();
  }
}

std::size_t Reactor::poll(std::int64_t limit_ns) noexcept {
  lock_.take_bias();
  const Hold hold(*this);
  return turn_held(std::exchange(wake_owed_, false) ? 0 : limit_ns);
}

std::size_t Reactor::turn_held(std::int64_t limit_ns) noexcept {
  const std::uint64_t ended_before = ended_.load();
  const std::int64_t timeout = bounded_timeout(limit_ns);
  const bool brought = poll_now(timeout);
  // A poll that blocked and delivered operations leaves the timers to the next poll, which finds
  // them due: that saves a reading of the clock.
  if (timeout == 0 || !brought) fire_timers();
  return static_cast<std::size_t>(ended_.load() - ended_before);
}

bool Reactor::has_buffered() noexcept {
  const Hold hold(*this);
  return driver_->has_buffered();
}

bool Reactor::dispatch_buffered() noexcept {
  const Hold hold(*this);
  if (!driver_->has_buffered()) return false;
  static_cast<void>(poll_now(0));
  return true;
}

std::int64_t Reactor::timeout() noexcept {
  const Hold hold(*this);
  return bounded_timeout(-1);
}

std::optional<Reactor::RemotePoll> Reactor::poll_remotely() noexcept {
  if (!lock_.try_visit()) return std::nullopt;
  // complete() of what ends may start or cancel other operations here.
  Reactor* const own = exchange_current(this);
  do {
    turn_held(0);
    wake_owed_ = wake_owed_ || driver_->woken();
  } while (driver_->has_buffered());
  const RemotePoll remote{driver_->native_handle(), bounded_timeout(-1)};
  exchange_current(own);
  lock_.end_visit();
  return remote;
}

bool Reactor::visit_for(CancelHook& errand) noexcept {
  if (!lock_.try_visit()) return false;
  errand.request();
  lock_.end_visit();
  return true;
}

bool Reactor::visit_for_messages() noexcept {
  if (!lock_.try_visit()) return false;
  Reactor* const own = exchange_current(this);  // as in poll_remotely()
  drain_messages();
  exchange_current(own);
  lock_.end_visit();
  return true;
}

void Reactor::drop_timers() noexcept {
  const Hold hold(*this);
  const auto drop = [](Timer& timer) {
    // Release: the last touch of the timer here. Pairs with the acquire loads in Timer::arm() and
    // disarm().
    timer.home_.store(nullptr, std::memory_order_release);
  };
  while (Timer* const timer = calls_.pop()) drop(*timer);
  // SAFETY: all operations and sleeps have ended, so every node left is a Timer.
  while (TimerNode* const node = wheel_.pop_any()) drop(static_cast<Timer&>(*node));
}

bool Reactor::poll_now(std::int64_t timeout_ns) noexcept {
  CompletionList completed;
  driver_->wait(timeout_ns, completed);
  polls_.add();
  drain_messages();
  const bool brought = !completed.empty();
  while (Operation* const operation = completed.pop()) end(*operation);
  return brought;
}

/// Calls complete() of an operation that has ended. complete() may start, cancel and destroy
/// operations, this one included. The others in the list of completions are no longer pending, so a
/// cancel ignores them.
void Reactor::end(Operation& operation) noexcept {
  --pending_;
  ended_.add();
  if (operation.source != nullptr) operation.source->remove_pending(operation);
  operation.complete();
}

void Reactor::fire_timers() noexcept {
  if (wheel_.size() == 0) return;  // saves reading the clock
  const std::int64_t present = now();
  for (std::size_t fired = 0; fired < timers_a_turn; ++fired) {
    TimerNode* const node = wheel_.pop_due(present);
    if (node == nullptr) return;
    fire(*node);
  }
}

// SAFETY of the casts: the kind says which class the node belongs to.
void Reactor::fire(TimerNode& node) noexcept {
  switch (node.kind) {
    case TimerNode::Kind::sleep:
      --pending_;
      ended_.add();
      static_cast<SleepLeaf&>(node).over();
      return;
    case TimerNode::Kind::callback:
      ended_.add();
      calls_.add(static_cast<Timer&>(node));
      return;
    case TimerNode::Kind::operation: {
      Operation& timer = Operation::of(node);
      timer.result = 0;
      timer.pending = false;
      end(timer);
    }
  }
}

std::int64_t Reactor::bounded_timeout(std::int64_t limit_ns) noexcept {
  if (limit_ns == 0) return 0;
  const std::int64_t deadline = wheel_.next_deadline();
  if (deadline == TimerWheel::never) return limit_ns;
  const std::int64_t present = now();
  const std::int64_t left = deadline > present ? deadline - present : 0;
  return limit_ns < 0 ? left : std::min(limit_ns, left);
}

}  // namespace weft::inline v0_1::detail
