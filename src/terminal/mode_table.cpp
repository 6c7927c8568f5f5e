#include "terminal/mode_table.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <mutex>

#include "base/end_hook.hpp"
#include "os/fd.hpp"
#include "os/syscalls.hpp"
#include "process/signal_table.hpp"
#include "terminal/foreground.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// The signals whose default action ends or stops the process, and that which lets it go on.
constexpr std::array watched = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,    SIGTRAP,   SIGABRT,
                                SIGBUS,  SIGFPE,  SIGUSR1, SIGSEGV,   SIGUSR2,   SIGPIPE,
                                SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ,   SIGVTALRM, SIGPROF,
                                SIGSYS,  SIGIO,   SIGPWR,  SIGSTKFLT, SIGTSTP,   SIGCONT};

termios changed(const termios& from, ModeTable::Mode mode) noexcept {
  termios to = from;
  switch (mode) {
    case ModeTable::Mode::raw:
      ::cfmakeraw(&to);
      break;
    case ModeTable::Mode::cbreak:
      to.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
      break;
    case ModeTable::Mode::no_echo:
      to.c_lflag &= ~static_cast<tcflag_t>(ECHO);
      to.c_lflag |= ECHONL;
      break;
  }
  if (mode != ModeTable::Mode::no_echo) {
    to.c_cc[VMIN] = 1;
    to.c_cc[VTIME] = 0;
  }
  return to;
}

/// SIGTTOU blocked for this thread while it lives: a change of the mode does not stop the process.
/// Async-signal-safe.
class BlockedStop {
 public:
  BlockedStop() noexcept {
    sigset_t these;
    ::sigemptyset(&these);
    ::sigaddset(&these, SIGTTOU);
    ::pthread_sigmask(SIG_BLOCK, &these, &before_);
  }
  ~BlockedStop() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedStop(const BlockedStop&) = delete;
  BlockedStop& operator=(const BlockedStop&) = delete;

 private:
  sigset_t before_;
};

/// Async-signal-safe. Returns 0 or an errno value.
int set_mode(NativeHandle terminal, const termios& mode) noexcept {
  const BlockedStop blocked;
  if (is_in_background(terminal)) return 0;  // the mode is that of another program
  // Now: to wait for output that is stopped (Ctrl-S) could last for ever.
  return ::tcsetattr(terminal, TCSANOW, &mode) == 0 ? 0 : errno;
}

}  // namespace

// For handlers

/// Returns the place in use whose number follows `number`, and sets that to its own.
ModePlace* ModeTable::next_of(std::uint64_t& number, bool upwards) noexcept {
  Place* found = nullptr;
  for (Place& each : places_) {
    // Acquire: pairs with the release in add().
    if (each.state.load(std::memory_order_acquire) == State::free) continue;
    if (upwards ? each.number <= number : each.number >= number) continue;
    if (found == nullptr || (each.number < found->number) == upwards) found = &each;
  }
  if (found != nullptr) number = found->number;
  return found;
}

void ModeTable::restore_all() noexcept {
  std::uint64_t number = std::numeric_limits<std::uint64_t>::max();
  while (const Place* const each = next_of(number, false)) {
    static_cast<void>(set_mode(each->terminal, each->before));
  }
}

void ModeTable::set_again() noexcept {
  std::uint64_t number = 0;
  while (const Place* const each = next_of(number, true)) {
    if (each->state.load(std::memory_order_acquire) != State::on) continue;
    static_cast<void>(set_mode(each->terminal, each->during));
  }
}

bool ModeTable::before_default(int signal) noexcept {
  // Relaxed: a child after fork() has another id, and the modes are the parent's.
  if (process_.load(std::memory_order_relaxed) != ::getpid()) return false;
  if (signal == SIGCONT) {
    set_again();
    return true;
  }
  restore_all();
  if (signal != SIGTSTP) return false;
  SignalTable::act_by_default(signal);
  set_again();
  return true;
}

// The updaters

void ModeTable::at_exit() noexcept {
  if (process_.load(std::memory_order_relaxed) == ::getpid()) restore_all();
}

