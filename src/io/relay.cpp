// relay(): copies from one socket or pipe to another: the part of copy() that knows handles.
//
// It begins with a buffer: few bytes at a time cost less so. After some full buffers in a row, the
// direction is taken for a long transfer, and goes on by splice(2); once it has been silent for a
// second, the pipe of that is given back. While it waits for bytes it holds no buffer.
//
// Invariant: bytes that were read are written before more are read, so order is kept at each change
// of the way, and at most one buffer, or one pipe, is full of bytes that are in neither handle.
#include <weft/detail/byte_stream.hpp>
#include <weft/net.hpp>
#include <weft/timeout.hpp>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "io/pipe_end.hpp"
#include "io/splice.hpp"
#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr int full_buffers_of_a_long_transfer = 4;
constexpr std::chrono::seconds silence_that_ends_it{1};
// Rounds in a row in which the target was writable and took nothing: the system says so of a socket
// that has room, but none for what splice(2) brings.
constexpr int most_fruitless_rounds = 2;

[[noreturn]] void fail_reading(const Socket& from, std::error_code code) {
  throw IoError(code, "read", from.subject());
}
[[noreturn]] void fail_writing(const Socket& to, std::error_code code) {
  throw IoError(code, "write", to.subject());
}

Task<void> until_readable(Socket& from) {
  const Result<void> ready =
      co_await IoOp<ReadyRequest>(ReadyRequest(&from, interest::readable)).attempt();
  if (!ready) fail_reading(from, ready.error());
}

Task<void> until_writable(Socket& to) {
  const Result<void> ready =
      co_await IoOp<ReadyRequest>(ReadyRequest(&to, interest::writable)).attempt();
  if (!ready) fail_writing(to, ready.error());
}

/// False: it was silent for too long.
Task<bool> until_readable_or_silent(Socket& from) {
  const Result<void> ready = co_await attempt(
      timeout(IoOp<ReadyRequest>(ReadyRequest(&from, interest::readable)), silence_that_ends_it));
  if (ready) co_return true;
  if (ready.error() != std::errc::timed_out) fail_reading(from, ready.error());
  co_return false;
}

/// Reads without waiting. Null: nothing is there.
std::optional<std::size_t> read_now(Socket& from, std::span<std::byte> buffer) {
  const auto read = [&from, buffer](NativeHandle handle) -> Result<std::int64_t> {
    return from.is_pipe() ? Syscalls::read(handle, buffer.data(), buffer.size())
                          : Syscalls::recv(handle, buffer.data(), buffer.size());
  };
  const Result<std::int64_t> result = with_handle(&from, read, interest::readable);
  if (!result) fail_reading(from, result.error());
  if (*result == -EAGAIN) return std::nullopt;
  if (*result < 0) fail_reading(from, code_of(*result));
  return static_cast<std::size_t>(*result);
}

class Relay {
 public:
  Relay(Socket& from, Socket& to, std::uint64_t& moved) noexcept
      : from_(from), to_(to), moved_(moved) {}

  Task<void> run() {
    bool goes_on = true;
    while (goes_on) {
      if (may_splice_ && full_buffers_ >= full_buffers_of_a_long_transfer) {
        goes_on = co_await splice();
      } else {
        goes_on = co_await copy();
      }
    }
  }

 private:
  Task<void> write(std::span<const std::byte> rest) {
    while (!rest.empty()) {
      const std::size_t size = co_await IoOp<WriteRequest>(WriteRequest(&to_, rest));
      rest = rest.subspan(size);
      moved_ += size;
    }
  }

  /// Waits for bytes, and copies until there are no more for now, or until this seems to be a long
  /// transfer. False: the source has ended.
  Task<bool> copy() {
    full_buffers_ = 0;
    co_await until_readable(from_);
    CopyBuffer memory;
    const std::span<std::byte> buffer = memory.get();
    // Waits only if the handle was not readable in spite of that.
    std::size_t size = co_await IoOp<ReadRequest>(ReadRequest(&from_, buffer));
    while (size != 0) {
      co_await write(buffer.first(size));
      if (size < buffer.size()) co_return true;
      if (++full_buffers_ >= full_buffers_of_a_long_transfer && may_splice_) co_return true;
      const std::optional<std::size_t> more = read_now(from_, buffer);
      if (!more) co_return true;
      size = *more;
    }
    co_return false;
  }

  /// The same by splice(2), until the source is silent or the system refuses.
  Task<bool> splice() {
    using enum SplicePath::Stop;
    full_buffers_ = 0;
    Result<SplicePath> path = SplicePath::open(from_, to_);
    if (!path) {  // no descriptors are left
      may_splice_ = false;
      co_return true;
    }
    int fruitless = 0;
    for (;;) {
      const std::uint64_t before = moved_;
      const SplicePath::Stop stop = path->burst(from_, to_, moved_);
      if (moved_ != before) fruitless = 0;
      if (stop == source_ended) co_return false;
      if (stop == read_failed) fail_reading(from_, path->error());
      if (stop == write_failed) fail_writing(to_, path->error());
      if (stop == unsupported || fruitless >= most_fruitless_rounds) break;
      if (stop == target_full) {
        ++fruitless;
        co_await until_writable(to_);
      } else {  // source_empty, or turn_over: then this is a turn for others
        const bool is_readable = co_await until_readable_or_silent(from_);
        if (!is_readable) co_return true;
      }
    }
    may_splice_ = false;
    co_await empty(*path);
    co_return true;
  }

  /// Writes what is in the middle of the path.
  Task<void> empty(SplicePath& path) {
    CopyBuffer memory;
    while (path.held() != 0) {
      const std::span<std::byte> buffer = memory.get();
      const Result<std::size_t> size = path.drain(buffer);
      if (!size) fail_reading(from_, size.error());
      co_await write(buffer.first(*size));
    }
  }

  Socket& from_;
  Socket& to_;
  std::uint64_t& moved_;
  int full_buffers_ = 0;  // in a row
  bool may_splice_ = true;
};

}  // namespace

Task<void> relay(Socket* from, Socket* to, std::uint64_t& moved) {
  Relay direction(socket_of(from), socket_of(to), moved);
  co_await direction.run();
}

std::string subject_of_socket(const Socket* socket) {
  return socket != nullptr ? socket->subject() : std::string();
}

}  // namespace weft::inline v0_1::detail
