// A loop of one's own, here one of poll(2), that runs weft's tasks itself, on its one thread.
#include <poll.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [work]
weft::Task<void> fetch(const char* what, milliseconds takes, int& unfinished) {
  co_await weft::sleep_for(takes);  // stands for a conversation with some server
  std::printf("task: %s has come\n", what);
  --unfinished;  // no lock: there is one thread
}
// [/work]

// [wait]
/// Waits for weft's handle, and for whatever else the program watches, at most as long as weft
/// says.
void wait_for(const weft::Runtime& runtime, std::optional<std::chrono::nanoseconds> next) {
  pollfd watched{.fd = runtime.native_handle(), .events = POLLIN, .revents = 0};
  timespec limit{};
  if (next)
    limit = {.tv_sec = next->count() / 1'000'000'000, .tv_nsec = next->count() % 1'000'000'000};
  ppoll(&watched, 1, next ? &limit : nullptr, nullptr);
}
// [/wait]

int main() {
  // [loop]
  weft::RuntimeOptions options;
  options.current_thread = true;  // no threads of its own
  weft::Runtime runtime(options);
  int unfinished = 2;
  runtime.spawn(fetch, "the first", milliseconds(30), std::ref(unfinished)).detach();
  runtime.spawn(fetch, "the second", milliseconds(60), std::ref(unfinished)).detach();

  int turns = 0;
  while (unfinished > 0) {
    const auto next = runtime.poll();  // runs what is ready, and says when it is due again
    ++turns;
    if (unfinished > 0) wait_for(runtime, next);
  }
  // [/loop]
  std::printf("loop: %s\n", turns < 20 ? "it slept between them" : "it was busy");
}
