#include <weft/tls/stream_io.hpp>

#include <algorithm>

namespace weft::inline v0_1::tls {

bool StreamState::has_to_send() {
  if (broken) throw IoError(broken, "write", engine.peer());
  if (sent < sending.size()) return true;
  sending = engine.take_output();
  sent = 0;
  return !sending.empty();
}

void StreamState::received(InputBuffer buffer, std::size_t size) {
  if (size == 0) {
    engine.feed_end();
    return;
  }
  const std::size_t room = buffer.room;
  engine.feed(std::move(buffer), size);
  if (size == room) {
    input_size = std::min(std::max(input_size, room) * 4, most_input);
  } else if (size < input_size / 4) {
    input_size = std::max(input_size / 4, least_input);
  }
}

}  // namespace weft::inline v0_1::tls
