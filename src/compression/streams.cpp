#include <weft/compression/streams.hpp>

namespace weft::inline v0_1 {

std::size_t DecodingBuffer::decode(std::span<std::byte> to) try {
  for (;;) {
    const std::span<const std::byte> in(memory_.get() + begin_, end_ - begin_);
    const Decoder::Step done = decoder_.step(in, to);
    begin_ += done.taken;
    if (done.made != 0 || begin_ == end_) return done.made;
    if (done.taken == 0) throw std::system_error(make_error_code(CompressionErrc::malformed));
  }
} catch (const std::system_error& error) {
  throw IoError(error.code(), "decompress");
}

std::span<std::byte> DecodingBuffer::room() {
  if (memory_ == nullptr) memory_ = std::make_unique<std::byte[]>(capacity);
  return {memory_.get(), capacity};
}

void DecodingBuffer::commit(std::size_t size) try {
  begin_ = 0;
  end_ = std::min(size, capacity);
  if (size != 0) return;
  decoder_.finish();
  ended_ = true;
} catch (const std::system_error& error) {
  throw IoError(error.code(), "decompress");
}

}  // namespace weft::inline v0_1
