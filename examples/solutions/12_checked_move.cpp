// Exercise 12.2: a future that may be moved until it is polled. A move after that ends the program,
// with a message. A child process does it.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <weft/weft.hpp>

#include "../guide/signal.hpp"

// [checked]
/// As a member, it says whether the object around it may still be moved.
class PinnedOnceBegun {
 public:
  PinnedOnceBegun() = default;
  PinnedOnceBegun(PinnedOnceBegun&& other) noexcept {
    if (other.begun_) {
      std::fputs("  a Reading was moved after its first poll\n", stderr);
      std::abort();
    }
  }
  PinnedOnceBegun& operator=(PinnedOnceBegun&&) = delete;
  void begin() noexcept { begun_ = true; }

 private:
  bool begun_ = false;
};

class Reading {
 public:
  explicit Reading(Signal& signal) : wait_(signal.wait()) {}

  weft::Poll<std::string_view> poll(weft::Context& cx) {
    pinned_.begin();
    if (end_ == nullptr) end_ = room_.data() + std::string_view("weft").copy(room_.data(), 4);
    if (wait_.poll(cx).is_pending()) return weft::Pending();
    return std::string_view(room_.data(), end_);
  }

 private:
  PinnedOnceBegun pinned_;
  Signal::Wait wait_;
  std::array<char, 16> room_{};
  char* end_ = nullptr;
};
// [/checked]

void move_one(bool polled_before) {
  Signal signal;
  WakeCounter wakes;
  const weft::Waker waker = wakes.waker();
  weft::Context cx(waker);
  Reading reading(signal);
  if (polled_before) static_cast<void>(reading.poll(cx));
  Reading moved = std::move(reading);
  signal.give();
  const std::string_view text = moved.poll(cx).take();
  std::printf("  %.*s\n", static_cast<int>(text.size()), text.data());
}

void run(const char* name, bool polled_before) {
  std::puts(name);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core_file{};
    setrlimit(RLIMIT_CORE, &no_core_file);
    move_one(polled_before);
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) std::printf("  %s\n", strsignal(WTERMSIG(status)));
}

int main() {
  run("moved, then polled:", false);
  run("polled, then moved:", true);
}
