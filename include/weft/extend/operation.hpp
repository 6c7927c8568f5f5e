// Operation: the unit of I/O, with completion semantics on every driver.
//
// Life of one: the initiator fills it in → a reactor starts it → exactly one terminal event sets
// result() and calls complete() on the reactor's thread. Until then the operation, the buffers it
// names and its Source belong to the reactor (the kernel may write to them) and must stay where
// they are. Cancelling asks for an early terminal event; it never takes the operation back by
// itself.
//
// Users meet operations as awaitables (<weft/extend/io.hpp>, <weft/net.hpp>); this header is for those who
// write such awaitables or a driver. Not thread-safe: an operation is used on its reactor's thread,
// except where a function says otherwise.
#pragma once

#include <weft/atomic.hpp>
#include <weft/detail/timer_node.hpp>
#include <weft/native_handle.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace weft {

namespace detail {

class Reactor;

}  // namespace detail

/// One stretch of memory of a vectored operation; laid out as the system's iovec.
struct IoSlice {
  std::byte* data = nullptr;
  std::size_t size = 0;
};

/// An open object known to drivers: owns the handle and closes it. It must outlive the operations
/// on it. Remembers which readiness drivers watch it, so that each registers it once and never
/// again.
class Source {
 public:
  /// Takes ownership of `handle`, which must be non-blocking if operations other than poll are to
  /// be used.
  explicit Source(NativeHandle handle) noexcept : handle_(handle) {}
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  [[nodiscard]] NativeHandle handle() const noexcept { return handle_; }
  /// Gives the handle up without closing it. No operation may be under way, and drivers that
  /// watched it may go on being told of its readiness until it is closed (they ignore it).
  NativeHandle release() noexcept;

  /// Used by readiness drivers: whether driver number `driver` (below 64) watches this source.
  [[nodiscard]] bool watched_by(unsigned driver) const noexcept {
    // Relaxed: a driver asks and notes on its own thread; other drivers' bits do not matter to it.
    return driver < 64 && (watchers_.load(std::memory_order_relaxed) >> driver & 1U) != 0;
  }
  void note_watched_by(unsigned driver) noexcept {
    if (driver < 64) watchers_.fetch_or(std::uint64_t{1} << driver, std::memory_order_relaxed);
  }

 private:
  NativeHandle handle_;
  Atomic<std::uint64_t> watchers_{0};
};

enum class OperationKind : std::uint8_t {
  connect,          ///< result 0
  accept,           ///< result: the new handle, non-blocking and close-on-exec
  read,             ///< result: bytes, 0 at end of stream
  write,            ///< result: bytes, may be short
  readv,            ///< as read, into several slices
  writev,           ///< as write, from several slices
  send_message,     ///< result: bytes; `message` is the system's msghdr
  receive_message,  ///< result: bytes
  poll,             ///< result: the Interest bits that are ready
  timer,            ///< result 0 when the deadline has passed, never early
};

/// What a poll operation waits for and reports. Errors and hang-up are always reported as both.
namespace interest {
inline constexpr std::uint32_t readable = 1;
inline constexpr std::uint32_t writable = 2;
}  // namespace interest

/// What the kinds of operations need; which member counts follows from the kind.
struct OperationArguments {
  struct Buffer {
    std::byte* data;
    std::size_t size;
  };
  struct Slices {
    const IoSlice* data;
    std::size_t count;
  };
  struct Address {
    void* data;          ///< sockaddr: in for connect, out for accept (may be null)
    std::uint32_t size;  ///< bytes: in its length; for accept in the room, out the length
  };
  union {
    Buffer buffer;            // read, write
    Slices slices;            // readv, writev
    Address address;          // connect, accept
    void* message;            // send_message, receive_message: msghdr*
    std::uint32_t interests;  // poll
    detail::TimerNode timer;  // timer
  };

  OperationArguments() noexcept : buffer{} {}
  /// For a timer. `deadline_ns`: of the steady clock.
  void set_deadline(std::int64_t deadline_ns) noexcept {
    ::new (&timer) detail::TimerNode();
    timer.deadline = deadline_ns;
  }
};

class Operation : public OperationArguments {
 public:
  using Complete = void (*)(Operation&) noexcept;

  /// `on_end` is called once, on the reactor's thread, after result is set; the operation may be
  /// gone when it returns. It is not called for an operation that start() reports as completed in
  /// place.
  Operation(OperationKind what, Source* on, Complete on_end) noexcept
      : source(on), kind(what), complete_(on_end) {}
  /// The timer whose node this is.
  [[nodiscard]] static Operation& of(detail::TimerNode& node) noexcept {
    static_assert(std::is_standard_layout_v<OperationArguments>);
    // SAFETY: the node is `timer` of an operation, and so at the address of its arguments.
    return static_cast<Operation&>(reinterpret_cast<OperationArguments&>(node));
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  void complete() noexcept { complete_(*this); }

  Source* source;  ///< Null for a timer.
  std::int64_t result =
      0;  ///< >= 0: see OperationKind. < 0: -errno; -ECANCELED: the cancel was in time.
  detail::Reactor* reactor = nullptr;  ///< Set when it is started: whose thread it belongs to.
  Operation* link =
      nullptr;  ///< Of the driver's queues while pending, of a completion list afterwards.
  std::uint32_t token = 0;  ///< The driver's.
  OperationKind kind;
  bool pending = false;        ///< Started and not yet terminal.
  bool cancel_wanted = false;  ///< A cancel was asked for while pending.

 protected:
  ~Operation() = default;

 private:
  Complete complete_;
};

/// Singly linked FIFO of operations whose result is set and whose complete() is still to be called.
class CompletionList {
 public:
  void push(Operation& operation) noexcept {
    operation.link = nullptr;
    (tail_ != nullptr ? tail_->link : head_) = &operation;
    tail_ = &operation;
  }
  [[nodiscard]] Operation* pop() noexcept {
    Operation* first = head_;
    if (first != nullptr) {
      head_ = first->link;
      if (head_ == nullptr) tail_ = nullptr;
    }
    return first;
  }
  [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }

 private:
  Operation* head_ = nullptr;
  Operation* tail_ = nullptr;
};

}  // namespace weft
