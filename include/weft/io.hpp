// ByteReader and ByteWriter: whatever bytes are read from and written to, and functions over them:
// read_exact(), write_all(), take(), join(), copy(), copy_bidirectional(), send_file().
//
//   weft::Task<void> proxy(weft::StreamSocket client, weft::StreamSocket server) {
//     const weft::CopiedBytes moved = co_await weft::copy_bidirectional(client, server);
//     log(moved.a_to_b, moved.b_to_a);
//   }
//
// A type is a reader if it has a read() that is awaited, and a writer if it has such a write(). So
// StreamSocket and its halves, pipes (<weft/pipe.hpp>), in-memory streams (<weft/duplex.hpp>) and
// BufferedReader and BufferedWriter (<weft/buffered.hpp>) are, and so is a type of your own whose
// read() and write() are coroutines:
//
//   struct Zeros {
//     weft::Task<std::size_t> read(std::span<std::byte> buffer) {
//       std::ranges::fill(buffer, std::byte{0});
//       co_return buffer.size();
//     }
//   };
//
// read(buffer) waits for at least one byte and gives the number of bytes it has put into the
// buffer; 0 at the end of the stream. write(data) waits until at least one byte was taken and gives
// their number. For a cancel to lose nothing, each of them must have done nothing if it is
// cancelled, as those of weft have.
//
// The functions here take readers and writers by reference: these must stay alive and in place
// until the function has ended. An error that the function itself finds names the socket's peer, or
// the pipe, or what a member `std::string subject() const` returns; the others are those of read()
// and write(). Members that a type may have, and that are used then: readable() (waits without a
// buffer), read_exact(), write_all(), flush() and shutdown().
#pragma once

#include <weft/detail/byte_stream.hpp>
#include <weft/detail/net_request.hpp>
#include <weft/net.hpp>
#include <weft/task.hpp>
#include <weft/when_all.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

class File;  // <weft/file.hpp>

/// See the top of this header.
template <class R>
concept ByteReader = requires(R& reader, std::span<std::byte> buffer) {
  { reader.read(buffer) } -> Awaitable;
  requires std::same_as<std::remove_cvref_t<AwaitResult<decltype(reader.read(buffer))>>,
                        std::size_t>;
};

/// See the top of this header.
template <class W>
concept ByteWriter = requires(W& writer, std::span<const std::byte> data) {
  { writer.write(data) } -> Awaitable;
  requires std::same_as<std::remove_cvref_t<AwaitResult<decltype(writer.write(data))>>,
                        std::size_t>;
};

/// Both, with a shutdown() that ends the writing direction while the other one goes on. It is
/// awaited, or gives a Result<void>, or nothing. One task may read while another one writes.
template <class S>
concept ByteStream = ByteReader<S> && ByteWriter<S> && requires(S& stream) { stream.shutdown(); };

namespace detail {

template <class R>
Task<void> read_exact_of(R& reader, std::span<std::byte> buffer) {
  while (!buffer.empty()) {
    const std::size_t size = co_await reader.read(buffer);
    if (size == 0) throw IoError(IoErrc::unexpected_end, "read", subject_of_stream(reader));
    buffer = buffer.subspan(std::min(size, buffer.size()));
  }
}

template <class W>
Task<void> write_all_of(W& writer, std::span<const std::byte> data) {
  while (!data.empty()) {
    const std::size_t taken = co_await writer.write(data);
    data = data.subspan(check_written(taken, data, writer));
  }
}

template <class W, class B>
Task<std::size_t> write_once_owned(W& writer, B data) {
  co_return co_await writer.write(bytes_in(data));
}

template <class W, class B>
Task<void> write_owned(W& writer, B data) {
  co_await write_all_of(writer, bytes_in(data));
}

}  // namespace detail

/// Fills `buffer`: by the reader's own read_exact(), if it has one. Errors: IoErrc::unexpected_end
/// if the stream ends before that. Cancel: a part may have been read into the buffer, whose size is
/// not reported (a BufferedReader keeps it).
template <ByteReader R>
[[nodiscard]] auto read_exact(R& reader, std::span<std::byte> buffer) {
  if constexpr (requires { reader.read_exact(buffer); }) {
    return reader.read_exact(buffer);
  } else {
    return detail::read_exact_of(reader, buffer);
  }
}
/// Does the same with an array, vector or string of bytes or characters, which must stay alive and
/// in place, and keeps its size.
template <ByteReader R, detail::ByteBuffer B>
[[nodiscard]] auto read_exact(R& reader, B&& buffer) {
  return read_exact(reader, std::as_writable_bytes(
                                std::span(std::ranges::data(buffer), std::ranges::size(buffer))));
}

