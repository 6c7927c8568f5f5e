// Readers and writers for tests of <weft/io.hpp> and <weft/buffered.hpp>: they give and take few
// bytes at a time, wait for tokens, and fail when they are told to.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <weft/result.hpp>
#include <weft/task.hpp>

#include "api/byte_text.hpp"
#include "support/manual_event.hpp"

namespace weft::test {

/// Gives a text, at most `piece` bytes at a time, and then the end. With a gate, each read first
/// takes a token of it.
class TextReader {
 public:
  explicit TextReader(std::string text, std::size_t piece = SIZE_MAX, ManualEvent* gate = nullptr)
      : text_(std::move(text)), piece_(piece), gate_(gate) {}

  Task<std::size_t> read(std::span<std::byte> buffer) {
    ++reads;
    if (gate_ != nullptr) co_await *gate_;
    if (at_ == fails_at) throw IoError(std::make_error_code(std::errc::io_error), "read", "text");
    const std::size_t size = std::min({piece_, text_.size() - at_, buffer.size()});
    if (size != 0) std::memcpy(buffer.data(), text_.data() + at_, size);
    at_ += size;
    co_return size;
  }
  [[nodiscard]] std::string subject() const { return "text"; }
  [[nodiscard]] std::size_t given() const noexcept { return at_; }

  std::size_t reads = 0;            // calls
  std::size_t fails_at = SIZE_MAX;  // the offset at which a read fails, once fixed by the test

 private:
  std::string text_;
  std::size_t piece_;
  ManualEvent* gate_;
  std::size_t at_ = 0;
};

/// Keeps what is written, and takes at most `piece` bytes at a time. With a gate, each write first
/// takes a token of it.
class TextWriter {
 public:
  explicit TextWriter(std::size_t piece = SIZE_MAX, ManualEvent* gate = nullptr)
      : piece_(piece), gate_(gate) {}

  Task<std::size_t> write(std::span<const std::byte> data) {
    ++writes;
    if (gate_ != nullptr) co_await *gate_;
    if (text.size() == fails_at) {
      throw IoError(std::make_error_code(std::errc::io_error), "write", "text");
    }
    const std::size_t size = std::min(piece_, data.size());
    text.append(reinterpret_cast<const char*>(data.data()), size);
    co_return size;
  }
  void shutdown() { ++shutdowns; }
  [[nodiscard]] std::string subject() const { return "text"; }

  std::string text;
  std::size_t writes = 0;
  std::size_t shutdowns = 0;
  std::size_t fails_at = SIZE_MAX;

 private:
  std::size_t piece_;
  ManualEvent* gate_;
};

/// what() of the IoError that awaiting `awaitable` throws; "no error" if it does not.
template <class A>
Task<std::string> text_of_error(A awaitable) {
  const auto result = co_await attempt(std::move(awaitable));
  co_return result.has_value() ? std::string("no error") : std::string(result.error().what());
}

}  // namespace weft::test
