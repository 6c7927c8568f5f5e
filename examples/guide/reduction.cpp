// From readiness to completion: a read that is done when it ends, made of reads that may fail with
// EAGAIN and of waits. For a thread, for a coroutine, and as a queue of operations.
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "pipe.hpp"

// [thread]
void wait_readable(int fd) {
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  poll(&ready, 1, -1);
}

/// Ends when it has read something, at the end of the stream, or with an error. Never with EAGAIN.
ssize_t complete_read(int fd, std::span<char> buffer) {
  for (;;) {
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n >= 0 || errno != EAGAIN) return n;
    wait_readable(fd);
  }
}
// [/thread]

// [coroutine]
weft::Task<ssize_t> complete_read_task(int fd, std::span<char> buffer) {
  for (;;) {
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n >= 0 || errno != EAGAIN) co_return n;
    co_await weft::wait_readable(fd);
  }
}
// [/coroutine]

// [operation]
/// A read that was handed over: where the bytes go, and what is called when they are there. It
/// stays where it is, and its buffer as well, until then.
struct ReadOperation {
  int fd = -1;
  std::span<char> buffer;
  std::function<void(ssize_t)> done;
  int tries = 0;
};
// [/operation]

// [queue]
class CompletionQueue {
 public:
  CompletionQueue() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  ~CompletionQueue() { close(epoll_); }
  CompletionQueue(const CompletionQueue&) = delete;
  CompletionQueue& operator=(const CompletionQueue&) = delete;

  /// Hands the operation over: tries it, and waits only if it must.
  void start(ReadOperation& operation) {
    if (attempt(operation)) return;
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &operation}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, operation.fd, &event);
    ++waiting_;
  }

  /// Takes an operation back that has not ended. Its buffer is free at once.
  void give_up(ReadOperation& operation) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, operation.fd, nullptr);
    --waiting_;
  }

  /// Calls `done` for all operations that end, until none is left.
  void run() {
    for (;;) {
      for (const auto& [operation, result] : std::exchange(ended_, {})) operation->done(result);
      if (!ended_.empty()) continue;
      if (waiting_ == 0) return;
      epoll_event event{};
      if (epoll_wait(epoll_, &event, 1, -1) != 1) continue;
      auto& operation = *static_cast<ReadOperation*>(event.data.ptr);
      if (attempt(operation)) give_up(operation);  // no longer watched
    }
  }

 private:
  /// The loop above, with the wait taken out of it. False: it would have to wait.
  bool attempt(ReadOperation& operation) {
    ++operation.tries;
    const ssize_t n = read(operation.fd, operation.buffer.data(), operation.buffer.size());
    if (n < 0 && errno == EAGAIN) return false;
    ended_.emplace_back(&operation, n < 0 ? -errno : n);
    return true;
  }

  int epoll_;
  int waiting_ = 0;
  std::vector<std::pair<ReadOperation*, ssize_t>> ended_;
};
// [/queue]

/// Puts a word into the pipe, when the other side sleeps.
std::jthread late_peer(const Pipe& pipe) {
  return std::jthread([&pipe] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pipe.put("late");
  });
}

void show(const char* name, std::span<const char> buffer, ssize_t size) {
  const auto length = static_cast<std::size_t>(size);
  std::printf("%s: %zd bytes, '%s'\n", name, size, std::string(buffer.data(), length).c_str());
}

void use_queue() {
  // [use]
  const Pipe left(O_NONBLOCK);
  const Pipe right(O_NONBLOCK);
  const Pipe silent(O_NONBLOCK);
  right.put("there");
  const std::jthread peer = late_peer(left);

  std::array<std::array<char, 16>, 3> room{};
  CompletionQueue queue;
  ReadOperation from_left{left.reader(), room[0], [&](ssize_t n) { show("left", room[0], n); }};
  ReadOperation from_right{right.reader(), room[1], [&](ssize_t n) { show("right", room[1], n); }};
  ReadOperation from_silent{silent.reader(), room[2], [](ssize_t) { std::puts("never"); }};
  queue.start(from_left);
  queue.start(from_right);
  queue.start(from_silent);
  queue.give_up(from_silent);
  silent.put("too late");  // stays in the pipe: nothing will write into the buffer
  queue.run();
  std::printf("tries: left %d, right %d\n", from_left.tries, from_right.tries);
  std::printf("given up: its buffer is %s\n", room[2][0] == '\0' ? "untouched" : "overwritten");
  // [/use]
}

int main() {
  std::array<char, 16> buffer{};
  {
    const Pipe pipe(O_NONBLOCK);
    const std::jthread peer = late_peer(pipe);
    show("a thread", buffer, complete_read(pipe.reader(), buffer));
  }
  {
    const Pipe pipe(O_NONBLOCK);
    const std::jthread peer = late_peer(pipe);
    show("a coroutine", buffer, weft::block_on(complete_read_task(pipe.reader(), buffer)));
  }
  use_queue();
}
