// duplex(capacity): two connected ends of a stream in memory, for tests of protocols and for
// talking between tasks in bytes. What is written to one end is read from the other.
//
//   auto [client, server] = weft::duplex(4096);
//   weft::JoinHandle<void> serving = weft::spawn(serve, std::move(server));   // as a StreamSocket
//   co_await client.write_all("hello\n");
//
// Each direction holds up to `capacity` bytes: a write waits when it is full, and a read when it is
// empty, first come, first served. So a small capacity cuts messages into pieces, as a network may.
// A DuplexEnd has the operations of a StreamSocket, with the same meaning, and is a ByteStream.
//
// The end of a direction: shutdown() ends the writing of this end; the other end reads what is
// left, and then 0. close(), a move-assignment and the destructor end both directions: reads of the
// other end get what is left, and then 0; its writes fail with errc::broken_pipe, and what this end
// has not read is dropped. Operations of the closed end itself end with errc::operation_canceled.
//
// Thread-safety: one task may read an end while another one writes to it, on any threads and
// runtimes, and from threads by block_on(). close() is for any thread at any time; moves and the
// destruction are for one thread at a time. Waiting allocates nothing. Cancel: nothing was read or
// written; what had been before is delivered as the result. The buffer must stay alive until the
// operation ends.
#pragma once

#include <weft/extend/waiter_leaf.hpp>
#include <weft/io.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

/// One direction of a duplex. Defined in src/io/duplex_pipe.hpp.
class DuplexPipe;

enum class DuplexKind : std::uint8_t { read, write, readable, writable, ended, closed };

/// An operation on one direction, as it stands in its queue.
class DuplexNode : public Waiter {
 public:
  DuplexNode(Wake how, DuplexKind what, std::span<std::byte> memory) noexcept
      : Waiter(how), buffer(memory), kind(what) {}

  std::span<std::byte> buffer;
  std::size_t done = 0;
  std::error_code error;
  DuplexKind kind;

 protected:
  ~DuplexNode() = default;
};

/// The leaf of a task that waits for one direction.
class DuplexLeaf final : private WaiterLeaf<DuplexLeaf>, private DuplexNode {
 public:
  DuplexLeaf(std::shared_ptr<DuplexPipe> pipe, DuplexKind what,
             std::span<std::byte> memory) noexcept
      : DuplexNode(&DuplexLeaf::on_served, what, memory), pipe_(std::move(pipe)) {}
  [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept;
  [[nodiscard]] Result<std::size_t> result() const noexcept {
    if (error) [[unlikely]]
      return fail(error);
    return done;
  }

 private:
  friend class WaiterLeaf<DuplexLeaf>;
  static void on_served(Runnable& self) noexcept;
  [[nodiscard]] Queued queue() noexcept;
  [[nodiscard]] bool withdraw() noexcept;

  std::shared_ptr<DuplexPipe> pipe_;  // stays while a cancel is on its way here
};

[[nodiscard]] IoError duplex_error(DuplexKind kind, std::error_code code);

template <class Value, bool Throwing>
class DuplexAwaiter {
 public:
  DuplexAwaiter(std::shared_ptr<DuplexPipe> pipe, DuplexKind what,
                std::span<std::byte> memory) noexcept
      : leaf_(std::move(pipe), what, memory), kind_(what) {}
  DuplexAwaiter(const DuplexAwaiter&) = delete;
  DuplexAwaiter& operator=(const DuplexAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return leaf_.suspend(innermost.promise());
  }
  auto await_resume() {
    const Result<std::size_t> result = leaf_.result();
    if constexpr (Throwing) {
      if (!result) throw duplex_error(kind_, result.error());
      if constexpr (!std::is_void_v<Value>) return *result;
    } else {
      if (!result) return IoResult<Value>(std::unexpect, duplex_error(kind_, result.error()));
      if constexpr (std::is_void_v<Value>) {
        return IoResult<void>();
      } else {
        return IoResult<Value>(*result);
      }
    }
  }

 private:
  DuplexLeaf leaf_;
  DuplexKind kind_;
};

}  // namespace detail

/// An operation of a DuplexEnd that was not started. co_await gives its value or throws IoError;
/// see attempt(). The end may be moved or destroyed once it has begun.
template <class Value, bool Throwing = true>
class [[nodiscard]] DuplexOp {
 public:
  DuplexOp(std::shared_ptr<detail::DuplexPipe> pipe, detail::DuplexKind what,
           std::span<std::byte> memory) noexcept
      : pipe_(std::move(pipe)), buffer_(memory), kind_(what) {}
  detail::DuplexAwaiter<Value, Throwing> operator co_await() && noexcept {
    return detail::DuplexAwaiter<Value, Throwing>(std::move(pipe_), kind_, buffer_);
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;
  /// The same operation; co_await returns IoResult<Value>.
  [[nodiscard]] DuplexOp<Value, false> attempt() && noexcept {
    return DuplexOp<Value, false>(std::move(pipe_), kind_, buffer_);
  }

 private:
  std::shared_ptr<detail::DuplexPipe> pipe_;
  std::span<std::byte> buffer_;
  detail::DuplexKind kind_;
};

/// One end of duplex(); see the top of this header. Move-only; the destructor closes it.
class DuplexEnd {
 public:
  DuplexEnd(std::shared_ptr<detail::DuplexPipe> in,
            std::shared_ptr<detail::DuplexPipe> out) noexcept
      : in_(std::move(in)), out_(std::move(out)) {}
  DuplexEnd(DuplexEnd&&) noexcept = default;
  DuplexEnd& operator=(DuplexEnd&& other) noexcept;
  ~DuplexEnd() { close(); }

