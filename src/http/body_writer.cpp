// BodyWriter. Bytes that the target has not taken stand in `pending_`, framed. A chunk is framed
// when it is closed: its line has room for any size, and what is too much is cut out then. A large
// write goes to the target from the caller's memory, in one step. If the target takes a part of its
// chunk, the rest is copied to `pending_`: so no chunk is ever left without its bytes, whatever
// becomes of the caller.
#include <weft/http/body_writer.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <new>
#include <stdexcept>
#include <utility>

#include <weft/http/error.hpp>
#include <weft/http/serializer.hpp>
#include <weft/sleep.hpp>

#include "http/text_of.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Digits of the largest chunk, and the line's end.
constexpr std::size_t kChunkDigits = 5;
constexpr std::size_t kChunkLine = kChunkDigits + 2;
static_assert(BodyWriter::most_taken < std::size_t{1} << (4 * kChunkDigits));

/// "size CR LF".
class ChunkLine {
 public:
  explicit ChunkLine(std::size_t size) noexcept {
    char* const end = std::to_chars(text_, text_ + kChunkDigits, size, 16).ptr;
    end[0] = '\r';
    end[1] = '\n';
    size_ = static_cast<std::size_t>(end - text_) + 2;
  }
  [[nodiscard]] std::string_view text() const noexcept { return {text_, size_}; }

 private:
  char text_[kChunkLine] = {};
  std::size_t size_ = 0;
};

[[nodiscard]] std::span<const std::byte> bytes_of_slice(const IoSlice& slice) noexcept {
  return {slice.data, slice.size};
}

/// A string keeps at most that much memory for the next bytes.
constexpr std::size_t kKept = std::size_t{32} * 1024;

}  // namespace

Task<void> BodyTarget::flush() { co_return; }

Task<void> BodyTarget::draining() { co_await never(); }

Task<std::size_t> BodyTarget::send_file(File&, std::uint64_t, std::uint64_t) { co_return 0; }

void BodyWriter::add_trailer(std::string_view name, std::string_view value) {
  if (is_forbidden_trailer(name)) {
    throw std::invalid_argument("weft::http::BodyWriter: the field " + std::string(name) +
                                " is not allowed behind a body");
  }
  trailers_.add(name, value);
}

void BodyWriter::check_room(std::uint64_t size) const {
  check_whole();
  if (ended_) throw IoError(make_error_code(Errc::body_too_long), "write body", subject());
  if (framing_.end == BodyFraming::End::length && size > framing_.length - written_) {
    throw IoError(make_error_code(Errc::body_too_long), "write body", subject());
  }
}

std::size_t BodyWriter::bounded(std::size_t size) const {
  check_room(size);
  return std::min(size, most_taken);
}

void BodyWriter::open_chunk() {
  if (framing_.end != BodyFraming::End::chunked || chunk_ != no_chunk) return;
  pending_.append(kChunkLine, '0');
  chunk_ = pending_.size() - kChunkLine;
}

void BodyWriter::close_chunk() {
  if (chunk_ == no_chunk) return;
  const std::size_t begin = std::exchange(chunk_, no_chunk);
  const std::size_t size = pending_.size() - begin - kChunkLine;
  if (size == 0) {
    pending_.resize(begin);
    return;
  }
  const ChunkLine line(size);
  pending_.append("\r\n");
  pending_.replace(begin, kChunkLine, line.text());
}

void BodyWriter::consume(std::size_t size) noexcept {
  begun_ = true;
  sent_ += size;
  if (sent_ < pending_.size()) return;
  sent_ = 0;
  pending_.clear();
  if (pending_.capacity() > kKept) std::string().swap(pending_);
}

void BodyWriter::gather(std::span<const std::byte> data) {
  open_chunk();
  pending_.append(text_of(data));
  written_ += data.size();
}

Task<void> BodyWriter::send_pending() {
  close_chunk();
  while (unsent() != 0) {
    const std::array<IoSlice, 1> slices{
        slice_of(bytes_of(std::string_view(pending_).substr(sent_)))};
    const std::size_t taken = co_await target_.write_some(slices);
    consume(std::min(taken, unsent()));
  }
}

Task<std::size_t> BodyWriter::write(std::span<const std::byte> data) {
  const std::size_t size = bounded(data.size());
  if (size == 0) co_return 0;
  if (size < gathered) {
    if (unsent() + size > gathered) co_await send_pending();
    gather(data);
    co_return size;
  }
  const std::size_t taken = co_await write_through(data.first(size));
  co_return taken;
}

/// Writes once, from the caller's memory.
Task<std::size_t> BodyWriter::write_through(std::span<const std::byte> data) {
  close_chunk();
  const bool chunked = framing_.end == BodyFraming::End::chunked;
  const ChunkLine line(data.size());
  const std::string_view before = chunked ? line.text() : std::string_view();
  const std::string_view after = chunked ? std::string_view("\r\n") : std::string_view();
  for (;;) {
    const std::size_t waiting = unsent();
    const std::array<IoSlice, 4> slices{
        slice_of(bytes_of(std::string_view(pending_).substr(sent_))), slice_of(bytes_of(before)),
        slice_of(data), slice_of(bytes_of(after))};
    const std::size_t taken = co_await target_.write_some(slices);
    consume(std::min(taken, waiting));
    if (taken <= waiting) continue;
    std::size_t skipped = taken - waiting;
    if (!chunked) {
      const std::size_t size = std::min(skipped, data.size());
      written_ += size;
      co_return size;
    }
    // The chunk has begun, and is whole from here on.
    broken_ = true;
    keep_rest(before, skipped);
    keep_rest(text_of(data), skipped);
    keep_rest(after, skipped);
    broken_ = false;
    written_ += data.size();
    co_return data.size();
  }
}

/// Keeps what the target has not taken of `text`; `taken` bytes of it and what follows were.
void BodyWriter::keep_rest(std::string_view text, std::size_t& taken) {
  const std::size_t size = std::min(taken, text.size());
  taken -= size;
  pending_.append(text.substr(size));
}

Task<std::size_t> BodyWriter::write_vectored(std::span<const IoSlice> slices) {
  std::size_t size = 0;
  const IoSlice* first = nullptr;
  for (const IoSlice& slice : slices) {
    size += slice.size;
    if (first == nullptr && slice.size != 0) first = &slice;
  }
  if (first == nullptr) co_return 0;
  if (unsent() + size <= gathered) {
    static_cast<void>(bounded(size));
    for (const IoSlice& slice : slices) gather(bytes_of_slice(slice));
    co_return size;
  }
  const std::size_t taken = co_await write(bytes_of_slice(*first));
  co_return taken;
}

Task<void> BodyWriter::write_all(std::span<const std::byte> data) {
  return weft::detail::write_all_of(*this, data);
}

Task<void> BodyWriter::flush() {
  check_whole();
  co_await send_pending();
  co_await target_.flush();
}

Task<void> BodyWriter::finish() {
  check_whole();
  if (framing_.end == BodyFraming::End::length && written_ < framing_.length) {
    throw IoError(make_error_code(Errc::body_too_short), "write body", subject());
  }
  if (!std::exchange(ended_, true)) end_chunks();
  co_await send_pending();
}

void BodyWriter::end_chunks() {
  close_chunk();
  if (framing_.end != BodyFraming::End::chunked) return;
  serialize_last_chunk(pending_, trailers_);
}

/// A chunk has begun, and there was no memory for its rest.
void BodyWriter::check_whole() const {
  if (broken_) throw std::bad_alloc();
}

}  // namespace weft::inline v0_1::http
