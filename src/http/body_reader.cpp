#include <weft/http/body_reader.hpp>

#include <algorithm>
#include <span>

#include <weft/http/error.hpp>
#include <weft/result.hpp>

namespace weft::inline v0_1::http {
namespace {

/// The most memory reserved because of a peer's Content-Length alone.
constexpr std::uint64_t kMostReservedForReader = 64 * 1024;
constexpr std::size_t kLeastRead = 4096;
constexpr std::size_t kMostRead = 64 * 1024;

}  // namespace

Task<std::size_t> BodyReader::read(std::span<std::byte> buffer) {
  if (ended() || buffer.empty()) co_return 0;
  const std::size_t size = co_await source_->read(buffer);
  bytes_read_ += size;
  ended_ = size == 0;
  co_return size;
}

Task<std::string> BodyReader::read_all(std::size_t limit) {
  std::string text;
  const std::uint64_t announced = length().value_or(0);
  text.reserve(static_cast<std::size_t>(
      std::min({announced, kMostReservedForReader, std::uint64_t{limit}})));
  std::size_t size = 0;
  while (!ended()) {
    if (text.size() - size < kLeastRead) {
      text.resize(size + std::clamp(size, kLeastRead, kMostRead));
    }
    const std::size_t more = co_await read(std::as_writable_bytes(std::span(text).subspan(size)));
    size += more;
    if (size > limit) {
      source_->give_up(make_error_code(Errc::body_too_large));
      throw IoError(make_error_code(Errc::body_too_large), "read body", subject());
    }
  }
  text.resize(size);
  co_return text;
}

const Headers& BodyReader::trailers() const noexcept {
  static const Headers none;
  return source_ != nullptr ? source_->trailers() : none;
}

}  // namespace weft::inline v0_1::http
