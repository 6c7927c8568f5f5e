#include "http/file_body.hpp"

#include <functional>
#include <span>
#include <utility>

namespace weft::inline v0_1::http {
void FileBody::check_unchanged() const {
  const FileFacts present = facts_of(file_.native_handle(), file_.name());
  if (present.size != facts_.size || present.modified != facts_.modified) {
    const auto code = std::make_error_code(std::errc::device_or_resource_busy);
    throw IoError(code, "send changed file", file_.name());
  }
}

Task<void> FileBody::operator()(BodyWriter& out) { return write(*this, out); }

Task<void> FileBody::write(FileBody& self, BodyWriter& out) {
  for (const FilePiece& piece : self.pieces_) {
    if (!piece.before.empty()) co_await out.write_all(std::string_view(piece.before));
    std::function<void()> check;
    if (&piece == &self.pieces_.back()) check = [&self] { self.check_unchanged(); };
    co_await out.write_file(self.file_, piece.offset, piece.size, std::move(check));
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
