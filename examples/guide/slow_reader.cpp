// A room with one member that reads ten times too slowly, and three ways to treat it. In virtual
// time, so the program takes no time.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

namespace {

constexpr int lines = 1000;

enum class Policy { grow, wait, drop };

// [tell]
/// Puts a line into the member's queue. Returns whether the member stays.
weft::Task<bool> tell(Policy policy, const weft::Sender<int>& queue, int line) {
  if (policy != Policy::wait) co_return queue.try_send(std::move(line)) == weft::TrySend::sent;
  const auto sent = co_await queue.send(line);  // waits for room
  co_return sent.has_value();
}
// [/tell]

weft::Task<int> read_slowly(weft::Receiver<int> queue) {
  int got = 0;
  while (auto line = co_await queue.receive()) {
    ++got;
    co_await weft::sleep_for(100ms);
  }
  co_return got;
}

weft::Task<void> speak(const char* name, Policy policy) {
  auto [queue, receiver] =
      policy == Policy::grow ? weft::unbounded_channel<int>() : weft::channel<int>(8);
  auto reading = weft::spawn(read_slowly, std::move(receiver));
  const weft::TimePoint start = weft::now();
  weft::Interval every(10ms);
  std::size_t most = 0;
  bool stays = true;
  for (int line = 0; line < lines; ++line) {
    co_await every.tick();
    if (!stays) continue;  // the others still get the line
    stays = co_await tell(policy, queue, line);
    if (!stays) queue.close();
    most = std::max(most, queue.size());
  }
  const auto took = std::chrono::round<std::chrono::seconds>(weft::now() - start);
  queue.close();
  const int got = co_await std::move(reading);
  std::printf("%-5s all have been said after %3d s; %3zu lines in the queue; it got %4d\n", name,
              static_cast<int>(took.count()), most, got);
}

weft::Task<void> program() {
  co_await speak("grow", Policy::grow);
  co_await speak("wait", Policy::wait);
  co_await speak("drop", Policy::drop);
}

}  // namespace

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
