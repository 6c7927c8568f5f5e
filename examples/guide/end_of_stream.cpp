// The end of a stream is an event, and may come as one more than expected: what was read at the
// first event may include the end that the second one is about.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "delay_client.hpp"
#include "poller.hpp"

// [ends]
/// Counts the ends of one stream. The peer sends a word; it closes after we have been told of that,
/// and before we read.
int ends_counted(bool removes) {
  std::array<int, 2> ends{};
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data());
  const auto [mine, peer] = ends;
  Poller poller;
  poller.registry().add(mine, 0, {.readable = true});
  static_cast<void>(write(peer, "word", 4));

  int counted = 0;
  bool peer_is_open = true;
  while (poller.wait(0)) {
    if (peer_is_open) close(peer);  // just now
    peer_is_open = false;
    while (poller.next()) {
      std::string text;
      const Stream stream = drain(mine, text);
      std::printf("  an event: %zu bytes%s\n", text.size(),
                  stream == Stream::ended ? ", and the end" : "");
      if (stream == Stream::ended) ++counted;
      if (stream == Stream::ended && removes) poller.registry().remove(mine);
    }
  }
  close(mine);
  return counted;
}
// [/ends]

int main() {
  std::printf("left in the queue:\n");
  const int left_in = ends_counted(false);
  std::printf("  ends counted: %d\nremoved at its end:\n", left_in);
  const int removed = ends_counted(true);
  std::printf("  ends counted: %d\n", removed);
}
