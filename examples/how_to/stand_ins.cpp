// What weft has not yet, and what to use in its place: datagrams, child processes.
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [datagrams]
/// A UDP socket of your own. The system call is yours, the wait is weft's.
class DatagramSocket {
 public:
  DatagramSocket() : handle_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    at_.sin_family = AF_INET;
    at_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at_;
    if (handle_ < 0 || bind(handle_, address(), size) != 0 ||
        getsockname(handle_, address(), &size) != 0) {
      throw std::system_error(errno, std::generic_category(), "a datagram socket");
    }
  }
  ~DatagramSocket() { close(handle_); }
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;

  /// Waits for a datagram. Cancel: none was taken.
  weft::Task<std::string> receive() {
    std::array<char, 1500> room;
    for (;;) {
      const ssize_t size = recv(handle_, room.data(), room.size(), 0);
      if (size >= 0) co_return std::string(room.data(), static_cast<std::size_t>(size));
      if (errno != EAGAIN) throw std::system_error(errno, std::generic_category(), "recv");
      co_await weft::wait_readable(handle_);
    }
  }
  void send_to(DatagramSocket& other, std::string_view text) {
    static_cast<void>(sendto(handle_, text.data(), text.size(), 0, other.address(), sizeof at_));
  }

 private:
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&at_); }

  int handle_;
  sockaddr_in at_{};
};
// [/datagrams]

// [process]
/// A child process: its pidfd is readable when it has ended. The destructor ends it.
class ChildProcess {
 public:
  explicit ChildProcess(const char* program) {
    char* arguments[] = {const_cast<char*>(program), nullptr};
    const int error = posix_spawn(&id_, program, nullptr, nullptr, arguments, environ);
    if (error != 0) throw std::system_error(error, std::generic_category(), program);
    handle_ = static_cast<int>(syscall(SYS_pidfd_open, id_, 0));
  }
  ~ChildProcess() {
    if (id_ > 0) {
      kill(id_, SIGKILL);
      waitpid(id_, nullptr, 0);
    }
    close(handle_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Waits for its end and gives its exit status. Cancel: stops waiting.
  weft::Task<int> wait() {
    co_await weft::wait_readable(handle_);
    int status = 0;
    waitpid(std::exchange(id_, 0), &status, 0);
    co_return WEXITSTATUS(status);
  }

 private:
  pid_t id_ = 0;
  int handle_ = -1;
};
// [/process]

weft::Task<void> program() {
  DatagramSocket first;
  DatagramSocket second;
  auto receiving = weft::spawn(second.receive());
  first.send_to(second, "hello");
  const std::string text = co_await std::move(receiving);
  std::printf("received: %s\n", text.c_str());

  ChildProcess child("/bin/false");
  const int status = co_await weft::timeout(child.wait(), 10s);
  std::printf("the child's exit status: %d\n", status);
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
