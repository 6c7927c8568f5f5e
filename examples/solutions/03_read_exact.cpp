// Solution: reads a number of bytes from a non-blocking handle, whatever the pieces in which they
// come, and says how many there were if the stream ends before.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

// [read_exact]
/// Fills `buffer`; gives its size, or less if the stream ended first.
std::size_t read_exact(int fd, std::span<char> buffer) {
  std::size_t size = 0;
  while (size < buffer.size()) {
    const std::span<char> rest = buffer.subspan(size);
    const ssize_t n = read(fd, rest.data(), rest.size());
    if (n > 0) {
      size += static_cast<std::size_t>(n);
    } else if (n == 0) {
      break;  // the end: no more will come, so do not wait for it
    } else if (errno == EAGAIN) {
      pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "read");
    }
  }
  return size;
}
// [/read_exact]

void send_in_pieces(int fd) {
  for (const std::string_view piece : {"hel", "lo, w", "orld", "!!"}) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (write(fd, piece.data(), piece.size()) < 0) std::perror("write");
  }
  close(fd);
}

int main() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return 1;
  const std::jthread peer(send_in_pieces, ends[1]);
  for (const std::size_t wanted : {std::size_t{12}, std::size_t{4}, std::size_t{4}}) {
    std::string text(wanted, '\0');
    text.resize(read_exact(ends[0], text));
    std::printf("wanted %2zu, got %2zu: '%s'\n", wanted, text.size(), text.c_str());
  }
  close(ends[0]);
}