/// Once, and again when none was on. With the mutex held.
void ModeTable::watch_signals() {
  static const bool registered =
      std::atexit([] { at_exit(); }) == 0 && std::at_quick_exit([] { at_exit(); }) == 0;
  static_cast<void>(registered);  // without memory for that, the other ways remain
  if (guard_ != nullptr) return;
  SignalSet wanted = 0;
  const auto want = [&wanted](int number) {
    if (SignalTable::is_unhandled(number)) wanted |= signal_bit(number);
  };
  for (const int number : watched) want(number);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) want(number);
  process_.store(::getpid(), std::memory_order_relaxed);
  BeforeDefault::set(&before_default);
  guard_ = SignalInbox::make(wanted, SignalInbox::Kind::guard);
}

ModePlace* ModeTable::free_place() noexcept {
  for (Place& each : places_) {
    if (each.state.load(std::memory_order_relaxed) == State::free) return &each;
  }
  return nullptr;
}

Result<int> ModeTable::add(NativeHandle terminal, Mode mode) {
  const std::lock_guard lock(mutex_);
  if (process_.load(std::memory_order_relaxed) != ::getpid()) {
    // After fork() the places are the parent's.
    for (Place& each : places_) each.state.store(State::free, std::memory_order_relaxed);
    guard_.reset();
  }
  Place* const place = free_place();
  if (place == nullptr) return fail(std::errc::resource_unavailable_try_again);
  Fd copy(::fcntl(terminal, F_DUPFD_CLOEXEC, 3));
  struct stat status{};
  if (!copy || ::fstat(copy.get(), &status) != 0 || ::tcgetattr(copy.get(), &place->before) != 0) {
    return fail(os_error(errno));
  }
  watch_signals();
  place->terminal = copy.release();
  place->device = status.st_rdev;
  place->number = ++last_number_;
  place->during = changed(place->before, mode);
  // On before it is set: a signal between the two restores what is there.
  place->state.store(State::on, std::memory_order_release);
  // In the background the system stops the process here, until it is in the foreground.
  if (::tcsetattr(place->terminal, TCSANOW, &place->during) != 0) {
    const int error = errno;
    static_cast<void>(end(*place));
    return fail(os_error(error));
  }
  return static_cast<int>(place - places_.data());
}

Result<void> ModeTable::remove(int place) noexcept {
  const std::lock_guard lock(mutex_);
  if (process_.load(std::memory_order_relaxed) != ::getpid()) return {};
  return end(places_[static_cast<std::size_t>(place)]);
}

/// Whether a later mode of the same terminal is on.
bool ModeTable::has_later(const Place& place) noexcept {
  for (const Place& each : places_) {
    if (each.state.load(std::memory_order_relaxed) != State::on) continue;
    if (each.device == place.device && each.number > place.number) return true;
  }
  return false;
}

/// The lowest of the places right below this one, of the same terminal, that were left; or this.
ModePlace& ModeTable::oldest_of(Place& place) noexcept {
  Place* oldest = &place;
  std::uint64_t number = place.number;
  while (Place* const below = next_of(number, false)) {
    if (below->device != place.device) continue;
    if (below->state.load(std::memory_order_relaxed) == State::on) break;
    oldest = below;
  }
  return *oldest;
}

/// Frees this place and those of the same terminal above it.
void ModeTable::free_from(const Place& oldest) noexcept {
  const dev_t device = oldest.device;
  const std::uint64_t number = oldest.number;
  for (Place& each : places_) {
    if (each.state.load(std::memory_order_relaxed) == State::free) continue;
    if (each.device != device || each.number < number) continue;
    each.state.store(State::free, std::memory_order_release);
    static_cast<void>(Syscalls::close(each.terminal));
  }
}

/// With the mutex held.
Result<void> ModeTable::end(Place& place) noexcept {
  place.state.store(State::left, std::memory_order_relaxed);
  if (has_later(place)) return {};
  const Place& oldest = oldest_of(place);
  const int error = set_mode(place.terminal, oldest.before);
  free_from(oldest);
  std::uint64_t number = 0;
  if (next_of(number, true) == nullptr) guard_.reset();
  if (error != 0) return fail(os_error(error));
  return {};
}

}  // namespace weft::inline v0_1::detail
