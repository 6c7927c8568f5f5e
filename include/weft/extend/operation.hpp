// Operation: the unit of I/O, with completion semantics on every driver.
//
// Life: the initiator fills it in → a reactor starts it → exactly one terminal event sets `result`
// and calls complete() on the reactor's thread. Until then the operation, its buffers and its
// Source belong to the reactor (the kernel may write to them) and must stay in place. A cancel asks
// for an early terminal event, and so does a close of the Source; only that event gives the
// operation back.
//
// Users see operations as awaitables (<weft/extend/io.hpp>, <weft/net.hpp>). This header is for
// authors of such awaitables and of drivers. Not thread-safe: an operation is used on its reactor's
// thread, except where a function says otherwise.
#pragma once

#include <weft/atomic.hpp>
#include <weft/detail/timer_node.hpp>
#include <weft/extend/cancel.hpp>
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

enum class OperationKind : std::uint8_t {
  connect,          ///< result 0
  accept,           ///< result: the new handle, non-blocking and close-on-exec
  read,             ///< result: bytes, 0 at end of stream
  write,            ///< result: bytes, may be short
  readv,            ///< as read, into several slices
  writev,           ///< as write, from several slices
  send_message,     ///< result: bytes; `message` is the system's msghdr
  receive_message,  ///< result: bytes; the flags of `message` before the call are those of the call
  poll,             ///< result: the Interest bits that are ready
  timer,            ///< result 0 when the deadline has passed, never early
  send_messages,    ///< result: the number of messages sent, at least one; `messages`: mmsghdr[]
  receive_messages,  ///< result: the number of messages received, at least one
  peek,              ///< as read, of a socket; the bytes stay there
  // Of files: their arguments are in a FileCall, see <weft/extend/file_call.hpp>
  open,      ///< result: the new handle, close-on-exec; no source
  close,     ///< result 0: the handle is closed, as it is on an error; no source
  read_at,   ///< result: bytes, 0 at the end of the file
  write_at,  ///< result: bytes, may be short
  sync,      ///< result 0: what was written is on the device
  seek,      ///< result: the new position
};

/// Whether it is an operation of files.
[[nodiscard]] constexpr bool is_of_files(OperationKind kind) noexcept {
  return kind >= OperationKind::open;
}

/// The bits that a poll operation waits for and reports; they also name the directions of a source.
/// Errors and hang-up are always reported as both.
namespace interest {
inline constexpr std::uint32_t readable = 1;
inline constexpr std::uint32_t writable = 2;
inline constexpr std::uint32_t both = readable | writable;
}  // namespace interest

class FileCall;
class Operation;

/// An open object known to drivers: a handle, the operations under way on it, and its end.
///
/// The source owns the handle, and the drivers' registrations of it. The maker of a source on the
/// heap holds an *owner* of it, for both directions, or two, for one each. An operation under way
/// is a *use*: from its start to the end of its await, also while it is tried in place. Owners and
/// uses keep the source:
///
///   event                              effect
///   close(d), or the owner of d goes   no use of direction d begins any more; each pending
///                                      operation of d ends with -ECANCELED, unless it has
///                                      succeeded; a result that came first is delivered
///   both directions are closed, and    the handle is closed, at once or by the last use; so no
///   there is no use                    operation ever meets a number that is used again
///   there is no owner and no use       the source is destroyed
///
/// Any thread may close at any time, whatever the operations do at that moment. An operation that
/// begins afterwards ends with -ECANCELED like one that was pending. So a caller need not know
/// which of the two came first.
///
/// How a close reaches the operations: pending ones are in a list of their source, guarded by its
/// lock. Each belongs to a reactor, and only the thread that holds that reactor may end it. So a
/// message travels, of which a source has one. It cancels what it finds at its reactor, and goes on
/// to the reactor of any operation that is left. It is posted with the lock held: a reactor lives
/// while it has pending operations, and an operation needs the lock to leave the list, so the
/// message never meets a reactor that has gone. The message is a use.
class Source {
 public:
  enum class Handle : bool {
    owned,     ///< The source closes it. It must be non-blocking for other operations than poll.
    borrowed,  ///< Another component closes it.
  };

  /// A source with one owner, the caller.
  explicit Source(NativeHandle handle, Handle ownership = Handle::owned) noexcept
      : closing_(*this), handle_(handle), is_open_(ownership == Handle::owned) {}
  /// For a source that is not on the heap: no operation uses it. Closes the handle.
  virtual ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// The number of the handle: for uses.
  [[nodiscard]] NativeHandle handle() const noexcept { return handle_; }

  // Any thread, for uses, owners, and their reactors
  /// Begins a use for `directions` (interest bits; none: for any that is open). False: closed; the
  /// use then keeps the source, but must not touch the handle.
  [[nodiscard]] bool begin_use(std::uint32_t directions) noexcept {
    const std::lock_guard lock(lock_);
    ++uses_;
    return !refuses(directions);
  }
  /// Ends a use. The source may be gone afterwards.
  void end_use() noexcept {
    lock_.lock();
    --uses_;
    unlock_and_end();
  }
  /// Lists an operation that has become pending. False: its direction was closed meanwhile. For the
  /// thread that holds the operation's reactor.
  [[nodiscard]] bool add_pending(Operation& operation) noexcept;
  /// The operation is no longer pending. The source may be gone afterwards.
  void remove_pending(Operation& operation) noexcept;
  /// Whether an operation of these directions would be refused. Relaxed: a use that must know asks
  /// begin_use().
  [[nodiscard]] bool is_closed(std::uint32_t directions) const noexcept {
    return refuses(directions);
  }
  /// See above. Idempotent; never blocks.
  void close(std::uint32_t directions = interest::both) noexcept;
  /// Gives the handle up: it stays open, belongs to the caller, and the source is closed.
  /// invalid_handle: it is in use, or was closed, and nothing has changed. Drivers that have
  /// watched it forget it by themselves, after a few events at most.
  [[nodiscard]] NativeHandle release() noexcept;
  /// Makes another owner.
  void add_owner() noexcept {
    const std::lock_guard lock(lock_);
    ++owners_;
  }
  /// Ends one owner, of `directions`, which are closed. The source may be gone afterwards.
  void drop_owner(std::uint32_t directions = interest::both) noexcept;

