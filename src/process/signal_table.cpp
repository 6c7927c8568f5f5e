#include "process/signal_table.hpp"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <mutex>

#include "base/end_hook.hpp"
#include "base/fork.hpp"
#include "os/fault.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

// The handler and what it calls: async-signal-safe, so no lock, no memory, errno as it was.

void SignalTable::on_signal(int number) noexcept {
  const int error = errno;
  // In a child after fork() the listeners are the parent's. Relaxed: the value was
  // written before the handler was installed.
  if (::getpid() == process_.load(std::memory_order_relaxed)) deliver(number);
  errno = error;
}

void SignalTable::deliver(int number) noexcept {
  const HandlerGate::Side side = gate_.enter();
  bool wanted = false;
  bool taken = false;
  // Acquire, both: a node is complete when it is linked.
  for (SignalInbox* each = first_.load(std::memory_order_acquire); each != nullptr;
       each = each->next_.load(std::memory_order_acquire)) {
    if ((each->wanted_ & signal_bit(number)) == 0) continue;
    wanted = true;
    taken = each->put(number) || taken;
  }
  if (!taken) {
    if (wanted) {
      act_as_before(number);
    } else {
      // The last listener has gone since the signal came: it does what it does now, if that is the
      // system's default. If the handler is another one, that may have called this one.
      Action now{};
      if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL &&
          !BeforeDefault::call(number)) {
        ::raise(number);
      }
    }
  }
  gate_.leave(side);
}

/// Puts the action back and raises the signal again. It is blocked here, and comes when the handler
/// has returned.
void SignalTable::act_as_before(int number) noexcept {
  const Action* const before =
      before_[static_cast<std::size_t>(number)].load(std::memory_order_acquire);
  if (before == nullptr) return;
  if (before->sa_handler == SIG_DFL && BeforeDefault::call(number)) return;
  ::sigaction(number, before, nullptr);
  ::raise(number);
}

void SignalTable::act_by_default(int number) noexcept {
  Action standard{};
  Action now{};
  standard.sa_handler = SIG_DFL;
  if (::sigaction(number, &standard, &now) != 0) return;
  sigset_t these;
  sigset_t mask;
  ::sigemptyset(&these);
  ::sigaddset(&these, number);
  ::raise(number);
  ::pthread_sigmask(SIG_UNBLOCK, &these, &mask);  // it acts here
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  ::sigaction(number, &now, nullptr);
}

bool SignalInbox::put(int number) noexcept {
  // A process goes on whether or not it listens for that.
  if (kind_ == Kind::guard) return number == SIGCONT && BeforeDefault::call(number);
  // Relaxed: of two handlers at once only one gets false from the exchange.
  if (kind_ == Kind::first_signal && has_had_.exchange(true, std::memory_order_relaxed)) {
    return false;
  }
  come_.fetch_or(signal_bit(number), std::memory_order_release);
  ring();
  return true;
}

/// The plain system call: Syscalls may take a lock for a test's FaultPlan. A full counter rings, so
/// the result says nothing.
void SignalInbox::ring() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(bell_handle_, &one, sizeof one);
}

// The updaters

bool SignalTable::is_ours(const Action& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == &on_signal;
}

/// Returns 0 or an errno value.
int SignalTable::install(int number, bool& replaced) noexcept {
  const auto index = static_cast<std::size_t>(number);
  Action now{};
  if (::sigaction(number, nullptr, &now) != 0) return errno;
  const Action* const before = before_[index].load(std::memory_order_relaxed);
  if (!is_ours(now) || before == nullptr) {
    // Ours without a listener: other code has put it back. There is nothing to go back to.
    if (is_ours(now)) now.sa_handler = SIG_DFL;
    Action& place = saved_[index][before == saved_[index].data() ? 1 : 0];
    place = now;
    before_[index].store(&place, std::memory_order_release);
    replaced = replaced || before != nullptr;
  }
  Action ours{};
  ours.sa_handler = &on_signal;
  ours.sa_flags = SA_RESTART | SA_ONSTACK;
  ::sigemptyset(&ours.sa_mask);
  if (const int refused = Syscalls::planned_failure(Call::sigaction); refused != 0) return refused;
  return ::sigaction(number, &ours, nullptr) == 0 ? 0 : errno;
}

