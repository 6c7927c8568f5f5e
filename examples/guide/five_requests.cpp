// Five requests to the delay server at the same time, on one thread, by the event queue of chapter
// 4. The first one asks for the longest delay, so the replies come in reverse order.
//
//   five_requests             starts a server for itself
//   five_requests PORT        asks the one at this port of the machine
//   five_requests once        the same with a mistake: one read for each event
#include <sys/ioctl.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "delay_client.hpp"
#include "delay_server.hpp"
#include "poller.hpp"

using Clock = std::chrono::steady_clock;

// [state]
/// A request on its way. Nothing waits in here: it goes on when an event comes.
struct Request {
  int delay_ms = 0;
  int fd = -1;
  bool sent = false;
  std::string reply;
};
// [/state]

// [once]
/// The mistake: one read for each event.
Stream read_once(int fd, std::string& into) {
  std::array<char, 16> buffer;
  const ssize_t got = read(fd, buffer.data(), buffer.size());
  if (got > 0) into.append(buffer.data(), static_cast<std::size_t>(got));
  return got == 0 ? Stream::ended : Stream::open;
}
// [/once]

using Reader = Stream (*)(int, std::string&);

// [handle]
/// What an event makes of a request. Gives whether the whole reply has come.
bool handle(Request& request, std::size_t number, Ready ready, Reader reader) {
  if (ready.writable && !request.sent) {
    end_connect(request.fd);
    const std::string text = delay_request(request.delay_ms, "reply-" + std::to_string(number));
    if (write(request.fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      throw std::runtime_error("an empty socket did not take a short request");
    }
    request.sent = true;
  }
  return ready.readable && reader(request.fd, request.reply) == Stream::ended;
}
// [/handle]

// [loop]
/// Gives how many are still without their reply when nothing has come for a second.
std::size_t ask(std::span<Request> requests, std::uint16_t port, Reader reader) {
  const Clock::time_point start = Clock::now();
  Poller poller;
  for (std::size_t number = 0; number < requests.size(); ++number) {
    requests[number].fd = begin_connect(port);
    poller.registry().add(requests[number].fd, number, {.readable = true, .writable = true});
  }
  std::size_t open = requests.size();
  while (open > 0 && poller.wait(1000)) {
    while (const std::optional<TinyEvent> event = poller.next()) {
      Request& request = requests[event->token];
      if (!handle(request, event->token + 1, event->ready, reader)) continue;
      poller.registry().remove(request.fd);  // at the end at once: another event may be on its way
      close(request.fd);
      --open;
      const auto after =
          std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
      std::printf("%s after %4lld ms\n", body_of(request.reply).c_str(),
                  static_cast<long long>(after));
    }
  }
  return open;
}
// [/loop]

int main(int argc, char** argv) {
  const std::string_view argument = argc > 1 ? argv[1] : "";
  const bool once = argument == "once";
  const bool own = once || argument.empty();
  const DelayServer server(own ? std::uint16_t{0} : static_cast<std::uint16_t>(std::atoi(argv[1])));

  // [requests]
  std::array<Request, 5> requests;
  for (int delay_ms = 500; Request & request : requests) {
    request.delay_ms = delay_ms;
    delay_ms -= 100;
  }
  const std::size_t open = ask(requests, server.port(), once ? read_once : drain);
  // [/requests]
  if (open == 0) return 0;
  std::printf("no event for a second; %zu requests have no reply:\n", open);
  for (const Request& request : requests) {
    int unread = 0;
    ioctl(request.fd, FIONREAD, &unread);
    std::printf("%4zu bytes read, %4d lie in the socket\n", request.reply.size(), unread);
  }
}
