// Signals as a stream: SignalListener, for any signal that a program may handle, and
// stop_requested(), for the two that ask a program to end.
//
//   weft::SignalListener reloads(SIGHUP);
//   while (auto number = co_await reloads.next()) reload();
//
//   int number = co_await weft::stop_requested();      // SIGINT or SIGTERM; a second one kills
//
// The numbers are those of <csignal>. A listener has its signals from its construction on. As POSIX
// has it, signals of one number that have not been taken count as one; so a signal says that
// something has happened, not how often.
//
// How signals arrive: a handler installed by sigaction(2) (SA_RESTART, SA_ONSTACK) marks the number
// in each listener and wakes the task that waits. No thread's signal mask changes, and there is no
// thread for signals. The first listener of a number notes the action that the number had, and the
// last one puts it back; a handler that other code has installed meanwhile is left alone. Any
// number of listeners, of one number or several, may exist on any threads and runtimes, and each
// gets each signal.
//
// After fork() the handler does nothing in the child, where the parent's listeners end. A listener
// that the child makes works.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <weft/native_handle.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1 {

namespace detail {
class SignalInbox;
}  // namespace detail

/// Returns the name of a signal, "SIGTERM" or "SIGRTMIN+1"; "signal 99" for another number. Throws
/// std::bad_alloc.
[[nodiscard]] std::string signal_name(int number);

/// Receives signals. A Stream of their numbers. Move-only; empty after a move, and then only
/// destruction and assignment are allowed.
///
/// Thread-safe: next(), try_next() and close(). Several tasks may wait; each signal is one task's.
class SignalListener {
 public:
  /// Listens from now on. Throws std::invalid_argument, naming the signal, for SIGKILL and SIGSTOP,
  /// which no program can handle, for faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL), whose handler must
  /// not return, and for numbers that are no signal's or are the thread library's own; IoError of
  /// the system (errc::too_many_files_open …); std::bad_alloc.
  explicit SignalListener(int number);
  explicit SignalListener(std::initializer_list<int> numbers);
  explicit SignalListener(std::span<const int> numbers);
  SignalListener(SignalListener&& other) noexcept = default;
  SignalListener& operator=(SignalListener&& other) noexcept;
  /// As close(). Signals that were not taken are dropped.
  ~SignalListener();

  /// Waits for the next signal and returns its number; of several that have come, the lowest.
  /// Returns nothing after close(), once all that had come before are taken. Errors: the system's.
  /// Cancel: no signal is lost; the next call returns it.
  [[nodiscard]] Task<std::optional<int>> next();
  /// Returns a signal that has come; nothing if there is none. Never waits.
  [[nodiscard]] std::optional<int> try_next() noexcept;
  /// Stops listening: the last listener of a number puts the earlier action back. Waits for
  /// handlers that run at this moment, which takes microseconds. Not for use in a signal handler.
  void close() noexcept;

  /// Returns a handle that is readable while a signal has come and was not taken, and at times
  /// without reason: for loops that are not weft's, to watch and not to read. Valid until close().
  [[nodiscard]] NativeHandle native_handle() const noexcept;
  /// Returns whether it listens: false after close() or a move.
  [[nodiscard]] explicit operator bool() const noexcept;

 private:
  std::shared_ptr<detail::SignalInbox> inbox_;
};

/// Ends with SIGINT or SIGTERM, the first of them that comes after this call. The signal after that
/// does what it would do without weft: it ends the process, even if the program computes and has
/// not noticed the first one yet, unless there is a SignalListener for it. Several may wait, and
/// the first signal is for all of them. A process that ends so runs no destructors: children that
/// are killed on drop go on, and a terminal's Ctrl-C does not reach those in groups of their own.
/// A program that has such children waits with a SignalListener, and counts the signals itself.
///
/// A signal that is ignored at the time of the call stays ignored, as a shell wants it of a command
/// in the background. If both are, this waits for a cancel alone.
///
/// Throws IoError and std::bad_alloc as SignalListener. Cancel: stops listening; a signal that had
/// come, and was for no other listener, is raised again.
[[nodiscard]] Task<int> stop_requested();

}  // namespace weft::inline v0_1
