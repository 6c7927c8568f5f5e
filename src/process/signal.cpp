// SignalInbox as its owner sees it, SignalListener and stop_requested().
#include <weft/signal.hpp>

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <weft/detail/net_request.hpp>
#include <weft/extend/io.hpp>
#include <weft/stream.hpp>

#include "base/check.hpp"
#include "base/fork.hpp"
#include "os/fd.hpp"
#include "os/syscalls.hpp"
#include "process/signal_table.hpp"

namespace weft::inline v0_1::detail {

SignalInbox::SignalInbox(SignalSet wanted, Kind kind, NativeHandle bell)
    : wanted_(wanted),
      kind_(kind),
      bell_handle_(bell),
      forks_(ForkCount::now()),
      bell_(new Source(bell)) {}

std::shared_ptr<SignalInbox> SignalInbox::make(SignalSet wanted, Kind kind) {
  const std::int64_t handle = Syscalls::eventfd(0);
  if (handle < 0) throw IoError(os_error(static_cast<int>(-handle)), "listen", "signals");
  Fd bell(static_cast<int>(handle));
  std::unique_ptr<SignalInbox> inbox(new SignalInbox(wanted, kind, bell.get()));
  static_cast<void>(bell.release());
  int failed = 0;
  const Result<void> added = SignalTable::add(*inbox, failed);
  if (!added) {
    inbox->closed_.store(true, std::memory_order_relaxed);  // the table does not know it
    throw IoError(added.error(), "listen", failed != 0 ? signal_name(failed) : "signals");
  }
  return inbox;
}

SignalInbox::~SignalInbox() {
  close();
  bell_->drop_owner();
}

void SignalInbox::close() noexcept {
  if (closed_.exchange(true, std::memory_order_acq_rel)) return;
  const SignalSet last = SignalTable::remove(*this);
  bell_->close();  // no handler rings any more
  if (kind_ != Kind::first_signal) return;
  // A signal that came for this one alone, and that no task has seen, is not lost.
  const SignalSet unseen = come_.exchange(0, std::memory_order_acquire) & last;
  for (SignalSet rest = unseen; rest != 0; rest &= rest - 1) {
    ::kill(::getpid(), std::countr_zero(rest) + 1);
  }
}

/// Before a look at what has come: a signal that comes later rings again.
void SignalInbox::silence() noexcept {
  if (bell_->begin_use(interest::readable)) {
    std::uint64_t rings = 0;
    static_cast<void>(Syscalls::read(bell_handle_, &rings, sizeof rings));
  }
  bell_->end_use();
}

void SignalInbox::ring_again() noexcept {
  if (bell_->begin_use(interest::readable)) ring();
  bell_->end_use();
}

std::optional<int> SignalInbox::take() noexcept {
  if (inherited()) return std::nullopt;
  silence();
  SignalSet come = come_.load(std::memory_order_acquire);  // pairs with put()
  while (come != 0) {
    const SignalSet lowest = come & (~come + 1);
    const SignalSet before = come_.fetch_and(~lowest, std::memory_order_acq_rel);
    if ((before & lowest) == 0) {  // another task has taken it
      come = before;
      continue;
    }
    if ((before & ~lowest) != 0) ring_again();
    return std::countr_zero(lowest) + 1;
  }
  return std::nullopt;
}

namespace {

Task<std::optional<int>> next_of(std::shared_ptr<SignalInbox> inbox) {
  for (;;) {
    const bool closed = inbox->closed();  // before the look: what came before the close is taken
    if (std::optional<int> number = inbox->take()) co_return number;
    if (closed) co_return std::nullopt;
    Result<void> rang =
        co_await attempt(IoOp<ReadyRequest>(ReadyRequest(inbox->bell(), interest::readable)));
    if (!rang && rang.error() != std::errc::operation_canceled) {
      throw IoError(rang.error(), "wait for a signal");
    }
  }
}

Task<int> first_of(std::shared_ptr<SignalInbox> inbox) {
  const std::optional<int> number = co_await next_of(inbox);
  if (!number) {
    throw IoError(make_error_code(std::errc::operation_canceled), "stop_requested",
                  "made before a fork, in its parent");
  }
  inbox->close();  // the earlier actions are back before the caller goes on
  co_return *number;
}

/// Why a program cannot listen for the signal; null if it can.
const char* refusal_of(int number) noexcept {
  switch (number) {
    case SIGKILL:
    case SIGSTOP:
      return "no program can handle it";
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
      return "it is a fault of the running thread, to which a handler must not return";
    default:
      break;
  }
  if (number < 1 || number > greatest_signal) return "there is no such signal";
  // glibc keeps the first real-time signals for itself.
  if (number >= 32 && number < SIGRTMIN) return "the system's thread library uses it";
  return nullptr;
}

SignalSet set_of(std::span<const int> numbers) {
  if (numbers.empty()) throw std::invalid_argument("weft::SignalListener: no signal is named");
  SignalSet set = 0;
  for (const int number : numbers) {
    if (const char* const refusal = refusal_of(number)) {
      throw std::invalid_argument("weft::SignalListener: " + signal_name(number) + ": " + refusal);
    }
    set |= signal_bit(number);
  }
  return set;
}

SignalInbox& inbox_of(const std::shared_ptr<SignalInbox>& inbox) noexcept {
  WEFT_CHECK(inbox != nullptr, "the signal listener was moved from: use the one it was moved to");
  return *inbox;
}

}  // namespace
}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

std::string signal_name(int number) {
  if (number >= SIGRTMIN && number <= SIGRTMAX) {
    const int offset = number - SIGRTMIN;
    return offset == 0 ? "SIGRTMIN" : "SIGRTMIN+" + std::to_string(offset);
  }
  const char* const name = number > 0 ? ::sigabbrev_np(number) : nullptr;
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(number);
}

static_assert(Stream<SignalListener>);

SignalListener::SignalListener(std::span<const int> numbers)
    : inbox_(detail::SignalInbox::make(detail::set_of(numbers),
                                       detail::SignalInbox::Kind::every_signal)) {}
SignalListener::SignalListener(std::initializer_list<int> numbers)
    : SignalListener(std::span<const int>(numbers.begin(), numbers.size())) {}
SignalListener::SignalListener(int number) : SignalListener(std::span<const int>(&number, 1)) {}

SignalListener& SignalListener::operator=(SignalListener&& other) noexcept {
  SignalListener old(std::move(*this));
  inbox_ = std::move(other.inbox_);
  return *this;
}

SignalListener::~SignalListener() { close(); }

Task<std::optional<int>> SignalListener::next() {
  static_cast<void>(detail::inbox_of(inbox_));
  return detail::next_of(inbox_);
}

std::optional<int> SignalListener::try_next() noexcept { return detail::inbox_of(inbox_).take(); }

void SignalListener::close() noexcept {
  if (inbox_ != nullptr) inbox_->close();
}

NativeHandle SignalListener::native_handle() const noexcept {
  return *this ? inbox_->bell()->handle() : invalid_handle;
}

SignalListener::operator bool() const noexcept { return inbox_ != nullptr && !inbox_->closed(); }

Task<int> stop_requested() {
  detail::SignalSet wanted = 0;
  for (const int number : {SIGINT, SIGTERM}) {
    if (!detail::SignalTable::is_ignored(number)) wanted |= detail::signal_bit(number);
  }
  return detail::first_of(
      detail::SignalInbox::make(wanted, detail::SignalInbox::Kind::first_signal));
}

}  // namespace weft::inline v0_1
