#include "http/file_body.hpp"

#include <algorithm>
#include <span>

namespace weft::inline v0_1::http {
namespace {

constexpr std::size_t kPieceSize = std::size_t{64} * 1024;

}  // namespace

void FileBody::check_unchanged() const {
  const FileFacts present = facts_of(file_.native_handle(), file_.name());
  if (present.size != facts_.size || present.modified != facts_.modified) {
    const auto code = std::make_error_code(std::errc::device_or_resource_busy);
    throw IoError(code, "send changed file", file_.name());
  }
}

Task<void> FileBody::operator()(BodyWriter& out) { return write(*this, out); }

Task<void> FileBody::write(FileBody& self, BodyWriter& out) {
  std::uint64_t rest = 0;
  for (const FilePiece& piece : self.pieces_) rest += piece.size;
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(rest, kPieceSize)));
  for (const FilePiece& piece : self.pieces_) {
    if (!piece.before.empty()) co_await out.write_all(std::string_view(piece.before));
    for (std::uint64_t done = 0; done < piece.size;) {
      const auto wanted =
          static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), piece.size - done));
      const std::span<std::byte> room(buffer.data(), wanted);
      const std::size_t size = co_await self.file_.read_at(room, piece.offset + done);
      if (size == 0) throw IoError(FileErrc::unexpected_end, "read", self.file_.name());
      done += size;
      rest -= size;
      if (rest == 0) self.check_unchanged();
      co_await out.write_all(std::span<const std::byte>(room.first(size)));
    }
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
