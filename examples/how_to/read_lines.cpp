// A server of lines: commands with a limit, a timeout for each, and answers that go out together.
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [serve]
/// Answers each line. Works over a StreamSocket, a pipe, a stream in memory: whatever has bytes.
template <weft::ByteStream Stream>
weft::Task<void> serve(Stream stream) {
  weft::BufferedReader lines{weft::BufferedWriter(std::move(stream))};
  weft::LineOptions options;
  options.limit(100).require_delimiter();
  for (;;) {
    const auto line = co_await weft::attempt(weft::timeout(lines.read_line(options), 30s));
    if (!line) {
      std::printf("served: %s\n", line.error().what());
      break;
    }
    if (!*line) break;  // the peer has ended
    co_await lines.write_all("you said: " + **line + "\n");
    // While more commands are at hand, their answers wait to go out together.
    if (!lines.has_line()) co_await lines.flush();
  }
  co_await lines.shutdown();
}
// [/serve]

// [lines]
/// Waits for each line for a while, and goes on where the last wait has stopped.
template <weft::ByteReader Reader>
weft::Task<void> print_lines(Reader& from) {
  weft::BufferedReader reader(from);
  weft::Lines lines = reader.lines();
  for (;;) {
    const auto line = co_await weft::attempt(weft::timeout(lines.next(), 50ms));
    if (!line) {
      std::printf("(nothing yet)\n");  // half a line stays in the reader
    } else if (*line) {
      std::printf("%s\n", (*line)->c_str());
    } else {
      break;
    }
  }
}
// [/lines]

weft::Task<void> slow_client(weft::DuplexEnd& server) {
  co_await server.write_all("first\nsec");
  co_await weft::sleep_for(80ms);
  co_await server.write_all("ond\nDELETE eve");
  static_cast<void>(server.shutdown());  // in the middle of a command
}

weft::Task<void> program() {
  auto [client, server] = weft::duplex(4096);
  auto serving = weft::spawn(serve<weft::DuplexEnd>, std::move(server));
  co_await weft::when_all(slow_client(client), print_lines(client));
  co_await std::move(serving);
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
