// DecodingReader and EncodingWriter: compressed streams as any other. Part of
// <weft/compression.hpp>.
//
//   weft::DecodingReader plain(weft::Coding::zstd, file);           // borrows it
//   co_await weft::copy(plain, out);
//
//   weft::EncodingWriter packed(weft::Coding::gzip, socket);
//   co_await weft::copy(source, packed);
//   co_await packed.finish();                                       // without it, it is truncated
//
// An lvalue is borrowed, an rvalue moves in. One task at a time uses an object, which must not be
// moved while an operation is under way.
#pragma once

#include <weft/compression/codec.hpp>
#include <weft/io.hpp>
#include <weft/task.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// The part of a DecodingReader that does not depend on its reader.
class DecodingBuffer {
 public:
  static constexpr std::size_t capacity = std::size_t{16} * 1024;
  DecodingBuffer(Coding coding, DecodeLimits limits) : decoder_(coding, limits) {}

  /// Decodes from what is there. 0: more input is needed, or it has ended. Throws IoError.
  [[nodiscard]] std::size_t decode(std::span<std::byte> to);
  /// The room for more input. Precondition: decode() has given 0.
  [[nodiscard]] std::span<std::byte> room();
  /// Takes `size` bytes in room(); 0: the input has ended. Throws IoError if it is truncated.
  void commit(std::size_t size);
  [[nodiscard]] bool ended() const noexcept { return ended_; }

 private:
  Decoder decoder_;
  std::unique_ptr<std::byte[]> memory_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;
};

/// A ByteReader of what another one gives compressed.
template <class R>
  requires ByteReader<std::remove_reference_t<R>>
class DecodingReader {
 public:
  DecodingReader(Coding coding, R&& reader, DecodeLimits limits = {})
      : reader_(std::forward<R>(reader)), buffer_(coding, limits) {}

  /// Reads decoded bytes. 0: the end of the stream, which was complete. Errors: the reader's;
  /// IoError with CompressionErrc: truncated if the inner stream ends before the coding does.
  /// Cancel: nothing is lost.
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> to) {
    if (to.empty()) co_return 0;
    for (;;) {
      const std::size_t made = buffer_.decode(to);
      if (made != 0 || buffer_.ended()) co_return made;
      const std::size_t size = co_await reader_.read(buffer_.room());
      buffer_.commit(size);
    }
  }
  [[nodiscard]] std::remove_reference_t<R>& inner() noexcept { return reader_; }
  [[nodiscard]] const std::remove_reference_t<R>& inner() const noexcept { return reader_; }

 private:
  R reader_;  // an object or a reference
  DecodingBuffer buffer_;
};

template <class R>
DecodingReader(Coding, R&&) -> DecodingReader<R>;
template <class R>
DecodingReader(Coding, R&&, DecodeLimits) -> DecodingReader<R>;

/// A ByteWriter whose bytes another one gets compressed.
template <class W>
  requires ByteWriter<std::remove_reference_t<W>>
class EncodingWriter {
 public:
  static constexpr std::size_t most_taken = std::size_t{64} * 1024;

  EncodingWriter(Coding coding, W&& writer, std::optional<int> level = std::nullopt)
      : writer_(std::forward<W>(writer)), encoder_(coding, level) {}

  /// Passes on what is compressed already, then takes bytes of `data`, at most most_taken. Errors:
  /// the writer's. Cancel: none was taken.
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data) {
    co_await drain();
    const std::span<const std::byte> part = data.first(std::min(data.size(), most_taken));
    encoder_.write(part, pending_);
    co_return part.size();
  }
  /// Sends all that was taken. Cancel: what is not sent stays.
  [[nodiscard]] Task<void> flush() {
    co_await drain();
    encoder_.flush(pending_);
    co_await drain();
    if constexpr (requires(std::remove_reference_t<W>& writer) { writer.flush(); }) {
      co_await writer_.flush();
    }
  }
  /// Ends the stream, and sends all of it. Cancel: call it again. Nothing is written afterwards.
  [[nodiscard]] Task<void> finish() {
    co_await drain();
    if (!std::exchange(finished_, true)) encoder_.finish(pending_);
    co_await drain();
    if constexpr (requires(std::remove_reference_t<W>& writer) { writer.flush(); }) {
      co_await writer_.flush();
    }
  }
  [[nodiscard]] std::remove_reference_t<W>& inner() noexcept { return writer_; }

 private:
  Task<void> drain() {
    while (sent_ < pending_.size()) {
      const auto rest = std::as_bytes(std::span(std::string_view(pending_).substr(sent_)));
      const std::size_t size = co_await writer_.write(rest);
      if (size == 0) throw IoError(IoErrc::nothing_written, "write", "compressed stream");
      sent_ += std::min(size, rest.size());
    }
    pending_.clear();
    sent_ = 0;
  }

  W writer_;  // an object or a reference
  Encoder encoder_;
  std::string pending_;
  std::size_t sent_ = 0;
  bool finished_ = false;
};

template <class W>
EncodingWriter(Coding, W&&) -> EncodingWriter<W>;
template <class W>
EncodingWriter(Coding, W&&, std::optional<int>) -> EncodingWriter<W>;

}  // namespace weft::inline v0_1