void SignalTable::restore(int number) noexcept {
  const auto index = static_cast<std::size_t>(number);
  const Action* const before = before_[index].load(std::memory_order_relaxed);
  Action now{};
  if (before != nullptr && ::sigaction(number, nullptr, &now) == 0 && is_ours(now)) {
    ::sigaction(number, before, nullptr);
  }
}

Result<void> SignalTable::add(SignalInbox& inbox, int& failed) noexcept {
  failed = 0;
  if (!follow_forks()) return fail(std::errc::not_enough_memory);
  const std::lock_guard lock(mutex_);
  process_.store(::getpid(), std::memory_order_relaxed);
  // Linked first: a signal that comes as soon as the handler is installed finds the inbox.
  inbox.next_.store(first_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  first_.store(&inbox, std::memory_order_release);
  SignalSet counted = 0;
  bool replaced = false;
  int error = 0;
  for (SignalSet rest = inbox.wanted_; rest != 0 && error == 0; rest &= rest - 1) {
    const int number = std::countr_zero(rest) + 1;
    ++counts_[static_cast<std::size_t>(number)];
    counted |= signal_bit(number);
    error = install(number, replaced);
    if (error != 0) failed = number;
  }
  if (error != 0) {
    unlink(inbox, counted);
    return fail(os_error(error));
  }
  // A handler may still read the action that was replaced, whose place is the next one's.
  if (replaced) gate_.wait_for_handlers();
  return {};
}

SignalSet SignalTable::remove(SignalInbox& inbox) noexcept {
  const std::lock_guard lock(mutex_);
  if (inbox.forks_ != ForkCount::now()) return 0;  // the list is a new one in this process
  SignalSet last = 0;
  for (SignalSet rest = inbox.wanted_; rest != 0; rest &= rest - 1) {
    const int number = std::countr_zero(rest) + 1;
    if (counts_[static_cast<std::size_t>(number)] == 1) last |= signal_bit(number);
  }
  unlink(inbox, inbox.wanted_);
  return last;
}

/// The actions first: a signal that comes in between finds the inbox, or acts as before.
void SignalTable::unlink(SignalInbox& inbox, SignalSet counted) noexcept {
  SignalSet last = 0;
  for (SignalSet rest = counted; rest != 0; rest &= rest - 1) {
    const int number = std::countr_zero(rest) + 1;
    if (--counts_[static_cast<std::size_t>(number)] != 0) continue;
    last |= signal_bit(number);
    restore(number);
  }
  Atomic<SignalInbox*>* link = &first_;
  while (link->load(std::memory_order_relaxed) != &inbox) {
    link = &link->load(std::memory_order_relaxed)->next_;
  }
  // Release: a handler that goes on to the next node sees it complete.
  link->store(inbox.next_.load(std::memory_order_relaxed), std::memory_order_release);
  gate_.wait_for_handlers();
  for (SignalSet rest = last; rest != 0; rest &= rest - 1) {
    // Relaxed: no handler reads it before it is written again.
    before_[static_cast<std::size_t>(std::countr_zero(rest)) + 1].store(nullptr,
                                                                        std::memory_order_relaxed);
  }
}

bool SignalTable::is_ignored(int number) noexcept {
  Action now{};
  return ::sigaction(number, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 &&
         now.sa_handler == SIG_IGN;
}

bool SignalTable::is_unhandled(int number) noexcept {
  Action now{};
  if (::sigaction(number, nullptr, &now) != 0) return false;
  return is_ours(now) || ((now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL);
}

bool SignalTable::follow_forks() noexcept {
  static const bool follows =
      ForkCount::begin() && ::pthread_atfork(&before_fork, &after_fork, &in_child) == 0;
  return follows;
}

void SignalTable::before_fork() noexcept { mutex_.lock(); }
void SignalTable::after_fork() noexcept { mutex_.unlock(); }

/// The inboxes are the parent's. The handler stays installed where it is, with the action to be put
/// back, until a listener of this process has come and gone.
void SignalTable::in_child() noexcept {
  first_.store(nullptr, std::memory_order_relaxed);
  counts_.fill(0);
  gate_.reset();
  mutex_.unlock();
}

}  // namespace weft::inline v0_1::detail
