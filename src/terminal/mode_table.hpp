// ModeTable: the changed modes of terminals that are on in this process, and how they end with it.
//
// A place of the table is a mode that was set, and the mode before it. To end the process, or to
// stop it, the modes before are set again in reverse order; to go on, those that were set, in
// order. Handlers of signals do this, at any instruction of any thread. So a place is written
// before it is used, and then changes in its state alone.
//
// A mode that is ended while a later one of the same terminal is on is *left*: it keeps its place
// for the end of the later one, which then goes back to the mode before both.
//
//   member   written by                          read by
//   state    an updater, with the mutex held     handlers, updaters
//   others   an updater, before state is `on`    handlers, updaters
//
// Thread-safety: any thread.
#pragma once

#include <termios.h>
#include <weft/atomic.hpp>
#include <weft/native_handle.hpp>
#include <weft/result.hpp>

#include <sys/types.h>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace weft::inline v0_1::detail {

class SignalInbox;

/// See above.
struct ModePlace {
  enum class State : std::uint8_t { free, on, left };

  Atomic<State> state{State::free};
  NativeHandle terminal = invalid_handle;  // a duplicate of the caller's
  dev_t device = 0;
  std::uint64_t number = 0;  // the higher, the later
  termios before{};
  termios during{};
};

class ModeTable {
 public:
  static constexpr std::size_t places = 16;
  enum class Mode : std::uint8_t { raw, cbreak, no_echo };

  /// Sets the mode; returns its place. Errors: the system's; resource_unavailable_try_again if
  /// there is no place. Throws IoError, std::bad_alloc.
  [[nodiscard]] static Result<int> add(NativeHandle terminal, Mode mode);
  /// Ends the mode of the place.
  static Result<void> remove(int place) noexcept;

 private:
  using Place = ModePlace;
  using State = ModePlace::State;

  // For handlers
  [[nodiscard]] static bool before_default(int signal) noexcept;
  static void restore_all() noexcept;
  static void set_again() noexcept;
  [[nodiscard]] static Place* next_of(std::uint64_t& number, bool upwards) noexcept;

  static void at_exit() noexcept;
  static void watch_signals();
  [[nodiscard]] static Place* free_place() noexcept;
  static Result<void> end(Place& place) noexcept;
  [[nodiscard]] static Place& oldest_of(Place& place) noexcept;
  [[nodiscard]] static bool has_later(const Place& place) noexcept;
  static void free_from(const Place& oldest) noexcept;

  static inline constinit ThreadMutex mutex_{};
  static inline constinit std::array<Place, places> places_{};
  static inline constinit std::uint64_t last_number_ = 0;
  static inline constinit Atomic<pid_t> process_{0};
  static inline constinit std::shared_ptr<SignalInbox> guard_{};
};

}  // namespace weft::inline v0_1::detail
