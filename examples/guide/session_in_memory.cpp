// A session over any stream, and its tests: without a network, and without waiting for the five
// minutes after which a silent client is sent away.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

namespace {

// [session]
using Line = weft::IoResult<std::optional<std::string>>;

/// Answers each line, until the client ends, has said nothing for five minutes, or too much in one
/// line, or the program is to end.
template <weft::ByteStream S>
weft::Task<void> session(S stream, weft::ManualResetEvent& stop) {
  weft::BufferedReader reader(stream);
  for (;;) {
    auto reading = weft::attempt(weft::timeout(reader.read_line(64), 5min));
    weft::Selection<Line, void> first = co_await weft::select(std::move(reading), stop.wait());
    std::string answer = "! the server ends\n";
    bool goes_on = false;
    if (first.has<0>()) {
      const Line line = first.take<0>();
      if (line && !*line) co_return;  // the client has ended
      goes_on = line.has_value();
      if (line) answer = "you said " + **line + "\n";
      if (!line) answer = std::string("! ") + line.error().what() + "\n";
    }
    co_await weft::write_all(stream, answer);
    if (!goes_on) co_return;
  }
}
// [/session]

/// Says all of `text` to a session, and then nothing more. Returns all that the session answers.
weft::Task<std::string> talk(std::string text, std::size_t capacity, weft::Nanoseconds stop_after) {
  weft::Duplex ends = weft::duplex(capacity);
  weft::ManualResetEvent stop;
  auto serving = weft::spawn(session<weft::DuplexEnd>, std::move(ends.a), std::ref(stop));
  auto say = weft::spawn([&]() -> weft::Task<void> {
    co_await ends.b.write_all(text);
    co_await weft::sleep_for(stop_after);
    stop.set();
  });
  weft::BufferedReader answers(ends.b);
  std::string all = co_await answers.read_to_end(1 << 20);
  co_await std::move(serving);
  say.cancel();
  co_await std::move(say).outcome();
  co_return all;
}

void expect(bool holds, const char* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  if (!holds) std::exit(1);
}

// [tests]
weft::Task<void> tests() {
  const weft::TimePoint start = weft::now();
  const std::string whole = co_await talk("one\r\ntwo\n", 4096, 1h);
  expect(whole.starts_with("you said one\nyou said two\n! "), "two lines, and then silence");
  expect(weft::now() - start == 5min, "which took five minutes by the runtime's clock");
  const std::string pieces = co_await talk("one\r\ntwo\n", 1, 1h);
  expect(pieces == whole, "the same a byte at a time");
  const std::string too_long = co_await talk(std::string(65, 'x'), 4096, 1h);
  expect(too_long.starts_with("! read line"), "a line without an end");
  const std::string stopped = co_await talk("one\n", 4096, 1s);
  expect(stopped == "you said one\n! the server ends\n", "a stop after a second");
}
// [/tests]

}  // namespace

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;
  weft::Runtime runtime(options);
  runtime.block_on(tests());
}
