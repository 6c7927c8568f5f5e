// What the functions over readers and writers share: how they keep them, what they call them in
// errors, and how they find the sockets in them. For <weft/io.hpp> and <weft/buffered.hpp>.
#pragma once

#include <weft/extend/awaitable.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::detail {

struct Socket;

/// A reader or writer that is owned (R is an object type), or borrowed (R is an lvalue reference).
template <class R>
class Held {
 public:
  explicit Held(R&& owned) : object_(std::move(owned)) {}
  [[nodiscard]] R& get() noexcept { return object_; }
  [[nodiscard]] const R& get() const noexcept { return object_; }

 private:
  R object_;
};
template <class R>
class Held<R&> {
 public:
  explicit Held(R& borrowed) noexcept : object_(&borrowed) {}
  [[nodiscard]] R& get() const noexcept { return *object_; }

 private:
  R* object_;
};

/// Access to the socket or pipe of an object that owns one, for what uses its handle directly.
struct SocketAccess {
  template <class U>
  [[nodiscard]] static auto of(const U& user) noexcept -> decltype(user.socket_.get()) {
    return user.socket_.get();
  }
};
template <class T>
concept HasSocket = requires(const T& user) {
  { SocketAccess::of(user) } -> std::same_as<Socket*>;
};

/// Its peer's address, or the name of the pipe.
[[nodiscard]] std::string subject_of_socket(const Socket* socket);

/// What errors call a reader or writer: its address, its subject(), those of what it wraps, or
/// nothing.
template <class T>
[[nodiscard]] std::string subject_of_stream(const T& stream) {
  if constexpr (HasSocket<T>) {
    return subject_of_socket(SocketAccess::of(stream));
  } else if constexpr (requires {
                         { stream.subject() } -> std::convertible_to<std::string>;
                       }) {
    return stream.subject();
  } else if constexpr (requires { stream.inner(); }) {
    return subject_of_stream(stream.inner());
  } else {
    return {};
  }
}

/// A reader that can wait without a buffer.
template <class R>
concept WaitsForBytes = requires(R& reader) {
  { reader.readable() } -> Awaitable;
};
/// A writer that keeps bytes back until it is told to pass them on.
template <class W>
concept Flushes = requires(W& writer) {
  { writer.flush() } -> Awaitable;
};
/// A reader that lends its buffer.
template <class R>
concept LendsBuffer = requires(R& reader, std::size_t size) {
  { reader.fill() } -> Awaitable;
  { reader.buffered() } -> std::convertible_to<std::span<const std::byte>>;
  reader.consume(size);
};

/// The bytes of `data` that a writer has taken. Throws IoError if it has taken none.
template <class W>
[[nodiscard]] std::size_t check_written(std::size_t size, std::span<const std::byte> data,
                                        const W& writer) {
  if (size == 0) throw IoError(IoErrc::nothing_written, "write", subject_of_stream(writer));
  return size < data.size() ? size : data.size();
}

/// Awaits, or reads, the result of a writer's shutdown(). Throws the error, unless it says that the
/// peer is gone: then there is no direction to end.
template <class W>
Task<void> end_writing(W& writer) {
  using Ended = decltype(writer.shutdown());
  if constexpr (Awaitable<Ended>) {
    co_await writer.shutdown();
  } else if constexpr (requires(Ended& ended) {
                         { ended.error() } -> std::convertible_to<std::error_code>;
                       }) {
    const Result<void> ended = writer.shutdown();
    if (!ended && ended.error() != std::errc::not_connected) {
      throw IoError(ended.error(), "shutdown", subject_of_stream(writer));
    }
  } else {
    writer.shutdown();
  }
  co_return;
}

/// The memory of a copy: allocated when it is asked for.
class CopyBuffer {
 public:
  static constexpr std::size_t size = std::size_t{64} * 1024;
  /// Throws std::bad_alloc.
  [[nodiscard]] std::span<std::byte> get() {
    if (bytes_ == nullptr) bytes_ = std::make_unique_for_overwrite<std::byte[]>(size);
    return {bytes_.get(), size};
  }
  void free() noexcept { bytes_.reset(); }

 private:
  std::unique_ptr<std::byte[]> bytes_;
};

/// Copies from one socket or pipe to another until the first one ends; adds what was written to
/// `moved`. See copy() in <weft/io.hpp>.
[[nodiscard]] Task<void> relay(Socket* from, Socket* to, std::uint64_t& moved);

template <class R, class W>
Task<void> copy_lent(R& reader, W& writer, std::uint64_t& moved) {
  for (;;) {
    if (reader.buffered().empty()) {
      if constexpr (Flushes<W>) co_await writer.flush();
      const std::size_t more = co_await reader.fill();
      if (more == 0) co_return;
    }
    const std::span<const std::byte> data = reader.buffered();
    const std::size_t taken = co_await writer.write(data);
    const std::size_t size = check_written(taken, data, writer);
    reader.consume(size);
    moved += size;
  }
}

template <class R, class W>
Task<void> copy_through_buffer(R& reader, W& writer, std::uint64_t& moved) {
  CopyBuffer buffer;
  for (;;) {
    if constexpr (WaitsForBytes<R>) {
      buffer.free();
      co_await reader.readable();
    }
    const std::span<std::byte> room = buffer.get();
    const std::size_t size = co_await reader.read(room);
    if (size == 0) co_return;
    std::span<const std::byte> rest = room.first(size);
    while (!rest.empty()) {
      const std::size_t taken = co_await writer.write(rest);
      const std::size_t done = check_written(taken, rest, writer);
      rest = rest.subspan(done);
      moved += done;
    }
    if constexpr (Flushes<W>) co_await writer.flush();
  }
}

/// A stream that join() made of two: what counts is the one that is used.
template <class T>
concept MadeOfTwo = requires { typename T::MadeByJoin; };

/// The part of copy() that keeps count where the caller sees it, in spite of errors and cancels.
template <class R, class W>
Task<void> copy_counted(R& reader, W& writer, std::uint64_t& moved) {
  if constexpr (MadeOfTwo<R>) {
    return copy_counted(reader.reader(), writer, moved);
  } else if constexpr (MadeOfTwo<W>) {
    return copy_counted(reader, writer.writer(), moved);
  } else if constexpr (HasSocket<R> && HasSocket<W>) {
    return relay(SocketAccess::of(reader), SocketAccess::of(writer), moved);
  } else if constexpr (LendsBuffer<R>) {
    return copy_lent(reader, writer, moved);
  } else {
    return copy_through_buffer(reader, writer, moved);
  }
}

template <class R, class W>
Task<std::uint64_t> copy_held(Held<R> reader, Held<W> writer) {
  std::uint64_t moved = 0;
  co_await copy_counted(reader.get(), writer.get(), moved);
  co_return moved;
}

template <class R, class W>
Task<void> copy_and_end(R& reader, W& writer, std::uint64_t& moved) {
  co_await copy_counted(reader, writer, moved);
  co_await end_writing(writer);
}

}  // namespace weft::inline v0_1::detail
