#include <weft/compression/codec.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "compression/machine.hpp"

namespace weft::inline v0_1 {
namespace {

constexpr std::uint64_t kRatioFrom = 1024 * 1024;  // decoded bytes

struct Known {
  std::string_view name;
  int level;  // for a server's responses
  int most;
};
constexpr std::array<Known, 4> kCodings = {
    {{"gzip", 6, 9}, {"deflate", 6, 9}, {"br", 4, 11}, {"zstd", 3, 19}}};

[[nodiscard]] bool same_text(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? x + 32 : x) == (y >= 'A' && y <= 'Z' ? y + 32 : y);
  });
}

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "compression"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<CompressionErrc>(code)) {
      case CompressionErrc::malformed:
        return "malformed compressed data";
      case CompressionErrc::truncated:
        return "compressed data ends in the middle";
      case CompressionErrc::too_large:
        return "decompressed data exceeds its limit";
      case CompressionErrc::ratio_too_large:
        return "data is compressed more than its limit allows";
      case CompressionErrc::window_too_large:
        return "compressed data needs more memory than its limit allows";
    }
    return "unknown error";
  }
};

[[nodiscard]] std::unique_ptr<Encoder::Machine> encoder_of(Coding coding,
                                                           std::optional<int> level) {
  const Known& known = kCodings[static_cast<std::size_t>(coding)];
  const int chosen = level.value_or(known.level);
  if (chosen < 1 || chosen > known.most) {
    throw std::invalid_argument("weft::Encoder: level " + std::to_string(chosen) + " of " +
                                std::string(known.name));
  }
  if (coding == Coding::brotli) return brotli_encoder(chosen);
  if (coding == Coding::zstd) return zstd_encoder(chosen);
  return zlib_encoder(coding, chosen);
}

[[nodiscard]] std::unique_ptr<Decoder::Machine> decoder_of(Coding coding,
                                                           const DecodeLimits& limits) {
  if (coding == Coding::brotli) return brotli_decoder();
  if (coding == Coding::zstd) return zstd_decoder(limits.max_window);
  return zlib_decoder(coding);
}

}  // namespace

std::string_view to_string(Coding coding) noexcept {
  return kCodings[static_cast<std::size_t>(coding)].name;
}

std::optional<Coding> coding_from(std::string_view name) noexcept {
  if (same_text(name, "x-gzip")) return Coding::gzip;
  for (std::size_t i = 0; i < kCodings.size(); ++i) {
    if (same_text(name, kCodings[i].name)) return static_cast<Coding>(i);
  }
  return std::nullopt;
}

const std::error_category& compression_category() noexcept {
  static const Category category;
  return category;
}

Encoder::Encoder(Coding coding, std::optional<int> level) : machine_(encoder_of(coding, level)) {}
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;
Encoder::~Encoder() = default;

void Encoder::write(std::span<const std::byte> data, std::string& out) {
  machine_->encode(data, Machine::End::none, out);
}
void Encoder::flush(std::string& out) { machine_->encode({}, Machine::End::flush, out); }
void Encoder::finish(std::string& out) { machine_->encode({}, Machine::End::finish, out); }

Decoder::Decoder(Coding coding, DecodeLimits limits)
    : machine_(decoder_of(coding, limits)), limits_(limits) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

Decoder::Step Decoder::step(std::span<const std::byte> in, std::span<std::byte> out) {
  const Step done = machine_->step(in, out);
  taken_ += done.taken;
  made_ += done.made;
  if (made_ > limits_.max_size) refuse_data(CompressionErrc::too_large);
  if (made_ > kRatioFrom && made_ / limits_.max_ratio > taken_) {
    refuse_data(CompressionErrc::ratio_too_large);
  }
  return done;
}

void Decoder::finish() const {
  if (!machine_->ended()) refuse_data(CompressionErrc::truncated);
}

std::string compress_text(Coding coding, std::string_view text, std::optional<int> level) {
  Encoder encoder(coding, level);
  std::string packed;
  encoder.write(std::as_bytes(std::span(text)), packed);
  encoder.finish(packed);
  return packed;
}

std::string decompress_text(Coding coding, std::string_view packed, const DecodeLimits& limits) {
  Decoder decoder(coding, limits);
  std::string text;
  std::array<std::byte, 16 * 1024> buffer;
  auto rest = std::as_bytes(std::span(packed));
  for (;;) {
    const Decoder::Step done = decoder.step(rest, buffer);
    rest = rest.subspan(done.taken);
    text.append(reinterpret_cast<const char*>(buffer.data()), done.made);
    if (done.made == 0 && rest.empty()) break;
    if (done.made == 0 && done.taken == 0) refuse_data(CompressionErrc::malformed);
  }
  decoder.finish();
  return text;
}

}  // namespace weft::inline v0_1
