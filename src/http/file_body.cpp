#include "http/file_body.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace weft::inline v0_1::http {
namespace {

constexpr std::size_t kLastBytes = 512;

}  // namespace

void FileBody::check_unchanged() const {
  const FileFacts present = facts_of(file_.native_handle(), file_.name());
  if (present.size != facts_.size || present.modified != facts_.modified) {
    const auto code = std::make_error_code(std::errc::device_or_resource_busy);
    throw IoError(code, "send changed file", file_.name());
  }
}

Task<void> FileBody::operator()(BodyWriter& out) { return write(*this, out); }

/// The last bytes are read first, and written when the rest is known to have been that of the
/// unchanged file.
Task<void> FileBody::write(FileBody& self, BodyWriter& out) {
  for (const FilePiece& piece : self.pieces_) {
    if (!piece.before.empty()) co_await out.write_all(std::string_view(piece.before));
    const bool last = &piece == &self.pieces_.back();
    std::array<std::byte, kLastBytes> room;
    const auto kept = static_cast<std::size_t>(
        last ? std::min<std::uint64_t>(piece.size, kLastBytes) : std::uint64_t{0});
    const std::span<std::byte> tail = std::span(room).first(kept);
    const std::uint64_t rest = piece.size - kept;
    if (kept != 0) co_await self.file_.read_exact_at(tail, piece.offset + rest);
    co_await out.write_file(self.file_, piece.offset, rest);
    if (!last) continue;
    self.check_unchanged();
    co_await out.write_all(std::span<const std::byte>(tail));
  }
  if (!self.end_.empty()) co_await out.write_all(std::string_view(self.end_));
}

Task<std::string> FileBody::read(std::uint64_t offset, std::uint64_t size) {
  std::string text(static_cast<std::size_t>(size), '\0');
  const auto room = std::as_writable_bytes(std::span(text));
  co_await file_.read_exact_at(room, offset);
  check_unchanged();
  co_return text;
}

}  // namespace weft::inline v0_1::http
