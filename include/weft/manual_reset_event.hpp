// ManualResetEvent and AutoResetEvent: something has happened, and those who wait for it go on.
//
//   weft::ManualResetEvent ready;                 weft::AutoResetEvent tick;
//   co_await ready.wait();             co_await tick.wait();    // in a fiber: await(…)
//   ready.set();                       tick.set();
//   // all go on, until reset()         // one goes on, and it is reset
//
// Thread-safe: set from any thread, of a runtime or not. Waiting takes no memory, and those who
// wait go on in the order in which they came.
#pragma once

#include <weft/detail/waitable_word.hpp>
#include <weft/extend/queue_op.hpp>

#include <atomic>
#include <cstddef>

namespace weft {

namespace detail {
class EventRequest;
class TokenRequest;
}  // namespace detail

/// Stays set until it is reset.
class ManualResetEvent {
 public:
  explicit ManualResetEvent(bool set = false) noexcept : word_(set ? is : is_not) {}
  /// Nobody may be waiting, nor being cancelled while he waited. Whoever went on because it was set
  /// may destroy it, even if that set() has not returned.
  ~ManualResetEvent();

  /// Sets it, and wakes all who wait. What came before a set() is seen by those who go on after it.
  void set() noexcept;
  /// From now on they wait. Those who were woken go on all the same.
  void reset() noexcept;
  [[nodiscard]] bool is_set() const noexcept {
    // Acquire: pairs with the release in set().
    return word_.number(std::memory_order_acquire) == is;
  }

  /// Waits until it is set. No errors. Cancel: stops waiting.
  [[nodiscard]] QueueOp<detail::EventRequest> wait() noexcept;
  /// The same for a thread that runs no tasks, which it blocks. Throws std::logic_error on one that
  /// does.
  void blocking_wait();

  /// How many wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept { return word_.waiting(); }

 private:
  friend class detail::EventRequest;
  static constexpr std::uintptr_t is_not = 0;
  static constexpr std::uintptr_t is = 1;

  detail::WaitableWord word_;
};

namespace detail {

/// A token that is there or not, and those who wait for one. What AutoResetEvent and Notify have in
/// common; for those two.
class Token {
 public:
  explicit Token(bool there) noexcept : word_(there ? is : is_not) {}
  void check_unawaited(const char* message) const noexcept { word_.check_unawaited(message); }

  /// Gives one to the first that waits, or keeps it; if it is there, it is the same one.
  void give() noexcept;
  /// Gives one to each that waits.
  void give_to_all() noexcept;
  [[nodiscard]] bool take() noexcept {
    // Acquire: pairs with the release in give().
    return word_.replace(is, is_not, std::memory_order_acquire);
  }
  [[nodiscard]] bool there() const noexcept {
    return word_.number(std::memory_order_relaxed) == is;  // relaxed: who wants to be sure takes it
  }
  [[nodiscard]] std::size_t waiting() const noexcept { return word_.waiting(); }

 private:
  friend class TokenRequest;
  static constexpr std::uintptr_t is_not = 0;
  static constexpr std::uintptr_t is = 1;

  WaitableWord word_;
};

}  // namespace detail

/// Lets one pass for each set(): the first that waits, or the next that comes.
class AutoResetEvent {
 public:
  explicit AutoResetEvent(bool set = false) noexcept : token_(set) {}
  /// Nobody may be waiting. Whoever passed may destroy it, even if the set() that let him has not
  /// returned.
  ~AutoResetEvent();

  /// Lets the first that waits pass; if nobody waits, it stays set until somebody comes. To set it
  /// again before that has no effect.
  void set() noexcept { token_.give(); }
  /// Nobody passes by what was set before, unless he was woken already.
  void reset() noexcept { static_cast<void>(token_.take()); }
  /// A moment later it may be otherwise.
  [[nodiscard]] bool is_set() const noexcept { return token_.there(); }

  /// Waits until it may pass. No errors. Cancel: does not pass, and takes nothing; if it was let
  /// pass before the cancel came, it does.
  [[nodiscard]] QueueOp<detail::TokenRequest> wait() noexcept;
  /// The same without waiting: whether it passed.
  [[nodiscard]] bool try_wait() noexcept { return token_.take(); }
  /// The same for a thread that runs no tasks, which it blocks. Throws std::logic_error on one that
  /// does.
  void blocking_wait();

  /// How many wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept { return token_.waiting(); }

 private:
  detail::Token token_;
};

namespace detail {

/// How QueueOp waits for an event.
class EventRequest {
 public:
  using Node = Waiter;
  explicit EventRequest(ManualResetEvent& event) noexcept : event_(&event) {}

  [[nodiscard]] bool take(Node&) noexcept { return event_->is_set(); }
  [[nodiscard]] Queued queue(Node& node) noexcept;
  [[nodiscard]] bool withdraw(Node& node) noexcept { return event_->word_.withdraw(node); }
  void result(Node&) noexcept {}

 private:
  ManualResetEvent* event_;
};

/// How QueueOp waits for a token.
class TokenRequest {
 public:
  using Node = Waiter;
  explicit TokenRequest(Token& token) noexcept : token_(&token) {}

  [[nodiscard]] bool take(Node&) noexcept { return token_->take(); }
  [[nodiscard]] Queued queue(Node& node) noexcept;
  [[nodiscard]] bool withdraw(Node& node) noexcept { return token_->word_.withdraw(node); }
  void result(Node&) noexcept {}

 private:
  Token* token_;
};

}  // namespace detail

inline QueueOp<detail::EventRequest> ManualResetEvent::wait() noexcept {
  return QueueOp<detail::EventRequest>(detail::EventRequest(*this));
}
inline QueueOp<detail::TokenRequest> AutoResetEvent::wait() noexcept {
  return QueueOp<detail::TokenRequest>(detail::TokenRequest(token_));
}

}  // namespace weft
