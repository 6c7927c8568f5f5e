// BufferedReader: lines, delimiters and look-ahead over any ByteReader. Its counterpart for
// writing, BufferedWriter, is in <weft/buffered_writer.hpp>.
//
//   weft::BufferedReader reader(stream);           // borrows it; std::move(stream): owns it
//   while (auto line = co_await reader.read_line()) answer(*line);
//
// An lvalue is borrowed and must outlive the object; an rvalue moves in. The object must not be
// moved while an operation on it is under way. One task at a time uses it; another one may write to
// the inner stream, or through this object.
//
// Cancel, which includes timeout() and select(), loses nothing: what was read and not delivered
// stays in the buffer, and the next call goes on from there. The same holds for errors.
//
// Memory: the capacity, allocated at the first use. The buffer grows beyond it for a line, a peek()
// or a read_to_end() that is longer, up to the limit of that call, and shrinks again when all of it
// was taken.
#pragma once

#include <weft/buffered_writer.hpp>
#include <weft/detail/byte_stream.hpp>
#include <weft/detail/io_buffer.hpp>
#include <weft/io.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <optional>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// How read_line() and read_until() end and bound a line.
///
///   weft::LineOptions options;
///   options.limit(512).require_delimiter();
///   std::optional<std::string> command = co_await reader.read_line(options);
class LineOptions {
 public:
  static constexpr std::size_t default_limit = std::size_t{64} * 1024;

  /// `limit`: see limit().
  LineOptions(std::size_t limit = default_limit) noexcept : rules_{limit, false, false} {}

  /// A line has at most that many bytes, without its delimiter. A longer one is an error:
  /// IoErrc::line_too_long.
  LineOptions& limit(std::size_t bytes) noexcept {
    rules_.limit = bytes;
    return *this;
  }
  /// A last line without a delimiter is an error (IoErrc::unexpected_end) and not a line: where
  /// half a command must not be taken for a command. It stays in the buffer.
  LineOptions& require_delimiter() noexcept {
    rules_.required = true;
    return *this;
  }
  /// The line is delivered with its delimiter.
  LineOptions& keep_delimiter() noexcept {
    rules_.kept = true;
    return *this;
  }
  [[nodiscard]] const detail::LineRules& rules() const noexcept { return rules_; }

 private:
  detail::LineRules rules_;
};

template <class R>
class Lines;

/// Reads through a buffer; see the top of this header. R is the type of the inner reader, or an
/// lvalue reference to it.
template <class R>
  requires ByteReader<std::remove_reference_t<R>>
class BufferedReader {
 public:
  using Inner = std::remove_reference_t<R>;

  explicit BufferedReader(R&& inner, BufferOptions options = {})
      : inner_(std::forward<R>(inner)),
        buffer_(options.capacity),
        frees_when_idle_(options.free_when_idle) {}

