// Solution: one thread waits for a file and a pipe at once, although epoll refuses files. Another
// thread reads the file, and an eventfd says when it has.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "../guide/pipe.hpp"

// [read]
/// A read of a file that is under way: handle() becomes readable when it has ended.
class FileRead {
 public:
  FileRead(int file, std::span<char> buffer)
      : event_(eventfd(0, EFD_CLOEXEC)), thread_([this, file, buffer] {
          result_ =
              pread(file, buffer.data(), buffer.size(), 0);  // may block, but only this thread
          const std::uint64_t one = 1;
          static_cast<void>(write(event_, &one, sizeof one));
        }) {}
  ~FileRead() {
    thread_.join();  // until then the buffer is in use
    close(event_);
  }
  FileRead(const FileRead&) = delete;
  FileRead& operator=(const FileRead&) = delete;

  [[nodiscard]] int handle() const { return event_; }
  /// Valid once handle() is readable.
  [[nodiscard]] ssize_t result() const { return result_; }

 private:
  const int event_;
  ssize_t result_ = 0;
  std::thread thread_;
};
// [/read]

bool watch(int queue, int fd) {
  epoll_event event{.events = EPOLLIN | EPOLLONESHOT, .data = {.fd = fd}};
  return epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event) == 0;
}

int main() {
  std::FILE* const file = std::tmpfile();
  if (file == nullptr) return 1;
  std::fputs(std::string(100'000, 'x').c_str(), file);
  std::fflush(file);

  // [wait]
  const int queue = epoll_create1(EPOLL_CLOEXEC);
  if (!watch(queue, fileno(file))) std::printf("epoll and a file: %s\n", std::strerror(errno));

  const Pipe pipe;
  pipe.put("hello");
  std::vector<char> buffer(200'000);
  const FileRead reading(fileno(file), buffer);
  watch(queue, reading.handle());
  watch(queue, pipe.reader());

  ssize_t from_file = 0;
  ssize_t from_pipe = 0;
  for (int ended = 0; ended < 2; ++ended) {
    epoll_event event{};
    epoll_wait(queue, &event, 1, -1);
    if (event.data.fd == pipe.reader()) {
      std::array<char, 16> room{};
      from_pipe = read(pipe.reader(), room.data(), room.size());
    } else {
      std::uint64_t count = 0;  // the read also says that what the thread wrote is seen here
      if (read(reading.handle(), &count, sizeof count) > 0) from_file = reading.result();
    }
  }
  std::printf("from the file: %zd bytes, from the pipe: %zd\n", from_file, from_pipe);
  // [/wait]
  close(queue);
  std::fclose(file);
}
