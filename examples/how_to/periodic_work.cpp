// Does something at a fixed rate, and wakes early for something else.
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [loop]
enum class Command { flush, stop };

weft::Task<void> write_reports(weft::Receiver<Command> commands) {
  weft::Interval every = weft::interval(10s);
  const weft::TimePoint start = weft::now();
  for (;;) {
    auto first = co_await weft::select(commands.receive(), every.tick());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(weft::now() - start);
    const int at = static_cast<int>(seconds.count());
    if (first.has<0>()) {  // also if the tick was first: a command that was taken is not lost
      const std::optional<Command> command = first.take<0>();
      if (!command || *command == Command::stop) co_return;
      std::printf("%2d s: asked for\n", at);
    }
    if (first.has<1>()) std::printf("%2d s: a report\n", at);
  }
}
// [/loop]

weft::Task<void> program() {
  auto [sender, receiver] = weft::channel<Command>(4);
  auto commands = std::move(sender);
  auto reports = weft::spawn(write_reports, std::move(receiver));
  co_await weft::sleep_for(15s);
  const auto flushed = co_await commands.send(Command::flush);
  co_await weft::sleep_for(10s);
  const auto stopped = co_await commands.send(Command::stop);
  co_await std::move(reports);
  std::printf("stopped: %s\n", flushed && stopped ? "yes" : "no");
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
