// Encoder and Decoder: gzip, deflate (zlib), brotli and zstd behind one interface, in memory. Part
// of <weft/compression.hpp>. Over readers and writers: <weft/compression/streams.hpp>. In HTTP:
// <weft/compression/http.hpp>. One thread at a time uses an object.
//
//   std::string packed = weft::compress_text(weft::Coding::gzip, page);
//   std::string page = weft::decompress_text(weft::Coding::gzip, packed);
#pragma once

#include <weft/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace weft::inline v0_1 {

/// The content codings of HTTP (RFC 9110, 8.4.1; RFC 7932; RFC 8878).
enum class Coding : std::uint8_t {
  gzip,     ///< RFC 1952
  deflate,  ///< RFC 1950; without its frame (RFC 1951) it is decoded, too, as some servers send it
  brotli,   ///< RFC 7932
  zstd      ///< RFC 8878
};
/// Returns the name that HTTP has: "gzip", "deflate", "br", "zstd".
[[nodiscard]] std::string_view to_string(Coding coding) noexcept;
/// Returns the coding of that name, in any case; also "x-gzip".
[[nodiscard]] std::optional<Coding> coding_from(std::string_view name) noexcept;

/// Why data cannot be decoded.
enum class CompressionErrc : std::uint8_t {
  malformed = 1,    ///< not what the coding allows, a wrong checksum, or data behind its end
  truncated,        ///< it ends in the middle
  too_large,        ///< more decoded bytes than DecodeLimits::max_size
  ratio_too_large,  ///< more decoded bytes for each one than DecodeLimits::max_ratio
  window_too_large  ///< it needs more memory than DecodeLimits::max_window
};
/// The category of CompressionErrc; its name is "compression".
[[nodiscard]] const std::error_category& compression_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(CompressionErrc code) noexcept {
  return {static_cast<int>(code), compression_category()};
}

/// What a decoder bears, against data that is made to exhaust its reader.
struct DecodeLimits {
  std::uint64_t max_size = std::uint64_t{64} * 1024 * 1024;  ///< decoded bytes
  /// Decoded bytes for each encoded one, once 1 MiB is decoded. Text seldom exceeds 30.
  std::uint64_t max_ratio = 200;
  /// Bytes of memory for what is referred back to, of zstd. RFC 8878 asks for 8 MiB.
  std::uint64_t max_window = std::uint64_t{8} * 1024 * 1024;
};

/// Compresses a stream of bytes.
class Encoder {
 public:
  /// `level`: 1 to 9, of zstd to 19, of brotli to 11; null: one that suits a server's responses.
  /// Throws std::invalid_argument for another one; std::bad_alloc.
  explicit Encoder(Coding coding, std::optional<int> level = std::nullopt);
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;
  ~Encoder();

  /// Takes `data`, and appends to `out` what is ready. Precondition: finish() was not called.
  void write(std::span<const std::byte> data, std::string& out);
  /// Appends all that was taken, so that a decoder can give it.
  void flush(std::string& out);
  /// Ends the stream.
  void finish(std::string& out);

  class Machine;

 private:
  std::unique_ptr<Machine> machine_;
};

/// Decompresses a stream of bytes.
class Decoder {
 public:
  explicit Decoder(Coding coding, DecodeLimits limits = {});
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  struct Step {
    std::size_t taken = 0;  ///< bytes of the input
    std::size_t made = 0;   ///< bytes of the output
  };
  /// Decodes from `in` to `out` until one of them is used up. Throws std::system_error with
  /// CompressionErrc; the bytes that were made before an error are lost. After that it cannot be
  /// used any more.
  [[nodiscard]] Step step(std::span<const std::byte> in, std::span<std::byte> out);
  /// Says that there is no more input. Throws std::system_error (CompressionErrc::truncated) if the
  /// stream has not ended. All that was decoded must have been taken before: step() gives 0 bytes.
  void finish() const;

  class Machine;

 private:
  std::unique_ptr<Machine> machine_;
  DecodeLimits limits_;
  std::uint64_t taken_ = 0;
  std::uint64_t made_ = 0;
};

/// Returns `text` compressed.
[[nodiscard]] std::string compress_text(Coding coding, std::string_view text,
                                        std::optional<int> level = std::nullopt);
/// Returns what `packed` says. Throws as Decoder.
[[nodiscard]] std::string decompress_text(Coding coding, std::string_view packed,
                                          const DecodeLimits& limits = {});

}  // namespace weft::inline v0_1

template <>
struct std::is_error_code_enum<weft::CompressionErrc> : std::true_type {};
