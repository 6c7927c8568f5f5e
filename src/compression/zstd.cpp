// zstd, by its own library.
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <bit>
#include <new>

#include "compression/machine.hpp"

namespace weft::inline v0_1 {
namespace {

class ZstdEncoder final : public Encoder::Machine {
 public:
  explicit ZstdEncoder(int level) : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
    // RFC 9659: a client bears 8 MiB.
    if (level > 15) ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, 23);
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }

  void encode(std::span<const std::byte> data, End end, std::string& out) override {
    const ZSTD_EndDirective directive = end == End::none    ? ZSTD_e_continue
                                        : end == End::flush ? ZSTD_e_flush
                                                            : ZSTD_e_end;
    ZSTD_inBuffer in = {data.data(), data.size(), 0};
    std::array<char, 16 * 1024> buffer;
    for (;;) {
      ZSTD_outBuffer to = {buffer.data(), buffer.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context_, &to, &in, directive);
      if (ZSTD_isError(left)) throw std::bad_alloc();  // of what was set up, nothing else fails
      out.append(buffer.data(), to.pos);
      if (end == End::none ? in.pos == in.size : left == 0) return;
    }
  }

 private:
  ZSTD_CCtx* context_;
};

class ZstdDecoder final : public Decoder::Machine {
 public:
  explicit ZstdDecoder(std::uint64_t max_window) : context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
    const int log = static_cast<int>(std::bit_width(std::max<std::uint64_t>(max_window, 1))) - 1;
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, std::clamp(log, 10, 27));
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }

  Decoder::Step step(std::span<const std::byte> in, std::span<std::byte> out) override {
    if (ended_ && in.empty()) return {};
    ZSTD_inBuffer from = {in.data(), in.size(), 0};
    ZSTD_outBuffer to = {out.data(), out.size(), 0};
    const std::size_t left = ZSTD_decompressStream(context_, &to, &from);
    if (ZSTD_isError(left)) refuse(ZSTD_getErrorCode(left));
    // Several frames are one text (RFC 8878, 3.1).
    if (from.pos != 0 || to.pos != 0) ended_ = left == 0;
    return {from.pos, to.pos};
  }
  [[nodiscard]] bool ended() const noexcept override { return ended_; }

 private:
  [[noreturn]] static void refuse(ZSTD_ErrorCode why) {
    if (why == ZSTD_error_memory_allocation) throw std::bad_alloc();
    refuse_data(why == ZSTD_error_frameParameter_windowTooLarge ? CompressionErrc::window_too_large
                                                                : CompressionErrc::malformed);
  }

  ZSTD_DCtx* context_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Encoder::Machine> zstd_encoder(int level) {
  return std::make_unique<ZstdEncoder>(level);
}
std::unique_ptr<Decoder::Machine> zstd_decoder(std::uint64_t max_window) {
  return std::make_unique<ZstdDecoder>(max_window);
}

}  // namespace weft::inline v0_1