/// Writes all of `data`: by the writer's own write_all(), if it has one. Errors:
/// IoErrc::nothing_written if the writer takes nothing. Cancel: a part may have been written, whose
/// size is not reported.
template <ByteWriter W>
[[nodiscard]] auto write_all(W& writer, std::span<const std::byte> data) {
  if constexpr (requires { writer.write_all(data); }) {
    return writer.write_all(data);
  } else {
    return detail::write_all_of(writer, data);
  }
}
template <ByteWriter W>
[[nodiscard]] auto write_all(W& writer, std::string_view text) {
  return write_all(writer, bytes_of(text));
}
/// Does the same with a temporary string, vector or array, which moves into the operation.
template <ByteWriter W, detail::OwningTemporary B>
[[nodiscard]] Task<void> write_all(W& writer, B&& data) {
  return detail::write_owned<W, B>(writer, std::move(data));
}

/// See take().
template <class R>
  requires ByteReader<std::remove_reference_t<R>>
class Take {
 public:
  Take(R&& reader, std::uint64_t limit) : reader_(std::forward<R>(reader)), remaining_(limit) {}

  /// Reads from the inner reader, at most remaining() bytes in all. 0: these have been read, or the
  /// inner reader has ended before. Cancel: as of the inner read().
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), remaining_));
    if (room == 0) co_return 0;
    const std::size_t size = co_await inner().read(buffer.first(room));
    remaining_ -= std::min(size, room);
    co_return size;
  }
  /// Waits until read() would not wait.
  [[nodiscard]] Task<void> readable()
    requires(detail::WaitsForBytes<std::remove_reference_t<R>>)
  {
    if (remaining_ != 0) co_await inner().readable();
    co_return;
  }
  /// Returns how many bytes may still be read.
  [[nodiscard]] std::uint64_t remaining() const noexcept { return remaining_; }
  [[nodiscard]] std::remove_reference_t<R>& inner() noexcept { return reader_.get(); }
  [[nodiscard]] const std::remove_reference_t<R>& inner() const noexcept { return reader_.get(); }

 private:
  detail::Held<R> reader_;
  std::uint64_t remaining_;
};

/// Returns a reader of the next `limit` bytes of `reader`, and no more. An lvalue is borrowed, and
/// goes on behind these bytes afterwards; an rvalue moves in.
///
///   co_await weft::copy(weft::take(client, content_length), file);
template <class R>
  requires ByteReader<std::remove_reference_t<R>>
[[nodiscard]] Take<R> take(R&& reader, std::uint64_t limit) {
  return Take<R>(std::forward<R>(reader), limit);
}

/// See join().
template <class R, class W>
  requires ByteReader<std::remove_reference_t<R>> && ByteWriter<std::remove_reference_t<W>>
class Joined {
 public:
  using MadeByJoin = void;
  Joined(R&& reader, W&& writer)
      : reader_(std::forward<R>(reader)), writer_(std::forward<W>(writer)) {}

  /// That of the reader.
  [[nodiscard]] auto read(std::span<std::byte> buffer) { return reader().read(buffer); }
  [[nodiscard]] auto readable()
    requires(detail::WaitsForBytes<std::remove_reference_t<R>>)
  {
    return reader().readable();
  }
  /// That of the writer.
  [[nodiscard]] auto write(std::span<const std::byte> data) { return writer().write(data); }
  [[nodiscard]] auto flush()
    requires(detail::Flushes<std::remove_reference_t<W>>)
  {
    return writer().flush();
  }
  /// Flushes the writer and ends it, by its shutdown() if it has one. Cancel: as of these.
  [[nodiscard]] Task<void> shutdown() {
    if constexpr (detail::Flushes<std::remove_reference_t<W>>) co_await writer().flush();
    if constexpr (requires { writer().shutdown(); }) co_await detail::end_writing(writer());
    co_return;
  }
  /// What errors call it: "standard input and standard output".
  [[nodiscard]] std::string subject() const {
    const std::string in = detail::subject_of_stream(reader_.get());
    const std::string out = detail::subject_of_stream(writer_.get());
    if (in.empty() || out.empty()) return in + out;
    return in + " and " + out;
  }
  [[nodiscard]] std::remove_reference_t<R>& reader() noexcept { return reader_.get(); }
  [[nodiscard]] std::remove_reference_t<W>& writer() noexcept { return writer_.get(); }

