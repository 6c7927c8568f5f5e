// SignalTable: which listeners want which signal, the handler that serves them, and the actions
// that the signals had before. One a process, as actions are. SignalInbox: what a listener owns.
//
// The listeners are a singly linked list that handlers read without a lock. An updater holds the
// mutex, changes one link, and waits at the gate before a node that was unlinked may go (see
// "process/handler_gate.hpp"). So removing needs no memory and cannot fail.
//
//   field      written by                        read by
//   first_     an updater, with the mutex held   handlers, updaters
//   next_      an updater, with the mutex held   handlers, updaters
//   counts_    an updater, with the mutex held   updaters
//   before_    an updater, with the mutex held   handlers, updaters
//   process_   an updater, with the mutex held   handlers
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <weft/atomic.hpp>
#include <weft/extend/operation.hpp>
#include <weft/result.hpp>

#include "base/fork.hpp"
#include "process/handler_gate.hpp"

namespace weft::inline v0_1::detail {

/// A set of signal numbers: bit 0 is for signal 1.
using SignalSet = std::uint64_t;
inline constexpr int greatest_signal = 64;
[[nodiscard]] constexpr SignalSet signal_bit(int number) noexcept {
  return SignalSet{1} << (number - 1);
}

/// The signals of one listener: those that it wants, and those that have come. The bell is an
/// eventfd. While a signal has come and was not taken, the bell rings, or is about to.
class SignalInbox {
 public:
  enum class Kind : std::uint8_t {
    every_signal,
    first_signal,  ///< Takes one signal of all that it wants. The next is as without it.
    /// Takes none, but has BeforeDefault ("base/end_hook.hpp") called: for SIGCONT always, for
    /// others if no inbox takes them.
    guard,
  };

  /// Makes an inbox that the table knows. Throws IoError and std::bad_alloc.
  [[nodiscard]] static std::shared_ptr<SignalInbox> make(SignalSet wanted, Kind kind);
  ~SignalInbox();
  SignalInbox(const SignalInbox&) = delete;
  SignalInbox& operator=(const SignalInbox&) = delete;

  /// Takes the lowest signal that has come. Any thread.
  [[nodiscard]] std::optional<int> take() noexcept;
  /// Leaves the table, and ends the waits for the bell. Idempotent. Any thread, but no handler.
  void close() noexcept;
  [[nodiscard]] bool closed() const noexcept {
    return inherited() || closed_.load(std::memory_order_acquire);  // pairs with close()
  }
  [[nodiscard]] Source* bell() const noexcept { return bell_; }

 private:
  friend class SignalTable;
  SignalInbox(SignalSet wanted, Kind kind, NativeHandle bell);

  /// For the handler: takes the signal in. False: it is the second for an inbox of one, or this is
  /// a guard.
  [[nodiscard]] bool put(int number) noexcept;
  /// Whether this process is the child of a fork() of the one that listens. They share the bell.
  [[nodiscard]] bool inherited() const noexcept { return forks_ != ForkCount::now(); }
  void ring() const noexcept;
  void ring_again() noexcept;
  void silence() noexcept;

  const SignalSet wanted_;
  const Kind kind_;
  const NativeHandle bell_handle_;
  const std::uint32_t forks_;
  Source* const bell_;
  Atomic<SignalSet> come_{0};
  Atomic<bool> has_had_{false};  // of the kind first_signal: whether it has taken one in
  Atomic<bool> closed_{false};
  Atomic<SignalInbox*> next_{nullptr};
};

class SignalTable {
 public:
  /// Links the inbox and installs the handler where it is not. After an error it is not linked.
  /// `failed`, then: the signal that the system refuses, or 0.
  [[nodiscard]] static Result<void> add(SignalInbox& inbox, int& failed) noexcept;
  /// Unlinks the inbox. Returns the signals of which it was the last listener.
  static SignalSet remove(SignalInbox& inbox) noexcept;
  /// Whether the process ignores the signal now.
  [[nodiscard]] static bool is_ignored(int number) noexcept;
  /// Whether the signal has its default action now, or listeners here.
  [[nodiscard]] static bool is_unhandled(int number) noexcept;
  /// For BeforeDefault, in a handler: lets the signal act by default, which for SIGTSTP is to stop,
  /// and returns when the process goes on.
  static void act_by_default(int number) noexcept;

 private:
  using Action = struct sigaction;

  static void on_signal(int number) noexcept;
  static void deliver(int number) noexcept;
  static void act_as_before(int number) noexcept;
  [[nodiscard]] static bool is_ours(const Action& action) noexcept;
  [[nodiscard]] static int install(int number, bool& replaced) noexcept;
  static void restore(int number) noexcept;
  static void unlink(SignalInbox& inbox, SignalSet counted) noexcept;
  [[nodiscard]] static bool follow_forks() noexcept;
  static void before_fork() noexcept;
  static void after_fork() noexcept;
  static void in_child() noexcept;

  static inline constinit ThreadMutex mutex_{};
  static inline constinit HandlerGate gate_{};
  static inline constinit Atomic<SignalInbox*> first_{nullptr};
  static inline constinit std::array<std::size_t, greatest_signal + 1> counts_{};
  /// The action to be put back, in one of the two places for it in saved_; null: none.
  static inline constinit std::array<Atomic<const Action*>, greatest_signal + 1> before_{};
  static inline constinit std::array<std::array<Action, 2>, greatest_signal + 1> saved_{};
  static inline constinit Atomic<pid_t> process_{0};
};

}  // namespace weft::inline v0_1::detail
