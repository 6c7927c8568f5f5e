// A write takes as much as there is room for. To write all, go on with the rest, and wait in
// between.
//
//   partial_write careless   writes once, and believes that this was all
//   partial_write            how much a write takes, and write_all()
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <span>
#include <string_view>
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

// [careless]
void send_carelessly(const Pipe& pipe, std::span<const char> data) {
  if (write(pipe.writer(), data.data(), data.size()) < 0) std::perror("write");
}
// [/careless]

/// Reads what there is at this moment.
std::size_t arrived(const Pipe& pipe) {
  std::size_t size = 0;
  std::vector<char> room(100'000);
  for (ssize_t n = 0; (n = read(pipe.reader(), room.data(), room.size())) > 0;) {
    size += static_cast<std::size_t>(n);
  }
  return size;
}

int main(int count, char** arguments) {
  const std::vector<char> data(1'000'000, 'x');
  const Pipe pipe(O_NONBLOCK);
  if (count > 1 && std::string_view(arguments[1]) == "careless") {
    send_carelessly(pipe, data);
    std::printf("sent %zu bytes, %zu arrived, and no call has failed\n", data.size(),
                arrived(pipe));
    return 0;
  }

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
