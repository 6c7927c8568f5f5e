// A write takes as much as there is room for. To write all, go on with the rest, and wait in
// between.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <span>
#include <thread>
#include <vector>

#include "pipe.hpp"

// [write_all]
/// Writes all of `data` into a non-blocking handle.
void write_all(int fd, std::span<const char> data) {
  while (!data.empty()) {
    const ssize_t taken = write(fd, data.data(), data.size());
    if (taken >= 0) {
      data = data.subspan(static_cast<std::size_t>(taken));  // go on with the rest
    } else if (errno == EAGAIN) {
      pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&room, 1, -1);  // full: sleep until there is room
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "write");
    }
  }
}
// [/write_all]

int main() {
  const std::vector<char> data(1'000'000, 'x');
  const Pipe pipe(O_NONBLOCK);

  // [short]
  const ssize_t first = write(pipe.writer(), data.data(), data.size());
  std::printf("asked to write %zu bytes, the pipe took %zd\n", data.size(), first);
  const ssize_t second = write(pipe.writer(), data.data(), data.size());
  std::printf("asked again: %zd, errno is EAGAIN: %s\n", second, errno == EAGAIN ? "yes" : "no");
  // [/short]

  std::size_t received = 0;
  std::jthread reader([&] {
    std::vector<char> room(100'000);
    while (received < data.size()) {
      pollfd ready{.fd = pipe.reader(), .events = POLLIN, .revents = 0};
      poll(&ready, 1, -1);
      const ssize_t size = read(pipe.reader(), room.data(), room.size());
      if (size > 0) received += static_cast<std::size_t>(size);
    }
  });
  write_all(pipe.writer(), std::span(data).subspan(static_cast<std::size_t>(first)));
  reader.join();
  std::printf("written and received with write_all(): %zu bytes\n", received);
}
