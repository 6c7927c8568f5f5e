// IoBuffer: bytes that were read and not taken yet, or taken and not written yet. LineSearch: finds
// lines in them. For <weft/buffered.hpp>. Not thread-safe.
//
// Invariant: the content is [begin_, end_) of the memory, which is allocated when room is asked
// for. Memory beyond the capacity is freed when the buffer has become empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weft::inline v0_1::detail {

class IoBuffer {
 public:
  explicit IoBuffer(std::size_t capacity) noexcept : capacity_(capacity != 0 ? capacity : 1) {}

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::span<const std::byte> content() const noexcept {
    return std::as_bytes(std::span(memory_.data() + begin_, size()));
  }

  /// Returns memory behind the content, at least a byte and at most what makes the content `bound`
  /// bytes long; grows up to that, by doubling. Precondition: the content is shorter than `bound`.
  /// Throws std::bad_alloc.
  [[nodiscard]] std::span<std::byte> room(std::size_t bound);
  /// The first `size` bytes of room() are content now.
  void commit(std::size_t size) noexcept { end_ += size; }
  /// Removes `size` bytes from the front. Ends the program if there are fewer.
  void consume(std::size_t size) noexcept;
  /// Moves as many bytes from the front to `to` as fit, and returns their number.
  std::size_t take_into(std::span<std::byte> to) noexcept;
  /// Copies as many bytes of `from` behind the content as the capacity allows; returns their
  /// number. Throws std::bad_alloc.
  [[nodiscard]] std::size_t append(std::span<const std::byte> from);
  /// Puts bytes in front of the content. False: there is no memory, and nothing has changed.
  [[nodiscard]] bool put_back(std::span<const std::byte> bytes) noexcept;
  /// Removes all, and returns it.
  [[nodiscard]] std::string take_all();
  /// Frees the memory if the buffer is empty.
  void free_if_empty() noexcept;

 private:
  void grow_to(std::size_t allocated, std::size_t front);

  std::string memory_;  // its size is what is allocated
  std::size_t capacity_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// How read_line() and read_until() end lines. See LineOptions in <weft/buffered.hpp>.
struct LineRules {
  std::size_t limit;
  bool required;
  bool kept;
};

/// The search for one line in a buffer that fills. It looks at each byte once.
class LineSearch {
 public:
  enum class Found : std::uint8_t { line, nothing_yet, too_long };

  /// Lines end with '\n', and a '\r' before it belongs to the end.
  explicit LineSearch(const LineRules& rules) noexcept
      : rules_(rules), delimiter_("\n"), strips_return_(true) {}
  /// Lines end with `delimiter`, which must stay alive. Throws std::invalid_argument if it is
  /// empty.
  LineSearch(const LineRules& rules, std::string_view delimiter);

  /// Looks at the whole content, of which the part that was given before has not changed.
  [[nodiscard]] Found look(std::span<const std::byte> content) noexcept;
  /// At the end of the stream: whether the rest, which has no delimiter, is a line.
  [[nodiscard]] Found look_at_rest(std::span<const std::byte> content) noexcept;
  /// After Found::line: the line as the caller gets it.
  [[nodiscard]] std::string line(std::span<const std::byte> content) const;
  /// Its bytes in the buffer, delimiter included.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// The longest content that has to be looked at.
  [[nodiscard]] std::size_t bound() const noexcept;

 private:
  [[nodiscard]] Found found_at(std::string_view text, std::size_t at) noexcept;

  LineRules rules_;
  std::string_view delimiter_;
  bool strips_return_ = false;
  std::size_t searched_ = 0;  // no delimiter begins before this
  std::size_t size_ = 0;      // of the line, without its delimiter
  std::size_t bytes_ = 0;
};

/// Finds `delimiter`. Returns how many bytes can be dropped: through the delimiter, or all that
/// cannot be the beginning of one. `found` says which.
[[nodiscard]] std::size_t bytes_to_discard(std::span<const std::byte> content,
                                           std::string_view delimiter, bool& found) noexcept;

}  // namespace weft::inline v0_1::detail