  /// Waits for data as the inner read() does. What is buffered comes first, without a system call.
  /// If nothing is buffered and `to` is as large as the capacity, reads directly into it.
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> to) {
    if (to.empty()) co_return 0;
    if (buffer_.empty()) {
      check_not_lost();
      if (to.size() >= buffer_.capacity()) co_return co_await inner().read(to);
      const std::size_t size = co_await fill_to(buffer_.capacity());
      if (size == 0) co_return 0;
    }
    co_return buffer_.take_into(to);
  }
  template <detail::ByteBuffer B>
  [[nodiscard]] Task<std::size_t> read(B&& to) {
    return read(writable_bytes_of(to));
  }
  /// Fills `to`. Errors: IoErrc::unexpected_end if the stream ends before that; the bytes before
  /// the end stay buffered. Cancel: what was read stays buffered, whatever is in `to`.
  [[nodiscard]] Task<void> read_exact(std::span<std::byte> to) {
    if (to.size() <= buffer_.capacity()) {
      while (buffer_.size() < to.size()) {
        const std::size_t more = co_await fill_to(buffer_.capacity());
        if (more == 0) throw IoError(IoErrc::unexpected_end, "read", subject());
      }
      buffer_.take_into(to);
      co_return;
    }
    PutBack unfinished(*this, to);
    while (unfinished.done < to.size()) {
      const std::size_t size = co_await read(to.subspan(unfinished.done));
      if (size == 0) throw IoError(IoErrc::unexpected_end, "read", subject());
      unfinished.done += size;
    }
    unfinished.done = 0;
  }
  template <detail::ByteBuffer B>
  [[nodiscard]] Task<void> read_exact(B&& to) {
    return read_exact(writable_bytes_of(to));
  }

  /// Waits for more bytes, appends them to buffered(), and returns their number; 0 at the end of
  /// the stream. Errors: errc::no_buffer_space if `capacity` bytes are buffered already: consume()
  /// some.
  [[nodiscard]] Task<std::size_t> fill() {
    if (buffer_.size() >= buffer_.capacity()) {
      throw IoError(std::make_error_code(std::errc::no_buffer_space), "fill", subject());
    }
    co_return co_await fill_to(buffer_.capacity());
  }
  /// Returns the bytes that were read and not taken yet. Valid until the next call that is not
  /// const. Never reads.
  [[nodiscard]] std::span<const std::byte> buffered() const noexcept { return buffer_.content(); }
  /// Takes `size` bytes from the front of buffered(). Precondition, checked: there are as many.
  void consume(std::size_t size) noexcept { buffer_.consume(size); }
  /// Takes all that is buffered, for another reader to go on with. Throws std::bad_alloc.
  [[nodiscard]] std::string take_buffered() { return buffer_.take_all(); }
  /// Waits until `size` bytes are buffered, and returns these, which stay in the buffer; fewer at
  /// the end of the stream. Valid as buffered().
  [[nodiscard]] Task<std::span<const std::byte>> peek(std::size_t size) {
    while (buffer_.size() < size) {
      const std::size_t more = co_await fill_to(std::max(buffer_.capacity(), size));
      if (more == 0) break;
    }
    co_return buffer_.content().first(std::min(size, buffer_.size()));
  }
  /// Waits until read() would not wait: something is buffered, or the inner reader is readable.
  [[nodiscard]] Task<void> readable()
    requires(detail::WaitsForBytes<Inner>)
  {
    if (buffer_.empty()) co_await inner().readable();
    co_return;
  }

  /// Waits for a line, which ends with "\n" or "\r\n", and returns it without that; nullopt at the
  /// end of the stream. A carriage return elsewhere, and a zero byte, are bytes as others. The last
  /// line may lack its end (see LineOptions::require_delimiter). Errors: IoErrc::line_too_long if
  /// the line is longer than its limit: nothing was taken, and the same call fails again; go on
  /// with a larger limit, or drop the line by discard_line().
  [[nodiscard]] Task<std::optional<std::string>> read_line(LineOptions options = {}) {
    return read_delimited(detail::LineSearch(options.rules()), options);
  }
  /// Does the same for what ends with `delimiter`, one character or several, which are taken as
  /// they are. Throws std::invalid_argument when awaited, if the delimiter is empty.
  [[nodiscard]] Task<std::optional<std::string>> read_until(char delimiter,
                                                            LineOptions options = {}) {
    return read_until(std::string(1, delimiter), options);
  }
  [[nodiscard]] Task<std::optional<std::string>> read_until(std::string delimiter,
                                                            LineOptions options = {}) {
    const detail::LineSearch search(options.rules(), delimiter);
    co_return co_await read_delimited(search, options);
  }
  /// Returns whether a whole line is buffered, so that read_line() would not wait. Before a wait, a
  /// server flushes its answers.
  [[nodiscard]] bool has_line() const noexcept {
    return std::ranges::find(buffer_.content(), std::byte{'\n'}) != buffer_.content().end();
  }
  /// Drops everything up to the next "\n", and that, in constant memory. Returns false if the
  /// stream ends before it. Cancel: what was dropped by then is gone.
  [[nodiscard]] Task<bool> discard_line() { return discard_until("\n"); }
  /// Does the same up to `delimiter`. Throws std::invalid_argument when awaited, if it is empty.
  [[nodiscard]] Task<bool> discard_until(std::string delimiter) {
    if (delimiter.empty()) throw std::invalid_argument("weft::BufferedReader: an empty delimiter");
    for (;;) {
      bool found = false;
      buffer_.consume(detail::bytes_to_discard(buffer_.content(), delimiter, found));
      if (found) co_return true;
      const std::size_t bound = std::max(buffer_.capacity(), delimiter.size());
      const std::size_t more = co_await fill_to(bound);
      if (more == 0) break;
    }
    buffer_.consume(buffer_.size());
    co_return false;
  }
  /// Returns a Stream of the lines: each next() is a read_line(). So a timeout of one next() ends
  /// nothing and loses nothing, and after an error the stream goes on as read_line() does. It
  /// borrows this reader.
  [[nodiscard]] Lines<BufferedReader> lines(LineOptions options = {}) & noexcept {
    return Lines<BufferedReader>(*this, options);
  }
  Lines<BufferedReader> lines(LineOptions options = {}) && = delete;

  /// Reads until the stream ends, and returns all that was not taken before. Errors:
  /// IoErrc::limit_exceeded if that is more than `limit` bytes; nothing was taken then.
  [[nodiscard]] Task<std::string> read_to_end(std::size_t limit) {
    const std::size_t most = std::numeric_limits<std::size_t>::max();
    const std::size_t bound = limit < most ? limit + 1 : most;
    for (;;) {
      if (buffer_.size() > limit) {
        throw IoError(IoErrc::limit_exceeded, "read to end", subject_with_limit(limit));
      }
      const std::size_t more = co_await fill_to(std::max(buffer_.capacity(), bound));
      if (more == 0) co_return buffer_.take_all();
    }
  }

  /// The inner reader. What is buffered is missing there.
  [[nodiscard]] Inner& inner() noexcept { return inner_.get(); }
  [[nodiscard]] const Inner& inner() const noexcept { return inner_.get(); }
  /// Returns the inner reader; what is buffered is dropped: see take_buffered().
  [[nodiscard]] Inner into_inner() && {
    static_assert(!std::is_reference_v<R>, "weft: what was borrowed is with its owner: inner()");
    return std::move(inner_.get());
  }

  // Writing, which goes to the inner stream, if that is one: so a BufferedReader of a
  // ByteStream is a ByteStream, for copy_bidirectional() and the like.
  [[nodiscard]] auto write(std::span<const std::byte> data)
    requires ByteWriter<Inner>
  {
    return inner().write(data);
  }
  [[nodiscard]] auto write_all(std::span<const std::byte> data)
    requires(ByteWriter<Inner>)
  {
    return weft::write_all(inner(), data);
  }
  [[nodiscard]] auto write_all(std::string_view text)
    requires(ByteWriter<Inner>)
  {
    return weft::write_all(inner(), text);
  }
  [[nodiscard]] auto flush()
    requires(detail::Flushes<Inner>)
  {
    return inner().flush();
  }
  auto shutdown()
    requires(ByteStream<Inner>)
  {
    return inner().shutdown();
  }

 private:
  /// Bytes that a call has put into the caller's memory and that it has not delivered: they go back
  /// into the buffer.
  struct PutBack {
    PutBack(BufferedReader& r, std::span<std::byte> m) noexcept : reader(r), memory(m) {}
    PutBack(const PutBack&) = delete;
    PutBack& operator=(const PutBack&) = delete;
    ~PutBack() {
      if (!reader.buffer_.put_back(memory.first(done))) reader.lost_ = true;
    }

    BufferedReader& reader;
    std::span<std::byte> memory;
    std::size_t done = 0;
  };

  template <class B>
  [[nodiscard]] static std::span<std::byte> writable_bytes_of(B& buffer) noexcept {
    return std::as_writable_bytes(std::span(std::ranges::data(buffer), std::ranges::size(buffer)));
  }
  [[nodiscard]] std::string subject() const { return detail::subject_of_stream(inner()); }
  [[nodiscard]] std::string subject_with_limit(std::size_t limit) const {
    std::string text = subject();
    if (!text.empty()) text += ' ';
    return text.append("(limit: ").append(std::to_string(limit)).append(" bytes)");
  }
  /// Bytes could not be put back, for want of memory: the stream has a gap, and says so.
  void check_not_lost() const {
    if (lost_) throw std::bad_alloc();
  }

  /// Reads once, into a buffer that may grow to `bound` bytes. Precondition: it has fewer.
  Task<std::size_t> fill_to(std::size_t bound) {
    check_not_lost();
    if constexpr (detail::WaitsForBytes<Inner>) {
      if (frees_when_idle_ && buffer_.empty()) {
        buffer_.free_if_empty();
        co_await inner().readable();
      }
    }
    const std::span<std::byte> room = buffer_.room(bound);
    const std::size_t size = co_await inner().read(room);
    buffer_.commit(std::min(size, room.size()));
    co_return size;
  }

  Task<std::optional<std::string>> read_delimited(detail::LineSearch search, LineOptions options) {
    using Found = detail::LineSearch::Found;
    Found found = search.look(buffer_.content());
    while (found == Found::nothing_yet) {
      const std::size_t more = co_await fill_to(std::max(buffer_.capacity(), search.bound()));
      if (more == 0) {
        if (buffer_.empty()) co_return std::nullopt;
        if (options.rules().required) {
          throw IoError(IoErrc::unexpected_end, "read line", subject());
        }
        found = search.look_at_rest(buffer_.content());
      } else {
        found = search.look(buffer_.content());
      }
    }
    if (found == Found::too_long) {
      throw IoError(IoErrc::line_too_long, "read line", subject_with_limit(options.rules().limit));
    }
    std::optional<std::string> line(search.line(buffer_.content()));
    buffer_.consume(search.bytes());
    co_return line;
  }

  detail::Held<R> inner_;
  detail::IoBuffer buffer_;
  bool frees_when_idle_;
  bool lost_ = false;
};

template <class R>
BufferedReader(R&&) -> BufferedReader<R>;
template <class R>
BufferedReader(R&&, BufferOptions) -> BufferedReader<R>;

/// See BufferedReader::lines().
template <class Reader>
class Lines {
 public:
  Lines(Reader& reader, LineOptions options) noexcept : reader_(&reader), options_(options) {}
  /// Waits for the next line: see BufferedReader::read_line().
  [[nodiscard]] Task<std::optional<std::string>> next() { return reader_->read_line(options_); }

 private:
  Reader* reader_;
  LineOptions options_;
};

}  // namespace weft::inline v0_1
