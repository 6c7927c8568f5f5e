// http::Body: what a message carries: a text in memory, or a producer that makes it while it is
// sent. Part of <weft/http.hpp>. Readers and writers of bodies: <weft/http/body_reader.hpp> and
// <weft/http/body_writer.hpp>.
//
// A producer is one of these:
//
// - a callable that takes a BodyWriter&, and gives something to await;
// - a stream of texts or bytes (<weft/stream.hpp>), such as an AsyncGenerator<std::string>: each
//   item is sent at once, as one chunk;
// - a ByteReader: a File, a StreamSocket, another message's BodyReader. It is copied to its end.
//
// A part of a file goes by StreamedBody::file(), which copies nothing where the system can do so.
//
// It runs on the task of the connection when the head was made, and is cancelled when the peer has
// left. What it throws ends the connection, so that the peer sees that the body is not complete. An
// rvalue moves in; what it refers to must live until the message was sent.
#pragma once

#include <weft/bytes.hpp>
#include <weft/http/body_reader.hpp>
#include <weft/http/body_writer.hpp>
#include <weft/io.hpp>
#include <weft/stream.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::http {

/// Makes a body. The base of what StreamedBody holds.
class BodyProducer {
 public:
  BodyProducer() = default;
  explicit BodyProducer(std::optional<std::uint64_t> length) noexcept : length_(length) {}
  BodyProducer(const BodyProducer&) = delete;
  BodyProducer& operator=(const BodyProducer&) = delete;
  virtual ~BodyProducer() = default;
  /// Writes the whole body. Called once for each message that is sent; `out` lives until it has
  /// ended. Cancel: the message is given up.
  [[nodiscard]] virtual Task<void> produce(BodyWriter& out) = 0;
  /// Returns the number of bytes that it makes, if that is known before.
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept { return length_; }

 private:
  std::optional<std::uint64_t> length_;
};

/// What has bytes that can be written.
template <class T>
concept BodyChunk = std::convertible_to<const T&, std::string_view> ||
                    std::convertible_to<const T&, std::span<const std::byte>>;
/// A callable that writes a body.
template <class P>
concept BodyFunction = requires(P& producer, BodyWriter& out) {
  { producer(out) } -> Awaitable;
};
/// A stream of what has bytes.
template <class P>
concept BodyItems = Stream<P> && BodyChunk<std::remove_cvref_t<StreamElement<P>>>;

/// See the top of this header.
template <class P>
concept BodyProducible = BodyFunction<P> || BodyItems<P> || ByteReader<P>;

template <BodyProducible P>
class BodyProducerOf final : public BodyProducer {
 public:
  BodyProducerOf(P producer, std::optional<std::uint64_t> length)
      : BodyProducer(length), producer_(std::move(producer)) {}
  [[nodiscard]] Task<void> produce(BodyWriter& out) override {
    if constexpr (BodyFunction<P>) {
      return as_task(producer_(out));
    } else if constexpr (BodyItems<P>) {
      return write_items(producer_, out);
    } else {
      return write_read(producer_, out);
    }
  }

 private:
  static Task<void> write_items(P& items, BodyWriter& out) {
    for (;;) {
      auto item = co_await items.next();
      if (!item) co_return;
      co_await out.write_all(bytes_of_chunk(*item));
      co_await out.flush();
    }
  }
  template <BodyChunk T>
  [[nodiscard]] static std::span<const std::byte> bytes_of_chunk(const T& chunk) noexcept {
    if constexpr (std::convertible_to<const T&, std::string_view>) {
      return bytes_of(std::string_view(chunk));
    } else {
      return chunk;
    }
  }
  static Task<void> write_read(P& reader, BodyWriter& out) { co_await copy(reader, out); }

  P producer_;
};

/// A body that is made while it is sent. Copies share the producer, which a message uses once: so
/// only one of them is sent, unless the producer is a callable that may be called again.
class StreamedBody {
 public:
  StreamedBody() noexcept = default;
  /// `length`: the number of bytes, for Content-Length; the producer must then make exactly as
  /// many. Null: not known.
  template <class P>
    requires(!std::same_as<std::remove_cvref_t<P>, StreamedBody> && BodyProducible<std::decay_t<P>>)
  explicit StreamedBody(P&& producer, std::optional<std::uint64_t> length = std::nullopt)
      : producer_(
            std::make_shared<BodyProducerOf<std::decay_t<P>>>(std::forward<P>(producer), length)) {}
  explicit StreamedBody(std::shared_ptr<BodyProducer> producer) noexcept
      : producer_(std::move(producer)) {}
  /// Returns a body of `size` bytes of a file, from `offset` on, which is sent by sendfile(2) where
  /// that is possible: see BodyWriter::write_file(). It may be sent several times. If the file
  /// turns out to be shorter, the message is not completed, and the peer sees that.
  [[nodiscard]] static StreamedBody file(File file, std::uint64_t offset, std::uint64_t size);

  /// Returns whether there is a producer.
  [[nodiscard]] explicit operator bool() const noexcept { return producer_ != nullptr; }
  /// Returns the number of bytes, if it is known before the body is made.
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept {
    return producer_ != nullptr ? producer_->length() : std::nullopt;
  }
  /// Writes the body. Precondition: there is a producer, which stays until this has ended.
  [[nodiscard]] Task<void> produce(BodyWriter& out) const { return producer_->produce(out); }
  void reset() noexcept { producer_.reset(); }

 private:
  std::shared_ptr<BodyProducer> producer_;
};

/// A text in memory, or a StreamedBody.
class Body {
 public:
  Body() noexcept = default;
  // NOLINTBEGIN(google-explicit-constructor): what makes a body is one
  Body(std::string text) noexcept : text_(std::move(text)) {}
  Body(std::string_view text) : text_(text) {}
  Body(const char* text) : text_(text) {}
  Body(StreamedBody streamed) noexcept : streamed_(std::move(streamed)) {}
  template <class P>
    requires(!std::same_as<std::remove_cvref_t<P>, Body> && BodyProducible<std::decay_t<P>> &&
             !BodyChunk<std::decay_t<P>>)
  Body(P&& producer, std::optional<std::uint64_t> length = std::nullopt)
      : streamed_(std::forward<P>(producer), length) {}
  // NOLINTEND(google-explicit-constructor)

  /// See StreamedBody::file().
  [[nodiscard]] static Body file(File file, std::uint64_t offset, std::uint64_t size);
  [[nodiscard]] bool is_streamed() const noexcept { return static_cast<bool>(streamed_); }
  /// Returns the text; empty if it is streamed.
  [[nodiscard]] std::string& text() noexcept { return text_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] StreamedBody& streamed() noexcept { return streamed_; }
  [[nodiscard]] const StreamedBody& streamed() const noexcept { return streamed_; }
  /// Returns the size, if it is known before the body is made.
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept {
    return is_streamed() ? streamed_.length() : std::optional<std::uint64_t>(text_.size());
  }

 private:
  std::string text_;
  StreamedBody streamed_;
};

}  // namespace weft::inline v0_1::http
