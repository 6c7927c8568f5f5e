#include "tls/wire.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weft::inline v0_1::tls {

void RecordTracker::pass(std::span<const std::byte> bytes) noexcept {
  const std::size_t more = std::min(header_size - begun_, bytes.size());
  std::ranges::copy(bytes.first(more), beginning_.begin() + static_cast<std::ptrdiff_t>(begun_));
  begun_ += more;
  while (!bytes.empty()) {
    if (left_ != 0) {
      const std::size_t of_body = std::min(left_, bytes.size());
      left_ -= of_body;
      bytes = bytes.subspan(of_body);
      continue;
    }
    bytes_[header_++] = bytes.front();
    bytes = bytes.subspan(1);
    if (header_ < header_size) continue;
    header_ = 0;
    left_ = std::to_integer<std::size_t>(bytes_[3]) * 256 + std::to_integer<std::size_t>(bytes_[4]);
  }
}

void Wire::feed(InputBuffer buffer, std::size_t size) {
  if (size == 0) return;
  in_.reserve(in_.size() + 1);
  records_.pass(buffer.span().first(size));
  in_.push_back(Piece{std::move(buffer), 0, size});
}

std::size_t Wire::take(std::span<std::byte> to) noexcept {
  std::size_t taken = 0;
  while (!in_.empty() && taken < to.size()) {
    Piece& first = in_.front();
    const std::size_t size = std::min(first.end - first.begin, to.size() - taken);
    std::memcpy(to.data() + taken, first.buffer.bytes.get() + first.begin, size);
    taken += size;
    first.begin += size;
    // An idle connection holds no buffer.
    if (first.begin == first.end) in_.erase(in_.begin());
  }
  return taken;
}

void Wire::put(std::span<const std::byte> bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

namespace {

Wire& wire_of(BIO* bio) noexcept { return *static_cast<Wire*>(BIO_get_data(bio)); }

int read_from_wire(BIO* bio, char* buffer, std::size_t size, std::size_t* done) {
  BIO_clear_retry_flags(bio);
  // SAFETY: std::byte may alias anything.
  *done = wire_of(bio).take({reinterpret_cast<std::byte*>(buffer), size});
  if (*done != 0) return 1;
  // Never the end: whether the stream was truncated is decided by the Engine.
  BIO_set_retry_read(bio);
  return -1;
}

int write_to_wire(BIO* bio, const char* data, std::size_t size, std::size_t* done) {
  BIO_clear_retry_flags(bio);
  try {
    // SAFETY: std::byte may alias anything.
    wire_of(bio).put({reinterpret_cast<const std::byte*>(data), size});
  } catch (const std::bad_alloc&) {
    wire_of(bio).lack_memory();
    return -1;
  }
  *done = size;
  return 1;
}

long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

MethodOwner make_method() {
  MethodOwner method(checked(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft")));
  BIO_meth_set_read_ex(method.get(), &read_from_wire);
  BIO_meth_set_write_ex(method.get(), &write_to_wire);
  BIO_meth_set_ctrl(method.get(), &control);
  return method;
}

}  // namespace

BioOwner bio_over(Wire& wire) {
  static const MethodOwner method = make_method();
  BioOwner bio(checked(BIO_new(method.get())));
  BIO_set_data(bio.get(), &wire);
  BIO_set_init(bio.get(), 1);
  return bio;
}

}  // namespace weft::inline v0_1::tls
