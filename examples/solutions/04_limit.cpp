// Solution to exercise 1 of chapter 4: a limit of time for each request. The limits stand in order
// of time, and the queue sleeps no longer than until the first of them.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>

#include "../guide/delay_client.hpp"
#include "../guide/delay_server.hpp"
#include "../guide/poller.hpp"

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// [limits]
/// What ends when: the earliest first.
class Limits {
 public:
  void add(Clock::time_point when, std::size_t number) { limits_.emplace(when, number); }
  void remove(std::size_t number) {
    std::erase_if(limits_, [number](const auto& limit) { return limit.second == number; });
  }
  /// The milliseconds until the first one, for wait(): rounded up, else the last one would be spent
  /// in waits of no time at all.
  [[nodiscard]] int wait_ms() const {
    if (limits_.empty()) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(limits_.begin()->first - Clock::now());
    return static_cast<int>(std::max(left, 0ms).count());
  }
  /// Takes out one that has come.
  std::optional<std::size_t> next_due() {
    if (limits_.empty() || limits_.begin()->first > Clock::now()) return std::nullopt;
    return limits_.extract(limits_.begin()).mapped();
  }

 private:
  std::multimap<Clock::time_point, std::size_t> limits_;
};
// [/limits]

int main() {
  const DelayServer server;
  Poller poller;
  Limits limits;
  constexpr std::array delays_ms = {3000, 2000, 1000, 200, 100};
  std::array<int, 5> sockets{};
  std::array<std::string, 5> replies;
  for (std::size_t number = 0; number < 5; ++number) {
    const int fd = begin_connect(server.port());
    sockets.at(number) = fd;
    poller.registry().add(fd, number, {.readable = true, .writable = true});
    limits.add(Clock::now() + 600ms, number);
  }
  std::array<bool, 5> sent{};
  std::size_t open = 5;
  // [loop]
  const auto end = [&](std::size_t number) {
    poller.registry().remove(sockets.at(number));
    close(sockets.at(number));
    --open;
  };
  while (open > 0) {
    poller.wait(limits.wait_ms());
    while (const std::optional<TinyEvent> event = poller.next()) {
      const std::size_t number = event->token;
      if (event->ready.writable && !sent.at(number)) {
        end_connect(sockets.at(number));
        const std::string text =
            delay_request(delays_ms.at(number), "reply-" + std::to_string(number + 1));
        sent.at(number) = write(sockets.at(number), text.data(), text.size()) > 0;
      }
      if (drain(sockets.at(number), replies.at(number)) == Stream::open) continue;
      std::printf("%s\n", body_of(replies.at(number)).c_str());
      limits.remove(number);
      end(number);
    }
    while (const std::optional<std::size_t> number = limits.next_due()) {
      std::printf("request %zu: no reply within 600 ms\n", *number + 1);
      end(*number);
    }
  }
  // [/loop]
}
