// Poller: the implementation of EventQueue, and what the readiness driver uses directly:
// registrations with generations, a wait that returns normalized events, and a wake-up. One
// implementation for each system mechanism; the present one is epoll.cpp.
//
// In the child of a fork() all calls fail, and remove() and wake() do nothing: what they would
// change is the parent's.
//
// Thread-safety: the owner's thread, except wake(), and what concerns the end.
// Invariants: registrations_[h].generation changes whenever the registration of h begins, ends or
// is modified. The kernel returns each event with the generation it was registered under; an event
// is genuine if that is still the current one. (Generations have 32 bits: an event would be
// mistaken only if it were held back during 2^32 registrations of one number.)
#pragma once

#include <weft/atomic.hpp>
#include <weft/event_queue.hpp>
#include <weft/native_handle.hpp>
#include <weft/result.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/fork.hpp"
#include "base/intrusive_list.hpp"
#include "event/handle_table.hpp"
#include "event/wake_state.hpp"
#include "os/fd.hpp"

namespace weft::inline v0_1::detail {

/// The bits of Ready::bits.
namespace ready_bit {
inline constexpr std::uint8_t readable = 1;
inline constexpr std::uint8_t writable = 2;
inline constexpr std::uint8_t error = 4;
inline constexpr std::uint8_t read_closed = 8;
inline constexpr std::uint8_t write_closed = 16;
inline constexpr std::uint8_t urgent = 32;  ///< There is out-of-band data.
}  // namespace ready_bit

/// One event of the kernel, with the token and generation of its registration.
struct Ready {
  std::uint64_t token;
  NativeHandle handle;
  std::uint32_t generation;
  std::uint8_t bits;
};

class Poller {
 public:
  static constexpr std::size_t batch = 256;  ///< The most events that one wait returns.

  [[nodiscard]] static Result<std::unique_ptr<Poller>> create() noexcept;
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /// Readable when there are events. Changes when the set is rebuilt (see epoll.cpp).
  [[nodiscard]] NativeHandle native_handle() const noexcept { return epoll_.get(); }

  /// As in EventQueue. They return 0, or a positive errno value. `is_other`, if given, is set to
  /// whether the number now means another open object than that of its registration before.
  [[nodiscard]] int add(NativeHandle handle, std::uint64_t token, Interest interest,
                        Trigger trigger, bool* is_other = nullptr) noexcept;
  [[nodiscard]] int modify(NativeHandle handle, std::uint64_t token, Interest interest,
                           Trigger trigger) noexcept;
  [[nodiscard]] int remove(NativeHandle handle) noexcept;

  struct Waited {
    std::span<const Ready> events;  ///< Valid until the next wait().
    int error = 0;                  ///< A positive errno value; EINTR among them.
    bool woken = false;
  };
  /// Waits at most `timeout_ns` (negative: no limit) for at most `room` (1 to batch) events. May
  /// return early and empty.
  [[nodiscard]] Waited wait(std::size_t room, std::int64_t timeout_ns) noexcept;

  /// The same for an owner that expects no events: sleeps until a wake, or for `timeout_ns`
  /// (negative: no limit), and takes no events. No value: a wake was requested before, and wait()
  /// will meet it. False: the time has passed.
  [[nodiscard]] std::optional<bool> await_wake(std::int64_t timeout_ns) noexcept;

  void wake() noexcept;

  /// The error of all calls in the child of a fork(): the set is the parent's.
  static constexpr int of_another_process = EOWNERDEAD;
  /// Whether this process is such a child.
  [[nodiscard]] bool inherited() const noexcept { return forks_ != ForkCount::now(); }
  /// A caller that waits for this poller elsewhere, by its handle. Told when the owner has ended.
  struct Watcher : IntrusiveListHook<> {
    virtual void poller_ended() noexcept = 0;  ///< Called with the list locked.

   protected:
    ~Watcher() = default;
  };
  // Any thread
  /// Tells the watchers that the owner has ended. Callers that share this object keep it.
  void end() noexcept;
  [[nodiscard]] bool ended() noexcept;
  /// Adds a watcher, which is told at once if the owner has ended; and takes it out.
  void add(Watcher& watcher) noexcept;
  void remove(Watcher& watcher) noexcept;

  /// Whether an event of this generation is genuine.
  [[nodiscard]] bool current(NativeHandle handle, std::uint32_t generation) const noexcept {
    const Registration* const found = registrations_.find(handle);
    return found != nullptr && found->active && found->generation == generation;
  }

 private:
  struct Registration {
    std::uint64_t token = 0;
    std::uint32_t generation = 0;
    Interest interest = Interest::none;
    Trigger trigger = Trigger::level;
    bool active = false;
    bool spent = false;   // one-shot, and reported since it was last armed
    bool absent = false;  // left out when the kernel's set was rebuilt
  };
  struct Buffers;  // events as the kernel and as wait() return them: see epoll.cpp

  Poller(Fd epoll, Fd wake_handle, std::unique_ptr<Buffers> buffers) noexcept;

  [[nodiscard]] int arm(NativeHandle handle, Registration& registration, int operation) noexcept;
  [[nodiscard]] std::size_t sort_out(std::size_t count, bool& woken) noexcept;
  void note_stale(bool stale) noexcept;
  void rebuild() noexcept;

  const std::uint32_t forks_ = ForkCount::now();
  Fd epoll_;
  Fd wake_handle_;
  std::unique_ptr<Buffers> buffers_;
  HandleTable<Registration> registrations_;
  unsigned stale_waits_ = 0;  // waits in a row with an event of a dead registration
  WakeState wake_state_;
  ThreadMutex end_mutex_;
  IntrusiveList<Watcher> watchers_;  // guarded by end_mutex_
  bool ended_ = false;               // guarded by end_mutex_
};

}  // namespace weft::inline v0_1::detail
