// CancelSlot: where a cancel request meets the one leaf a task waits on, from any thread, in O(1),
// without allocation. Used by task headers and by those who write leaf awaiters.
//
// The word is the whole state:
//
//   idle        0          running, or suspended where nothing can be cancelled
//   hook        pointer    suspended at a leaf that armed itself           written by the task's
//   thread requested   1          a cancel was asked for; sticky                  written by the
//   first canceller busy        2          … and that canceller is still using the hook    written
//   by the canceller busy_ended  3          … and the leaf has ended meanwhile              written
//   by the leaf's end
//
// One canceller wins the transition out of idle or hook; later requests find nothing to do. The
// leaf's end and the canceller meet on busy: whoever comes second resumes the task. So the hook is
// never touched after its leaf has been resumed, and the task is resumed exactly once.
#pragma once

#include <weft/atomic.hpp>

#include <cstdint>

namespace weft {

/// How the leaf a task waits on is asked to end early. `request` may run on any thread, must not
/// block, and must see to it that TaskHeader::request_finished() is called exactly once, as its
/// last act on the leaf. The leaf then ends as always: with what it has, or as cancelled.
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
  Request request_;
};

/// A hook whose request may have to go to the thread of a reactor first, and come again there.
class CancelMessage : public CancelHook {
 public:
  using CancelHook::CancelHook;

  CancelMessage* next = nullptr;  ///< Link of the reactor's inbox while it is on its way.

 protected:
  ~CancelMessage() = default;
};

class CancelSlot {
 public:
  CancelSlot() noexcept = default;

  /// Whether a cancel was asked for. Any thread; relaxed is enough, since it only decides whether
  /// to go on: what the canceller did before is ordered by whoever resumes the task.
  [[nodiscard]] bool requested() const noexcept {
    const std::uintptr_t word = word_.load(std::memory_order_relaxed);
    return word >= requested_word && word <= busy_ended_word;
  }

  /// Task's thread: idle → hook. False when a cancel was asked for: then nothing is armed, and the
  /// leaf must end itself.
  [[nodiscard]] bool arm(CancelHook& hook) noexcept {
    std::uintptr_t expected = idle_word;
    // Release: pairs with the acquire in request(), so that the canceller sees the leaf complete.
    // Acquire, the other way round: who is refused sees what the canceller did before.
    return word_.compare_exchange_strong(expected, reinterpret_cast<std::uintptr_t>(&hook),
                                         std::memory_order_release, std::memory_order_acquire);
  }

  /// Requested → idle: what the request was for has come about. Not while a hook is armed or used.
  void forget_request() noexcept {
    std::uintptr_t expected = requested_word;
    // Seq_cst, as is the load in request(): of those who give a reason and then request, and who
    // forgets the request and then looks for reasons, one sees the other.
    (void)word_.compare_exchange_strong(expected, idle_word, std::memory_order_seq_cst,
                                        std::memory_order_relaxed);
  }

  enum class Ended : std::uint8_t {
    resume,    ///< the caller resumes the task
    deferred,  ///< a canceller is still using the hook: its finish_request() will say so
  };

  /// The leaf has ended (any one thread): hook → idle, or busy → busy_ended.
  [[nodiscard]] Ended ended() noexcept {
    std::uintptr_t word = word_.load(std::memory_order_acquire);
    for (;;) {
      // Acquire: pairs with finish_request(), so that what the canceller did to the leaf is seen
      // before the task goes on.
      if (word == requested_word || word == idle_word) return Ended::resume;
      const std::uintptr_t next = word == busy_word ? busy_ended_word : idle_word;
      // Release: the leaf's result must be seen by the canceller, who may be the one to resume.
      if (word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
        return next == idle_word ? Ended::resume : Ended::deferred;
      }
    }
  }

  /// Any thread: asks for a cancel. Non-null: the caller must call request() on it (now state is
  /// busy).
  [[nodiscard]] CancelHook* request() noexcept {
    // Seq_cst: pairs with forget_request(). An older request that was forgotten must not be found.
    std::uintptr_t word = word_.load(std::memory_order_seq_cst);
    for (;;) {
      if (word >= requested_word && word <= busy_ended_word) return nullptr;
      const std::uintptr_t next = word == idle_word ? requested_word : busy_word;
      // Acquire: pairs with arm(). Release: what the canceller did before is seen by the unwinding.
      if (word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        // SAFETY: only arm() stores a pointer, and the leaf cannot be resumed while the word is
        // busy.
        return word == idle_word ? nullptr : reinterpret_cast<CancelHook*>(word);
      }
    }
  }

  /// The canceller is done with the hook: busy → requested. True: the leaf ended meanwhile, and the
  /// caller must resume the task.
  [[nodiscard]] bool finish_request() noexcept {
    // Acquire: pairs with ended(). Release: pairs with its acquire when the leaf ends later.
    return word_.exchange(requested_word, std::memory_order_acq_rel) == busy_ended_word;
  }

 private:
  static constexpr std::uintptr_t idle_word = 0;
  static constexpr std::uintptr_t requested_word = 1;
  static constexpr std::uintptr_t busy_word = 2;
  static constexpr std::uintptr_t busy_ended_word = 3;

  Atomic<std::uintptr_t> word_{idle_word};
};

}  // namespace weft
