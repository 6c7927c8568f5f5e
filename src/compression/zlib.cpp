// gzip and deflate, by zlib.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include "compression/machine.hpp"

namespace weft::inline v0_1 {
namespace {

constexpr int kGzipWindow = 15 + 16;
constexpr int kZlibWindow = 15;
constexpr int kRawWindow = -15;

void set_input(z_stream& stream, std::span<const std::byte> in) noexcept {
  // SAFETY: zlib only reads its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
  stream.avail_in =
      static_cast<uInt>(std::min<std::size_t>(in.size(), std::numeric_limits<uInt>::max()));
}

class ZlibEncoder final : public Encoder::Machine {
 public:
  ZlibEncoder(Coding coding, int level) {
    const int window = coding == Coding::gzip ? kGzipWindow : kZlibWindow;
    if (deflateInit2(&stream_, level, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~ZlibEncoder() override { deflateEnd(&stream_); }

  void encode(std::span<const std::byte> data, End end, std::string& out) override {
    const int mode = end == End::none ? Z_NO_FLUSH : end == End::flush ? Z_SYNC_FLUSH : Z_FINISH;
    std::array<Bytef, 16 * 1024> buffer;
    do {
      set_input(stream_, data);
      const std::size_t given = stream_.avail_in;
      do {
        stream_.next_out = buffer.data();
        stream_.avail_out = static_cast<uInt>(buffer.size());
        deflate(&stream_, mode);
        const std::size_t made = buffer.size() - stream_.avail_out;
        out.append(reinterpret_cast<const char*>(buffer.data()), made);
      } while (stream_.avail_out == 0);
      data = data.subspan(given - stream_.avail_in);
    } while (!data.empty());
  }

 private:
  z_stream stream_ = {};
};

class ZlibDecoder final : public Decoder::Machine {
 public:
  explicit ZlibDecoder(Coding coding) : gzip_(coding == Coding::gzip) {
    if (inflateInit2(&stream_, gzip_ ? kGzipWindow : kZlibWindow) != Z_OK) throw std::bad_alloc();
    begun_ = gzip_;
  }
  ~ZlibDecoder() override { inflateEnd(&stream_); }

  Decoder::Step step(std::span<const std::byte> in, std::span<std::byte> out) override {
    Decoder::Step done;
    if (!begun_) {
      done.taken = begin(in);
      in = in.subspan(done.taken);
      if (!begun_) return done;
      if (head_size_ != 0) {
        const auto head = std::as_bytes(std::span(head_).first(head_size_));
        head_size_ = 0;
        inflate_some(head, out);  // two bytes make none
      }
    }
    const Decoder::Step more = inflate_some(in, out);
    return {done.taken + more.taken, more.made};
  }
  [[nodiscard]] bool ended() const noexcept override { return ended_; }

 private:
  /// Decides by the first two bytes whether deflate has its frame (RFC 1950, 2.2).
  std::size_t begin(std::span<const std::byte> in) {
    std::size_t taken = 0;
    while (head_size_ < 2 && taken < in.size()) {
      head_[head_size_++] = std::to_integer<unsigned char>(in[taken++]);
    }
    if (head_size_ < 2) return taken;
    const bool framed = (head_[0] & 15U) == 8 && (head_[0] * 256U + head_[1]) % 31 == 0;
    if (!framed) inflateReset2(&stream_, kRawWindow);
    begun_ = true;
    return taken;
  }

  Decoder::Step inflate_some(std::span<const std::byte> in, std::span<std::byte> out) {
    if (ended_) {
      if (in.empty()) return {};
      // RFC 1952, 2.2: several members are one text.
      if (!gzip_) refuse_data(CompressionErrc::malformed);
      inflateReset(&stream_);
      ended_ = false;
    }
    set_input(stream_, in);
    const std::size_t given = stream_.avail_in;
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out =
        static_cast<uInt>(std::min<std::size_t>(out.size(), std::numeric_limits<uInt>::max()));
    const std::size_t room = stream_.avail_out;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      refuse_data(CompressionErrc::malformed);
    }
    ended_ = result == Z_STREAM_END;
    return {given - stream_.avail_in, room - stream_.avail_out};
  }

  z_stream stream_ = {};
  bool gzip_;
  bool begun_ = false;
  bool ended_ = false;
  std::array<unsigned char, 2> head_ = {};
  std::size_t head_size_ = 0;
};

}  // namespace

std::unique_ptr<Encoder::Machine> zlib_encoder(Coding coding, int level) {
  return std::make_unique<ZlibEncoder>(coding, level);
}
std::unique_ptr<Decoder::Machine> zlib_decoder(Coding coding) {
  return std::make_unique<ZlibDecoder>(coding);
}

}  // namespace weft::inline v0_1
