// Ends connections on which nothing happens: a limit for each wait, and one for a conversation in
// both directions.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <span>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

int seconds_since(weft::TimePoint start) {
  const auto passed = std::chrono::duration_cast<std::chrono::seconds>(weft::now() - start);
  return static_cast<int>(passed.count());
}

// [each]
/// Ends when the peer has said nothing for 30 seconds, or takes nothing for as long.
weft::Task<void> echo(weft::StreamSocket stream) {
  const weft::TimePoint start = weft::now();
  std::array<std::byte, 4096> buffer;
  try {
    while (const std::size_t size = co_await weft::timeout(stream.read(buffer), 30s)) {
      co_await weft::timeout(stream.write_all(std::span(buffer).first(size)), 30s);
    }
  } catch (const weft::IoError& error) {
    std::printf("echo: after %d s: %s\n", seconds_since(start), error.what());
  }
}
// [/each]

// [silence]
/// Notes when something has moved, and waits for a time in which nothing does. Thread-safe.
class Activity {
 public:
  void moved() { last_.store(weft::now(), std::memory_order_relaxed); }

  /// Ends when nothing has moved for as long as `limit`. Sleeps until then, or until nearly then.
  weft::Task<void> silence(weft::Nanoseconds limit) const {
    for (;;) {
      const weft::TimePoint due = last_.load(std::memory_order_relaxed) + limit;
      if (weft::now() >= due) co_return;
      co_await weft::sleep_until(due);
    }
  }

 private:
  std::atomic<weft::TimePoint> last_{weft::now()};
};

weft::Task<void> copy(weft::StreamSocket& from, weft::StreamSocket& to, Activity& activity) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t size = co_await from.read(buffer)) {
    activity.moved();
    co_await to.write_all(std::span(buffer).first(size));
    activity.moved();
  }
  static_cast<void>(to.shutdown());  // the other direction may go on
}

/// Joins two streams, until both directions have ended or both are silent for a minute.
weft::Task<void> relay(weft::StreamSocket client, weft::StreamSocket server) {
  const weft::TimePoint start = weft::now();
  Activity activity;
  auto both = weft::when_all(copy(client, server, activity), copy(server, client, activity));
  auto first = co_await weft::select(std::move(both), activity.silence(60s));
  std::printf("relay: after %d s: %s\n", seconds_since(start), first.has<0>() ? "done" : "silent");
}
// [/silence]

/// Sends a byte at once, after 20 s and after 40 s, and then says no more.
weft::Task<void> speak_three_times(weft::StreamSocket& stream) {
  for (int i = 0; i < 3; ++i) {
    co_await stream.write_all("?");
    if (i < 2) co_await weft::sleep_for(20s);
  }
}

weft::Task<void> wait_for_close(weft::StreamSocket& stream) {
  std::array<std::byte, 16> buffer;
  while (const std::size_t size = co_await stream.read(buffer)) static_cast<void>(size);
}

weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  {
    weft::StreamSocket client = co_await weft::StreamSocket::connect(listener.local_endpoint());
    weft::StreamSocket accepted = co_await listener.accept();
    auto serving = weft::spawn(echo, std::move(accepted));
    co_await speak_three_times(client);
    co_await wait_for_close(client);
    co_await std::move(serving);
  }
  {
    weft::StreamSocket client = co_await weft::StreamSocket::connect(listener.local_endpoint());
    weft::StreamSocket near = co_await listener.accept();
    weft::StreamSocket far = co_await weft::StreamSocket::connect(listener.local_endpoint());
    weft::StreamSocket server = co_await listener.accept();
    auto relaying = weft::spawn(relay, std::move(near), std::move(far));
    co_await speak_three_times(client);
    co_await wait_for_close(client);
    co_await std::move(relaying);
  }
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
