// Code that was written to block waits without blocking its thread.
#include <chrono>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [legacy]
/// As such code often is: it parses, calls for more by a callback, and returns when it is done.
class LegacyParser {
 public:
  using ReadMore = std::size_t (*)(void* user, char* buffer, std::size_t size);

  int count_lines(ReadMore read_more, void* user) {
    int lines = 0;
    char buffer[16];
    while (const std::size_t size = read_more(user, buffer, sizeof buffer)) {
      for (const char character : std::string_view(buffer, size)) lines += character == '\n';
    }
    return lines;
  }
};
// [/legacy]

// [fiber]
/// The callback, which the parser calls from its depths: it may wait, as it runs on a fiber.
std::size_t read_from_stream(void* user, char* buffer, std::size_t size) {
  weft::StreamSocket& stream = *static_cast<weft::StreamSocket*>(user);
  return weft::await(stream.read(std::as_writable_bytes(std::span(buffer, size))));
}

/// A task like any other: it can be awaited, spawned, cancelled and given a timeout.
weft::Task<int> count_lines(weft::StreamSocket stream) {
  auto parse = [](weft::StreamSocket source) {
    LegacyParser parser;
    return parser.count_lines(&read_from_stream, &source);
  };
  return weft::fiber(parse, std::move(stream));
}
// [/fiber]

weft::Task<void> send_lines(weft::StreamSocket stream) {
  for (int i = 0; i < 5; ++i) {
    co_await stream.write_all("one more line\n");
    co_await weft::sleep_for(2ms);
  }
}

weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::StreamSocket near = co_await weft::StreamSocket::connect(listener.local_endpoint());
  weft::StreamSocket far = co_await listener.accept();
  auto sending = weft::spawn(send_lines, std::move(near));
  const int lines = co_await weft::timeout(count_lines(std::move(far)), 5s);
  co_await std::move(sending);
  std::printf("%d lines\n", lines);
}

int main() { weft::block_on(program()); }
