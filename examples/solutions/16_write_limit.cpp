// Solution to exercise 2 of chapter 16: a client that says much and reads nothing is sent away, and
// the test that shows it.
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

namespace {

// [session]
/// Answers each line, until the client ends, or takes nothing for `limit`.
template <weft::ByteStream S>
weft::Task<void> session(S stream, weft::Nanoseconds limit) {
  weft::BufferedReader reader(stream);
  for (;;) {
    const auto line = co_await weft::timeout(reader.read_line(64), 5min, "a line");
    if (!line) co_return;
    const std::string answer = "you said " + *line + "\n";
    co_await weft::timeout(weft::write_all(stream, answer), limit, "the client to read");
  }
}
// [/session]

// [test]
/// Says lines until the session ends, and reads no answer.
weft::Task<void> say_and_never_read(weft::Nanoseconds limit) {
  const weft::TimePoint start = weft::now();
  weft::Duplex ends = weft::duplex(64);
  auto serving = weft::spawn(session<weft::DuplexEnd>, std::move(ends.a), limit);
  auto say = [&]() -> weft::Task<void> {
    for (;;) co_await ends.b.write_all("hello\n");
  };
  // An hour of the runtime's clock stands for "never".
  const auto said = co_await weft::attempt(weft::timeout(say(), 1h));
  const auto after = std::chrono::round<std::chrono::seconds>(weft::now() - start);
  std::printf("after %4d s: %s\n", static_cast<int>(after.count()),
              said.error().code().message().c_str());
  serving.cancel();
  const auto end = co_await std::move(serving).outcome();
  std::printf("the session %s\n", end.failed() ? "has given up" : "was still there");
}
// [/test]

weft::Task<void> tests() {
  co_await say_and_never_read(weft::Nanoseconds::max());
  co_await say_and_never_read(10s);
}

}  // namespace

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;
  weft::Runtime runtime(options);
  runtime.block_on(tests());
}
