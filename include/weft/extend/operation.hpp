// Operation: the unit of I/O, with completion semantics on every driver.
//
// Life: the initiator fills it in → a reactor starts it → exactly one terminal event sets `result`
// and calls complete() on the reactor's thread. Until then the operation, its buffers and its
// Source belong to the reactor (the kernel may write to them) and must stay in place. A cancel asks
// for an early terminal event; only that event gives the operation back.
//
// Users see operations as awaitables (<weft/extend/io.hpp>, <weft/net.hpp>). This header is for
// authors of such awaitables and of drivers. Not thread-safe: an operation is used on its reactor's
// thread, except where a function says otherwise.
#pragma once

#include <weft/atomic.hpp>
#include <weft/detail/timer_node.hpp>
#include <weft/native_handle.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace weft::inline v0_1 {

namespace detail {

class Reactor;

}  // namespace detail

/// A contiguous piece of memory of a vectored operation; the layout is that of the system's iovec.
struct IoSlice {
  std::byte* data = nullptr;
  std::size_t size = 0;
};

/// An open object known to drivers: owns the handle and closes it. Must outlive the operations on
/// it. Records which readiness drivers watch it, so that each registers it only once.
class Source {
 public:
  /// Takes ownership of `handle`, which must be non-blocking if operations other than poll are
  /// used.
  explicit Source(NativeHandle handle) noexcept : handle_(handle) {}
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  [[nodiscard]] NativeHandle handle() const noexcept { return handle_; }
  /// Releases the handle without closing it. Precondition: no operation is pending. Drivers that
  /// watched it may still be notified of its readiness until it is closed; they ignore that.
  NativeHandle release() noexcept;

  /// For readiness drivers: whether driver number `driver` (below 64) watches this source.
  [[nodiscard]] bool watched_by(unsigned driver) const noexcept {
    // Relaxed: a driver reads and sets its own bit on its own thread, and ignores the other bits.
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

/// The bits that a poll operation waits for and reports. Errors and hang-up are always reported as
/// both.
namespace interest {
inline constexpr std::uint32_t readable = 1;
inline constexpr std::uint32_t writable = 2;
}  // namespace interest

/// The arguments of an operation; the kind says which member is used.
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
    std::uint32_t size;  ///< bytes: connect: its length; accept: in the room, out the length
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
  /// For a timer. `deadline_ns` is a time of the steady clock.
  void set_deadline(std::int64_t deadline_ns) noexcept {
    ::new (&timer) detail::TimerNode();
    timer.deadline = deadline_ns;
  }
};

class Operation : public OperationArguments {
 public:
  using Complete = void (*)(Operation&) noexcept;

  /// `on_end` is called once, on the reactor's thread, after `result` was set; the operation may be
  /// gone when it returns. It is not called if start() reports that the operation completed in
  /// place.
  Operation(OperationKind what, Source* on, Complete on_end) noexcept
      : source(on), kind(what), complete_(on_end) {}
  /// The timer operation that contains `node`.
  [[nodiscard]] static Operation& of(detail::TimerNode& node) noexcept {
    static_assert(std::is_standard_layout_v<OperationArguments>);
    // SAFETY: the node is `timer` of an operation, and so has the address of its arguments.
    return static_cast<Operation&>(reinterpret_cast<OperationArguments&>(node));
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  void complete() noexcept { complete_(*this); }

  Source* source;  ///< Null for a timer.
  /// = 0: see OperationKind. < 0: -errno; -ECANCELED: the cancel was in time.
  std::int64_t result = 0;
  detail::Reactor* reactor = nullptr;  ///< Set at the start: the reactor it belongs to.
  /// Link in the driver's queues while pending, in a completion list afterwards.
  Operation* link = nullptr;
  std::uint32_t token = 0;  ///< For the driver.
  OperationKind kind;
  bool pending = false;        ///< Started and not yet terminal.
  bool cancel_wanted = false;  ///< A cancel was requested while pending.

 protected:
  ~Operation() = default;

 private:
  Complete complete_;
};

/// A singly linked first-in first-out list of operations with a result, before their complete().
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

}  // namespace weft::inline v0_1
