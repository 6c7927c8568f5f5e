// Sends datagrams to itself over loopback, and looks at what the kernel has counted meanwhile:
// interrupts of devices, and software interrupts for received packets.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
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

// [devices]
/// How often devices have interrupted all CPUs together: the numbered lines of /proc/interrupts.
/// (The others have names: timers, and what processors send to each other.)
std::uint64_t device_interrupts() {
  std::ifstream file("/proc/interrupts");
  std::uint64_t sum = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::uint64_t number = 0;
    char colon = ' ';
    if (!(words >> number >> colon) || colon != ':') continue;
    for (std::uint64_t on_one_cpu = 0; words >> on_one_cpu;) sum += on_one_cpu;
  }
  return sum;
}
// [/devices]

int main() {
  const int socket_fd = socket_to_itself();

  // [observe]
  constexpr int datagrams = 10'000;
  const std::uint64_t softirqs_before = receive_softirqs();
  const std::uint64_t interrupts_before = device_interrupts();
  int received = 0;
  for (int i = 0; i < datagrams; ++i) {
    char byte = '!';
    if (send(socket_fd, &byte, 1, 0) == 1 && recv(socket_fd, &byte, 1, 0) == 1) ++received;
  }
  const std::uint64_t interrupts = device_interrupts() - interrupts_before;
  const std::uint64_t softirqs = receive_softirqs() - softirqs_before;
  std::printf("datagrams over loopback   %7d\n", received);
  std::printf("interrupts of devices     %7ju\n", std::uintmax_t{interrupts});
  std::printf("NET_RX meanwhile          %7ju\n", std::uintmax_t{softirqs});
  // [/observe]
  close(socket_fd);
}
