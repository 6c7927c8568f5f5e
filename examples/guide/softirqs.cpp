// Sends datagrams to itself over loopback, and looks at how many software interrupts for received
// packets the kernel has counted meanwhile.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

#include "self_socket.hpp"

// [counter]
/// How often NET_RX has run, on all CPUs together, since the machine was started.
std::uint64_t receive_softirqs() {
  std::ifstream file("/proc/softirqs");
  std::uint64_t sum = 0;
  for (std::string word; file >> word;) {
    if (word != "NET_RX:") continue;
    for (std::uint64_t on_one_cpu = 0; file >> on_one_cpu;) sum += on_one_cpu;
    break;
  }
  return sum;
}
// [/counter]

int main() {
  const int socket_fd = socket_to_itself();

  // [observe]
  constexpr int datagrams = 10'000;
  const std::uint64_t before = receive_softirqs();
  int received = 0;
  for (int i = 0; i < datagrams; ++i) {
    char byte = '!';
    if (send(socket_fd, &byte, 1, 0) == 1 && recv(socket_fd, &byte, 1, 0) == 1) ++received;
  }
  const std::uint64_t meanwhile = receive_softirqs() - before;
  std::printf("datagrams over loopback   %7d\n", received);
  std::printf("NET_RX meanwhile          %7ju\n", std::uintmax_t{meanwhile});
  // [/observe]
  close(socket_fd);
}
