// What weft has not yet, and what to use in its place: datagrams and files.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <weft/weft.hpp>

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

// [file]
/// A file: by a thread for blocking calls.
std::size_t count_bytes(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return text.size();
}

weft::Task<std::size_t> size_of(std::string name) {
  auto counting = weft::blocking([&] { return count_bytes(name); });
  co_return co_await std::move(counting);
}
// [/file]

weft::Task<void> program() {
  DatagramSocket first;
  DatagramSocket second;
  auto receiving = weft::spawn(second.receive());
  first.send_to(second, "hello");
  const std::string text = co_await std::move(receiving);
  std::printf("received: %s\n", text.c_str());

  const std::size_t size = co_await size_of("/proc/version");
  std::printf("the file is empty: %s\n", size == 0 ? "yes" : "no");
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
