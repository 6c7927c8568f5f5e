// BufferedWriter: gathers small writes for any ByteWriter. BufferOptions.
//
//   weft::BufferedWriter writer(stream);           // borrows it; std::move(stream): owns it
//   for (const std::string& word : words) co_await writer.write_all(word);
//   co_await writer.flush();
//
// An lvalue is borrowed and must outlive the object; an rvalue moves in. The object must not be
// moved while an operation on it is under way. One task at a time uses it; another one may read
// from the inner stream, or through this object.
//
// Cancel, which includes timeout() and select(), loses nothing: what was given and the inner writer
// has not taken stays in the buffer, and the next flush() goes on from there. The same holds for
// errors. The memory is the capacity, allocated at the first use.
#pragma once

#include <weft/detail/byte_stream.hpp>
#include <weft/detail/io_buffer.hpp>
#include <weft/io.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// Options of a BufferedReader or BufferedWriter.
struct BufferOptions {
  std::size_t capacity = 8192;  ///< bytes; at least one
  /// Of a reader: while it waits with nothing in the buffer, frees the buffer, if the inner reader
  /// has readable(). For many connections that are mostly idle; costs two more system calls a wait.
  bool free_when_idle = false;
};

/// Writes through a buffer; see the top of this header. W is the type of the inner writer, or an
/// lvalue reference to it.
///
/// The destructor does not write: what was not flushed is dropped. End with shutdown() or flush().
template <class W>
  requires ByteWriter<std::remove_reference_t<W>>
class BufferedWriter {
 public:
  using Inner = std::remove_reference_t<W>;

  explicit BufferedWriter(W&& inner, BufferOptions options = {})
      : inner_(std::forward<W>(inner)), buffer_(options.capacity) {}

  /// Takes as many bytes of `data` as the buffer has room for, and returns their number. Waits only
  /// if the buffer is full, for the inner writer to take some. If nothing is buffered and `data` is
  /// as large as the capacity, writes it directly. Errors: those of the inner writer; the bytes of
  /// earlier calls that it has not taken stay buffered. Cancel: none was taken.
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data) {
    if (data.empty()) co_return 0;
    if (buffer_.empty() && data.size() >= buffer_.capacity()) {
      co_return co_await inner().write(data);
    }
    if (buffer_.size() >= buffer_.capacity()) co_await write_some();
    co_return buffer_.append(data);
  }
  [[nodiscard]] Task<std::size_t> write(std::string_view text) { return write(bytes_of(text)); }
  /// Takes all of `data`. Cancel: a part was taken, whose size is not reported.
  [[nodiscard]] Task<void> write_all(std::span<const std::byte> data) {
    return detail::write_all_of(*this, data);
  }
  [[nodiscard]] Task<void> write_all(std::string_view text) { return write_all(bytes_of(text)); }
  /// Does the same with a temporary string, vector or array, which moves into the operation.
  template <detail::OwningTemporary B>
  [[nodiscard]] Task<void> write_all(B&& data) {
    return detail::write_owned<BufferedWriter, B>(*this, std::move(data));
  }
  /// Writes all that is buffered, and flushes the inner writer, if that has flush(). Errors, and
  /// cancel: what the inner writer has taken is no longer buffered, the rest is; a later flush()
  /// goes on there, so that nothing is lost or written twice.
  [[nodiscard]] Task<void> flush() {
    while (!buffer_.empty()) co_await write_some();
    if constexpr (detail::Flushes<Inner>) co_await inner().flush();
    co_return;
  }
  /// flush(), and then the inner stream's shutdown(). Errors: those of both; an inner stream whose
  /// peer is gone counts as shut down.
  [[nodiscard]] Task<void> shutdown()
    requires requires(Inner& writer) { writer.shutdown(); }
  {
    co_await flush();
    co_await detail::end_writing(inner());
  }

  /// Returns the bytes that the inner writer has not taken yet. Valid until the next call that is
  /// not const.
  [[nodiscard]] std::span<const std::byte> unflushed() const noexcept { return buffer_.content(); }
  /// The inner writer. What is not flushed is missing there.
  [[nodiscard]] Inner& inner() noexcept { return inner_.get(); }
  [[nodiscard]] const Inner& inner() const noexcept { return inner_.get(); }
  /// Returns the inner writer; what is not flushed is dropped.
  [[nodiscard]] Inner into_inner() && {
    static_assert(!std::is_reference_v<W>, "weft: what was borrowed is with its owner: inner()");
    return std::move(inner_.get());
  }

  // Reading, which goes to the inner stream, if that is one. It does not flush: a peer that
  // waits for what is buffered here does not answer.
  [[nodiscard]] auto read(std::span<std::byte> buffer)
    requires ByteReader<Inner>
  {
    return inner().read(buffer);
  }
  [[nodiscard]] auto readable()
    requires(detail::WaitsForBytes<Inner>)
  {
    return inner().readable();
  }

 private:
  /// Writes once; at least a byte.
  Task<void> write_some() {
    const std::span<const std::byte> data = buffer_.content();
    const std::size_t taken = co_await inner().write(data);
    buffer_.consume(detail::check_written(taken, data, inner()));
  }

  detail::Held<W> inner_;
  detail::IoBuffer buffer_;
};

template <class W>
BufferedWriter(W&&) -> BufferedWriter<W>;
template <class W>
BufferedWriter(W&&, BufferOptions) -> BufferedWriter<W>;

}  // namespace weft::inline v0_1
