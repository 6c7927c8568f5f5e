// Solution to exercise 1 of chapter 16: a slow member of a room stays, misses lines, and is told
// how many.
#include <chrono>
#include <cstdio>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

namespace {

// [member]
/// Takes lines until the room ends, and says how many it got, and missed.
weft::Task<void> read_slowly(weft::BroadcastReceiver<int> room) {
  int got = 0;
  int missed = 0;
  while (auto line = co_await room.receive()) {
    if (*line) {
      ++got;
      co_await weft::sleep_for(100ms);
    } else {
      missed += static_cast<int>(line->error().count);  // a client would be told this number
    }
  }
  std::printf("got %d, missed %d, in all %d\n", got, missed, got + missed);
}
// [/member]

// [room]
weft::Task<void> speak(int lines) {
  auto [room, receiver] = weft::broadcast<int>(8);
  auto reading = weft::spawn(read_slowly, std::move(receiver));
  const weft::TimePoint start = weft::now();
  weft::Interval every(10ms);
  for (int line = 0; line < lines; ++line) {
    co_await every.tick();
    room.send(line);  // never waits
  }
  const auto took = std::chrono::round<std::chrono::seconds>(weft::now() - start);
  std::printf("all have been said after %d s\n", static_cast<int>(took.count()));
  {
    const auto ended = std::move(room);  // no sender is left: the room ends
  }
  co_await std::move(reading);
}
// [/room]

}  // namespace

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;
  weft::Runtime runtime(options);
  runtime.block_on(speak(1000));
}
