// Range requests (RFC 9110, 14): parts of a body. Part of <weft/http.hpp>. Values; any thread.
//
//   http::RangeChoice chosen = http::choose_ranges(request, size);
//   if (chosen.unsatisfiable()) return http::answer_unsatisfiable(size);      // 416
//   for (const http::ByteRange& range : chosen.ranges()) send(range.first, range.size());
#pragma once

#include <weft/http/message.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::inline v0_1::http {

/// The bytes `first` to `last`, both of them included, as in the field Content-Range.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  [[nodiscard]] std::uint64_t size() const noexcept { return last - first + 1; }
  friend bool operator==(const ByteRange&, const ByteRange&) noexcept = default;
};

/// What choose_ranges() serves. Requests beyond these limits get the whole body, which costs a
/// server less than what they ask for (RFC 9110, 14.2 allows it).
struct RangeLimits {
  std::size_t max_ranges = 16;  ///< in one request
  bool allow_overlap = false;   ///< ranges that overlap, or are not in rising order
};

/// What a request wants of a body.
class RangeChoice {
 public:
  /// The whole of it.
  RangeChoice() noexcept {}
  explicit RangeChoice(std::vector<ByteRange> ranges) noexcept
      : ranges_(std::move(ranges)), partial_(true) {}

  /// Returns whether parts are wanted: the answer is 206, or 416 if unsatisfiable().
  [[nodiscard]] bool partial() const noexcept { return partial_; }
  /// Returns whether the body has none of the wanted parts.
  [[nodiscard]] bool unsatisfiable() const noexcept { return partial_ && ranges_.empty(); }
  /// The parts that the body has, in the order of the request; all within the body.
  [[nodiscard]] const std::vector<ByteRange>& ranges() const noexcept { return ranges_; }

 private:
  std::vector<ByteRange> ranges_;
  bool partial_ = false;
};

/// Parses a field Range for a body of `size` bytes. A unit other than bytes, a malformed field and
/// one beyond the limits give the whole body.
[[nodiscard]] RangeChoice parse_ranges(std::string_view field, std::uint64_t size,
                                       const RangeLimits& limits = {});
/// Does the same for a request: only GET has ranges, and a Range that comes twice counts as none.
/// The caller has asked if_range_holds() before.
[[nodiscard]] RangeChoice choose_ranges(const Request& request, std::uint64_t size,
                                        const RangeLimits& limits = {});

/// Returns "bytes 0-99/1000".
[[nodiscard]] std::string content_range(const ByteRange& range, std::uint64_t size);
/// Returns the answer 416, which tells the size.
[[nodiscard]] Response answer_unsatisfiable(std::uint64_t size);

/// The field Content-Range of an answer, for clients that resume.
struct ContentRange {
  std::optional<ByteRange> range;     ///< null: unsatisfiable ("*")
  std::optional<std::uint64_t> size;  ///< of the whole body; null: not known ("*")

  /// Parses it. Null: malformed, another unit, or a range that is not within the size.
  [[nodiscard]] static std::optional<ContentRange> parse(std::string_view field);
};

/// The frame of a body with several parts, multipart/byteranges (RFC 9110, 14.6): what stands
/// before each part, what stands behind the last one, and the size of all.
class MultipartRanges {
 public:
  /// `content_type`: that of the whole body; may be empty.
  MultipartRanges(std::vector<ByteRange> ranges, std::uint64_t size, std::string content_type);

  /// The value of the answer's Content-Type.
  [[nodiscard]] std::string content_type() const;
  [[nodiscard]] const std::vector<ByteRange>& ranges() const noexcept { return ranges_; }
  /// What stands before part `index`.
  [[nodiscard]] std::string before(std::size_t index) const;
  [[nodiscard]] std::string end() const;
  /// The size of the answer's body in bytes.
  [[nodiscard]] std::uint64_t length() const;

 private:
  std::vector<ByteRange> ranges_;
  std::uint64_t size_;
  std::string part_type_;
  std::string boundary_;
};

}  // namespace weft::inline v0_1::http