 private:
  detail::Held<R> reader_;
  detail::Held<W> writer_;
};

/// Makes one stream of a reader and a writer: a ByteStream, for what wants both directions. lvalues
/// are borrowed, rvalues move in.
///
///   auto user = weft::join(weft::standard_input(), weft::standard_output());
///   co_await weft::copy_bidirectional(user, socket);
template <class R, class W>
  requires ByteReader<std::remove_reference_t<R>> && ByteWriter<std::remove_reference_t<W>>
[[nodiscard]] Joined<R, W> join(R&& reader, W&& writer) {
  return Joined<R, W>(std::forward<R>(reader), std::forward<W>(writer));
}

/// Reads from `reader` until it ends, and writes everything to `writer`. Returns the number of
/// bytes written. Does not end the writer. lvalues are borrowed, rvalues move in. Errors: those of
/// read() and write(); IoErrc::nothing_written if the writer takes nothing.
///
/// Memory: 64 KiB while it has bytes to write; none while it waits for bytes, if the reader has
/// readable(). From one socket or pipe to another, a long transfer goes through splice(2), without
/// being copied: two descriptors more, until the source has been silent for a second. Without
/// descriptors, or where the system has no splice(2) for these handles, it goes through the buffer.
/// A writer with flush() is flushed whenever the reader has nothing more at hand.
///
/// Cancel, and errors: what was written, was. What was read and not written yet is dropped (at most
/// 64 KiB, or what a pipe holds): both ends are then to be closed. From a BufferedReader nothing is
/// dropped: what was not written stays in it. Of a copy between a socket and a pipe nothing is
/// dropped while it goes through splice(2).
template <class R, class W>
  requires ByteReader<std::remove_reference_t<R>> && ByteWriter<std::remove_reference_t<W>>
[[nodiscard]] Task<std::uint64_t> copy(R&& reader, W&& writer) {
  return detail::copy_held<R, W>(detail::Held<R>(std::forward<R>(reader)),
                                 detail::Held<W>(std::forward<W>(writer)));
}

/// Sends some of a file over a socket: up to `size` bytes from `offset` on. Waits until the system
/// has taken at least one, and returns their number; 0: the file ends at `offset`, or `size` is 0.
///
///   std::uint64_t sent = 0;
///   while (const std::size_t more = co_await weft::send_file(stream, file, sent, size - sent)) {
///     sent += more;
///   }
///
/// By sendfile(2), at most 128 KiB at once, where the file is in memory: nothing is copied, and
/// what is written to the file before the peer has taken these bytes may reach it. The rest is read
/// on the threads for files, into a buffer of 64 KiB: so a disk hardly ever keeps a worker waiting.
/// The same where the system has no sendfile(2) for the two. Errors: those of File::read_at() and
/// write(). Cancel: none was sent.
[[nodiscard]] Task<std::size_t> send_file(StreamSocket& to, File& from, std::uint64_t offset,
                                          std::uint64_t size);

/// The bytes that copy_bidirectional() has written, by direction.
struct CopiedBytes {
  CopiedBytes() noexcept {}
  std::uint64_t a_to_b = 0;
  std::uint64_t b_to_a = 0;
};

/// Copies from `a` to `b` and from `b` to `a` at the same time, each direction as copy() does,
/// until both have ended. When one direction ends, shuts down the writing side of the other end, so
/// that the peer there reads the end, too; the other direction goes on. Errors: the first error of
/// a direction cancels the other one and is thrown when that has ended; neither end is then in a
/// defined state, and both are to be closed. Cancel: cancels both directions, as copy() does.
///
/// An idle pair holds no buffer and no descriptor but its own. `counts` grows with what is moved,
/// and is right also after an error or a cancel; it must stay alive and in place. Its numbers are
/// plain: until the copy has ended, only a task bound to the same thread may read them.
template <ByteStream A, ByteStream B>
[[nodiscard]] Task<void> copy_bidirectional(A& a, B& b, CopiedBytes& counts) {
  co_await when_all(detail::copy_and_end(a, b, counts.a_to_b),
                    detail::copy_and_end(b, a, counts.b_to_a));
}
/// Does the same, and returns the counts.
template <ByteStream A, ByteStream B>
[[nodiscard]] Task<CopiedBytes> copy_bidirectional(A& a, B& b) {
  CopiedBytes counts;
  co_await copy_bidirectional(a, b, counts);
  co_return counts;
}

}  // namespace weft::inline v0_1
