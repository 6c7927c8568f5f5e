// What stands behind Encoder and Decoder: a library's stream. One file a library: zlib.cpp,
// brotli.cpp, zstd.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <weft/compression/codec.hpp>

namespace weft::inline v0_1 {

class Encoder::Machine {
 public:
  enum class End : std::uint8_t { none, flush, finish };
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual ~Machine() = default;
  virtual void encode(std::span<const std::byte> data, End end, std::string& out) = 0;
};

class Decoder::Machine {
 public:
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual ~Machine() = default;
  virtual Step step(std::span<const std::byte> in, std::span<std::byte> out) = 0;
  /// Whether the input so far is a whole stream.
  [[nodiscard]] virtual bool ended() const noexcept = 0;
};

[[nodiscard]] std::unique_ptr<Encoder::Machine> zlib_encoder(Coding coding, int level);
[[nodiscard]] std::unique_ptr<Encoder::Machine> brotli_encoder(int level);
[[nodiscard]] std::unique_ptr<Encoder::Machine> zstd_encoder(int level);
[[nodiscard]] std::unique_ptr<Decoder::Machine> zlib_decoder(Coding coding);
[[nodiscard]] std::unique_ptr<Decoder::Machine> brotli_decoder();
[[nodiscard]] std::unique_ptr<Decoder::Machine> zstd_decoder(std::uint64_t max_window);

[[noreturn]] inline void refuse_data(CompressionErrc why) {
  throw std::system_error(make_error_code(why), "decompress");
}

}  // namespace weft::inline v0_1
