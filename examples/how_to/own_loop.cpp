// A program with a loop of its own, which runs weft's tasks on its one thread.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

weft::Task<void> fetch(const char* what, std::chrono::milliseconds takes, int& unfinished) {
  co_await weft::sleep_for(takes);  // stands for a conversation with some server
  std::printf("task: %s\n", what);
  --unfinished;  // no lock: there is one thread
}

// [wait]
/// As long as the loop may sleep: until weft is due, rounded up, or until something happens.
int milliseconds_until(std::optional<std::chrono::nanoseconds> next) {
  if (!next) return -1;
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(*next);
  return static_cast<int>(std::min<std::chrono::milliseconds::rep>(rounded.count(), 60'000));
}
// [/wait]

// [loop]
int main() {
  int own[2];  // stands for what the program watches beside: a window, a device
  if (pipe(own) != 0) return 1;
  if (write(own[1], "x", 1) != 1) return 1;

  weft::RuntimeOptions options;
  options.current_thread = true;  // no threads of its own
  weft::Runtime runtime(options);
  int unfinished = 2;
  runtime.spawn(fetch, "the first", 10ms, std::ref(unfinished)).detach();
  runtime.spawn(fetch, "the second", 20ms, std::ref(unfinished)).detach();

  for (;;) {
    const auto next = runtime.poll();  // runs what is ready, and never waits
    if (unfinished == 0) break;
    pollfd watched[2] = {{.fd = runtime.native_handle(), .events = POLLIN, .revents = 0},
                         {.fd = own[0], .events = POLLIN, .revents = 0}};
    if (poll(watched, 2, milliseconds_until(next)) < 0) return 1;
    char byte = 0;
    if ((watched[1].revents & POLLIN) != 0 && read(own[0], &byte, 1) == 1) {
      std::puts("loop: something of its own");
    }
  }
  close(own[0]);
  close(own[1]);
}
// [/loop]
