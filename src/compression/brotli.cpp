// brotli, by its own library.
#include <brotli/decode.h>
#include <brotli/encode.h>

#include <new>

#include "compression/machine.hpp"

namespace weft::inline v0_1 {
namespace {

class BrotliEncoder final : public Encoder::Machine {
 public:
  explicit BrotliEncoder(int level)
      : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<std::uint32_t>(level));
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, 19);  // 512 KiB: of a connection
  }
  ~BrotliEncoder() override { BrotliEncoderDestroyInstance(state_); }

  void encode(std::span<const std::byte> data, End end, std::string& out) override {
    const BrotliEncoderOperation operation = end == End::none    ? BROTLI_OPERATION_PROCESS
                                             : end == End::flush ? BROTLI_OPERATION_FLUSH
                                                                 : BROTLI_OPERATION_FINISH;
    std::size_t left = data.size();
    const auto* next = reinterpret_cast<const std::uint8_t*>(data.data());
    do {
      std::size_t room = 0;
      std::uint8_t* none = nullptr;
      if (!BrotliEncoderCompressStream(state_, operation, &left, &next, &room, &none, nullptr)) {
        throw std::bad_alloc();
      }
      std::size_t made = 0;  // all that there is
      const std::uint8_t* const bytes = BrotliEncoderTakeOutput(state_, &made);
      if (made != 0) out.append(reinterpret_cast<const char*>(bytes), made);
    } while (left != 0 || BrotliEncoderHasMoreOutput(state_));
  }

 private:
  BrotliEncoderState* state_;
};

class BrotliDecoder final : public Decoder::Machine {
 public:
  BrotliDecoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
  }
  ~BrotliDecoder() override { BrotliDecoderDestroyInstance(state_); }

  Decoder::Step step(std::span<const std::byte> in, std::span<std::byte> out) override {
    if (ended()) {
      if (!in.empty()) refuse_data(CompressionErrc::malformed);
      return {};
    }
    std::size_t left = in.size();
    std::size_t room = out.size();
    const auto* from = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* to = reinterpret_cast<std::uint8_t*>(out.data());
    const auto result = BrotliDecoderDecompressStream(state_, &left, &from, &room, &to, nullptr);
    if (result == BROTLI_DECODER_RESULT_ERROR) {
      const BrotliDecoderErrorCode why = BrotliDecoderGetErrorCode(state_);
      if (why <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
          why >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES) {
        throw std::bad_alloc();
      }
      refuse_data(CompressionErrc::malformed);
    }
    return {in.size() - left, out.size() - room};
  }
  [[nodiscard]] bool ended() const noexcept override {
    return BrotliDecoderIsFinished(state_) != BROTLI_FALSE;
  }

 private:
  BrotliDecoderState* state_;
};

}  // namespace

std::unique_ptr<Encoder::Machine> brotli_encoder(int level) {
  return std::make_unique<BrotliEncoder>(level);
}
std::unique_ptr<Decoder::Machine> brotli_decoder() { return std::make_unique<BrotliDecoder>(); }

}  // namespace weft::inline v0_1