  /// For readiness drivers: whether driver number `driver` (below 64) watches this source.
  [[nodiscard]] bool watched_by(unsigned driver) const noexcept {
    // Relaxed: a driver reads and sets its own bit on its own thread, and ignores the other bits.
    return driver < 64 && (watchers_.load(std::memory_order_relaxed) >> driver & 1U) != 0;
  }
  void note_watched_by(unsigned driver) noexcept {
    if (driver < 64) watchers_.fetch_or(std::uint64_t{1} << driver, std::memory_order_relaxed);
  }

 protected:
  /// Called with the lock held, once, when the handle is to be closed. True: it stays open, and
  /// what has asked for it closes it.
  [[nodiscard]] virtual bool hands_over() noexcept { return false; }

 private:
  /// The message of a close; see above.
  class Closing final : public CancelMessage {
   public:
    explicit Closing(Source& of) noexcept : CancelMessage(&Closing::on_request), source_(of) {}
    detail::Reactor* at = nullptr;  ///< Where it was posted; guarded by the lock.

   private:
    static void on_request(CancelHook& self) noexcept;
    Source& source_;
  };

  [[nodiscard]] bool refuses(std::uint32_t directions) const noexcept {
    // Relaxed: written with the lock held, and read so by all that must know.
    const std::uint32_t closed = closed_.load(std::memory_order_relaxed);
    return closed == interest::both || (closed & directions) != 0;
  }
  void unlock_and_end() noexcept {
    // While a direction is open, there is an owner and a handle.
    if (closed_.load(std::memory_order_relaxed) != interest::both) [[likely]] {
      lock_.unlock();
    } else {
      unlock_and_end_closed();
    }
  }
  void unlock_and_end_closed() noexcept;
  void unlock_and_tell() noexcept;
  [[nodiscard]] Operation* find_refused(const detail::Reactor* at) const noexcept;
  void cancel_at(detail::Reactor& at) noexcept;
  void travel() noexcept;

  Closing closing_;
  Atomic<std::uint64_t> watchers_{0};
  ThreadMutex lock_;  // guards what follows, but the handle, which never changes
  const NativeHandle handle_;
  Operation* pending_ = nullptr;  // the first of those listed
  std::uint32_t uses_ = 0;        // operations from their start on, those listed, and the message
  std::uint32_t owners_ = 1;
  Atomic<std::uint32_t> closed_{0};  // interest bits
  bool is_open_;                     // the handle is to be closed
  bool is_travelling_ = false;       // the message is under way
};

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
  struct Messages {
    void* data;  ///< mmsghdr[]: the flags of the first are those of the call
    std::size_t count;
  };
  /// Of all kinds but timer.
  struct Io {
    union {
      Buffer buffer;            // read, peek, write
      Slices slices;            // readv, writev
      Address address;          // connect, accept
      void* message;            // send_message, receive_message: msghdr*
      Messages messages;        // send_messages, receive_messages
      std::uint32_t interests;  // poll
      FileCall* file;           // all kinds of files
    };
    Operation* next;  ///< With the next one, the links in the source's list of pending operations.
    Operation** from;
  };
  union {
    Io io;
    detail::TimerNode timer;
  };

  OperationArguments() noexcept : io{} {}
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
  /// The directions of its source that it needs, as interest bits; 0 for a poll of errors alone.
  [[nodiscard]] std::uint32_t directions() const noexcept {
    if (kind == OperationKind::poll) return io.interests & interest::both;
    using enum OperationKind;
    constexpr unsigned reading =
        1U << static_cast<unsigned>(read) | 1U << static_cast<unsigned>(peek) |
        1U << static_cast<unsigned>(readv) | 1U << static_cast<unsigned>(receive_message) |
        1U << static_cast<unsigned>(accept) | 1U << static_cast<unsigned>(receive_messages) |
        1U << static_cast<unsigned>(read_at);
    const bool reads = (reading >> static_cast<unsigned>(kind) & 1U) != 0;
    return reads ? interest::readable : interest::writable;
  }

  Source* source;  ///< Null for a timer, and for the opening and closing of a file.
  /// = 0: see OperationKind. < 0: -errno; -ECANCELED: the cancel was in time.
  std::int64_t result = 0;
  detail::Reactor* reactor = nullptr;  ///< Set at the start: the reactor it belongs to.
  /// Link in the driver's queues while pending, in a completion list afterwards.
  Operation* link = nullptr;
  std::uint32_t token = 0;  ///< For the driver.
  OperationKind kind;
  bool pending = false;        ///< Started and not yet terminal.
  bool cancel_wanted = false;  ///< A cancel was requested while pending.
  bool close_told = false;     ///< A close of its source has met it; guarded by the source's lock.

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