  /// Waits for data, puts it into `buffer` and returns the number of bytes; 0 if the other end
  /// writes no more, or if the buffer is empty.
  [[nodiscard]] DuplexOp<std::size_t> read(std::span<std::byte> buffer) noexcept {
    return DuplexOp<std::size_t>(in(), detail::DuplexKind::read, buffer);
  }
  template <detail::ByteBuffer B>
  [[nodiscard]] DuplexOp<std::size_t> read(B&& buffer) noexcept {
    return read(writable_bytes_of(buffer));
  }
  /// Fills `buffer`. Errors: IoErrc::unexpected_end. Cancel: a part may have been read.
  [[nodiscard]] Task<void> read_exact(std::span<std::byte> buffer) {
    return detail::read_exact_of(*this, buffer);
  }
  template <detail::ByteBuffer B>
  [[nodiscard]] Task<void> read_exact(B&& buffer) {
    return read_exact(writable_bytes_of(buffer));
  }
  /// Reads without waiting. Errors: errc::operation_would_block if nothing is there.
  [[nodiscard]] Result<std::size_t> try_read(std::span<std::byte> buffer) noexcept;
  /// Waits until a read would not wait.
  [[nodiscard]] DuplexOp<void> readable() noexcept {
    return DuplexOp<void>(in(), detail::DuplexKind::readable, {});
  }
  /// Waits until the other end writes no more: after its shutdown() or its close(). What it wrote
  /// before may be unread, and stays so. Reads may wait beside it.
  [[nodiscard]] DuplexOp<void> peer_ended() noexcept {
    return DuplexOp<void>(in(), detail::DuplexKind::ended, {});
  }

  /// Waits until there is room for at least one byte of `data`, and returns the number of bytes
  /// taken. Errors: errc::broken_pipe after a shutdown(), or when the other end is closed.
  [[nodiscard]] DuplexOp<std::size_t> write(std::span<const std::byte> data) noexcept {
    return DuplexOp<std::size_t>(out(), detail::DuplexKind::write, only_read(data));
  }
  [[nodiscard]] DuplexOp<std::size_t> write(std::string_view text) noexcept {
    return write(bytes_of(text));
  }
  /// Does the same with a temporary string, vector or array, which moves into the operation.
  template <detail::OwningTemporary B>
  [[nodiscard]] Task<std::size_t> write(B&& data) {
    return detail::write_once_owned<DuplexEnd, B>(*this, std::move(data));
  }
  /// Writes all of `data`. Cancel: a part may have been written.
  [[nodiscard]] Task<void> write_all(std::span<const std::byte> data) {
    return detail::write_all_of(*this, data);
  }
  [[nodiscard]] Task<void> write_all(std::string_view text) { return write_all(bytes_of(text)); }
  /// Does the same with a temporary string, vector or array, which moves into the operation.
  template <detail::OwningTemporary B>
  [[nodiscard]] Task<void> write_all(B&& data) {
    return detail::write_owned<DuplexEnd, B>(*this, std::move(data));
  }
  /// Writes what there is room for. Errors: errc::operation_would_block if there is none.
  [[nodiscard]] Result<std::size_t> try_write(std::span<const std::byte> data) noexcept;
  [[nodiscard]] Result<std::size_t> try_write(std::string_view text) noexcept {
    return try_write(bytes_of(text));
  }
  /// Waits until a write would not wait.
  [[nodiscard]] DuplexOp<void> writable() noexcept {
    return DuplexOp<void>(out(), detail::DuplexKind::writable, {});
  }
  /// Waits until the other end is closed: what is written now is read by none. A shutdown() of the
  /// other end is no close. Writes may wait beside it.
  [[nodiscard]] DuplexOp<void> peer_closed() noexcept {
    return DuplexOp<void>(out(), detail::DuplexKind::closed, {});
  }

  /// Ends the writing of this end: the other end reads what was written, and then 0. Waiting writes
  /// of this end fail with errc::broken_pipe. Errors: errc::operation_canceled after close().
  Result<void> shutdown() noexcept;
  /// See the top of this header. Any thread. No effect on an object that was moved from.
  void close() noexcept;
  /// Returns whether it is open: false after a move or a close().
  [[nodiscard]] explicit operator bool() const noexcept;
  /// What errors call it.
  [[nodiscard]] std::string subject() const { return "duplex"; }

 private:
  template <class B>
  [[nodiscard]] static std::span<std::byte> writable_bytes_of(B& buffer) noexcept {
    return std::as_writable_bytes(std::span(std::ranges::data(buffer), std::ranges::size(buffer)));
  }
  [[nodiscard]] static std::span<std::byte> only_read(std::span<const std::byte> data) noexcept {
    // SAFETY: a write only reads its memory.
    return {const_cast<std::byte*>(data.data()), data.size()};
  }
  // Both end the program if this was moved from.
  [[nodiscard]] const std::shared_ptr<detail::DuplexPipe>& in() const noexcept;
  [[nodiscard]] const std::shared_ptr<detail::DuplexPipe>& out() const noexcept;

  std::shared_ptr<detail::DuplexPipe> in_;   // read from
  std::shared_ptr<detail::DuplexPipe> out_;  // written to
};

/// The two ends of a duplex().
struct Duplex {
  Duplex(DuplexEnd one, DuplexEnd other) noexcept : a(std::move(one)), b(std::move(other)) {}
  DuplexEnd a;
  DuplexEnd b;
};

/// Makes two connected ends; each direction holds up to `capacity` bytes, allocated now. Throws
/// std::bad_alloc, and std::invalid_argument for capacity 0.
[[nodiscard]] Duplex duplex(std::size_t capacity);

}  // namespace weft::inline v0_1
