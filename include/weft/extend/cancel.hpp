// CancelSlot: where a cancel request meets the one leaf that a task waits on, from any thread, in
// O(1), without allocation. Used by task headers and by authors of leaf awaiters.
//
// The word is the whole state:
//
//   idle        0        running, or suspended where nothing can be cancelled
//   hook        pointer  suspended at a leaf that armed itself       written by the task's thread
//   requested   1        a cancel was requested; sticky              written by the first canceller
//   busy        2        … and that canceller still uses the hook    written by the canceller
//   busy_ended  3        … and the leaf has ended meanwhile          written by the leaf's end
//
// Back: the leaf's end stores idle over hook; the canceller stores requested over busy and
// busy_ended; forget_request() stores idle over requested.
//
// One canceller wins the transition out of idle or hook; later requests find nothing to do. The
// leaf's end and the canceller meet on busy: the second of the two resumes the task. So the hook is
// never touched after its leaf was resumed, and the task is resumed exactly once.
#pragma once

#include <weft/atomic.hpp>

#include <cstdint>

namespace weft::inline v0_1 {

namespace detail {
class RelayQueue;  // <weft/detail/cancel_relay.hpp>
}  // namespace detail

/// Asks the leaf on which a task waits to end early. `request` may run on any thread and must not
/// block. It must make sure that TaskHeader::request_finished() is called exactly once, as its last
/// access to the leaf. The leaf then ends as always: with its result, or as cancelled.
class CancelHook {
 public:
  using Request = void (*)(CancelHook&) noexcept;

  explicit CancelHook(Request on_request) noexcept : request_(on_request) {}
  CancelHook(const CancelHook&) = delete;
  CancelHook& operator=(const CancelHook&) = delete;

  void request() noexcept { request_(*this); }

 protected:
  ~CancelHook() = default;

 private:
  friend class detail::RelayQueue;
  // For a hook whose request() is called once: what that needs no more holds a link to another one.
  void set_next_relay(CancelHook* next) noexcept { next_relay_ = next; }
  [[nodiscard]] CancelHook* next_relay() const noexcept { return next_relay_; }

  union {
    Request request_;
    CancelHook* next_relay_;
  };
};

/// A hook whose request may have to travel to the thread of a reactor, and is run again there.
class CancelMessage : public CancelHook {
 public:
  using CancelHook::CancelHook;

  CancelMessage* next = nullptr;  ///< Link in the reactor's inbox.

 protected:
  ~CancelMessage() = default;
};

class CancelSlot {
 public:
  CancelSlot() noexcept = default;

  /// Whether a cancel was requested. Any thread. Relaxed: it only decides whether to go on; what
  /// the canceller did before is ordered by the resumption of the task.
  [[nodiscard]] bool requested() const noexcept {
    const std::uintptr_t word = word_.load(std::memory_order_relaxed);
    return word >= requested_word && word <= busy_ended_word;
  }

  /// Task's thread: idle → hook. False: a cancel was requested; nothing is armed, and the leaf must
  /// end itself.
  [[nodiscard]] bool arm(CancelHook& hook) noexcept {
    std::uintptr_t expected = idle_word;
    // Release: pairs with the acquire in request(), so that the canceller sees the complete leaf.
    // Acquire on failure: pairs with the release in request(), so that a refused leaf sees what the
    // canceller did before.
    return word_.compare_exchange_strong(expected, reinterpret_cast<std::uintptr_t>(&hook),
                                         std::memory_order_release, std::memory_order_acquire);
  }

  /// requested → idle: the reason for the request is settled. Not while a hook is armed or in use.
  void forget_request() noexcept {
    std::uintptr_t expected = requested_word;
    // Seq_cst, as is the load in request(). One thread adds a reason and then requests; another
    // forgets the request and then reads the reasons. In the order of seq_cst operations one of the
    // two sees the other's write.
    (void)word_.compare_exchange_strong(expected, idle_word, std::memory_order_seq_cst,
                                        std::memory_order_relaxed);
  }

  enum class Ended : std::uint8_t {
    resume,    ///< The caller resumes the task.
    deferred,  ///< A canceller still uses the hook: its finish_request() will return true.
  };

  /// The leaf has ended (on any one thread): hook → idle, or busy → busy_ended.
  [[nodiscard]] Ended ended() noexcept {
    std::uintptr_t word = word_.load(std::memory_order_acquire);
    for (;;) {
      // Acquire (the loads): pairs with the release in finish_request(), so that what the canceller
      // did to the leaf is seen before the task goes on.
      if (word == requested_word || word == idle_word) return Ended::resume;
      const std::uintptr_t next = word == busy_word ? busy_ended_word : idle_word;
      // Release: pairs with the acquire in finish_request(): the canceller, which may be the one to
      // resume the task, sees the leaf's result.
      if (word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
        return next == idle_word ? Ended::resume : Ended::deferred;
      }
    }
  }

  /// Any thread: requests a cancel. Non-null: the state is busy, and the caller must call request()
  /// on the hook.
  [[nodiscard]] CancelHook* request() noexcept {
    // Seq_cst: pairs with forget_request(). A request that was forgotten must not be found here.
    std::uintptr_t word = word_.load(std::memory_order_seq_cst);
    for (;;) {
      if (word >= requested_word && word <= busy_ended_word) return nullptr;
      const std::uintptr_t next = word == idle_word ? requested_word : busy_word;
      // Acquire: pairs with the release in arm(). Release: the unwinding sees what the canceller
      // did before.
      if (word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        // SAFETY: only arm() stores a pointer, and the leaf cannot be resumed while the word is
        // busy.
        return word == idle_word ? nullptr : reinterpret_cast<CancelHook*>(word);
      }
    }
  }

  /// The canceller no longer uses the hook: busy → requested. True: the leaf ended meanwhile, and
  /// the caller must resume the task.
  [[nodiscard]] bool finish_request() noexcept {
    // Acquire: pairs with the release in ended(). Release: pairs with the acquire there, if the
    // leaf ends later.
    return word_.exchange(requested_word, std::memory_order_acq_rel) == busy_ended_word;
  }

 private:
  static constexpr std::uintptr_t idle_word = 0;
  static constexpr std::uintptr_t requested_word = 1;
  static constexpr std::uintptr_t busy_word = 2;
  static constexpr std::uintptr_t busy_ended_word = 3;

  Atomic<std::uintptr_t> word_{idle_word};
};

}  // namespace weft::inline v0_1
