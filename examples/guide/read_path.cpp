// The last part of a read's path, timed without privileges: a datagram is sent over loopback to a
// thread that sleeps in epoll_wait, and the kernel stamps it when the network stack receives it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <thread>
#include <vector>

#include "self_socket.hpp"

std::int64_t now_ns() {
  std::timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);  // the clock of the kernel's stamps
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

struct Times {
  std::int64_t sent = 0;     ///< before send(): by the sender
  std::int64_t stamped = 0;  ///< the network stack has it: by the kernel
  std::int64_t woken = 0;    ///< epoll_wait has returned: by the receiver
  std::int64_t read = 0;     ///< recvmsg has returned
};

// [stamp]
/// Receives one datagram and gives the kernel's stamp, which comes along as ancillary data.
std::int64_t receive_stamp(int fd) {
  std::int64_t sent = 0;
  iovec data{.iov_base = &sent, .iov_len = sizeof sent};
  alignas(cmsghdr) std::array<char, 128> ancillary{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.data();
  message.msg_controllen = ancillary.size();
  if (recvmsg(fd, &message, 0) < 0) return 0;
  const cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (head == nullptr || head->cmsg_type != SCM_TIMESTAMPNS) return 0;
  std::timespec stamp{};
  std::memcpy(&stamp, CMSG_DATA(head), sizeof stamp);
  return stamp.tv_sec * 1'000'000'000 + stamp.tv_nsec;
}
// [/stamp]

// [receive]
Times one_datagram(int fd, int queue) {
  Times times;
  std::jthread sender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the receiver sleeps by then
    times.sent = now_ns();
    static_cast<void>(send(fd, &times.sent, sizeof times.sent, 0));
  });
  epoll_event event{};
  epoll_wait(queue, &event, 1, -1);
  times.woken = now_ns();
  times.stamped = receive_stamp(fd);
  times.read = now_ns();
  sender.join();
  return times;
}
// [/receive]

/// The median of one step over all datagrams, in microseconds.
template <class Step>
double median_us(const std::vector<Times>& all, Step step) {
  std::vector<std::int64_t> steps;
  for (const Times& times : all) steps.push_back(step(times));
  std::sort(steps.begin(), steps.end());
  return static_cast<double>(steps[steps.size() / 2]) / 1'000.0;
}

int main() {
  const int fd = socket_to_itself();
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  const int queue = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event);

  std::vector<Times> all;
  for (int i = 0; i < 51; ++i) all.push_back(one_datagram(fd, queue));
  std::printf("medians of %zu datagrams\n", all.size());
  std::printf("send() called     -> stamped in the stack   %7.1f us\n",
              median_us(all, [](const Times& t) { return t.stamped - t.sent; }));
  std::printf("stamped           -> epoll_wait returned    %7.1f us\n",
              median_us(all, [](const Times& t) { return t.woken - t.stamped; }));
  std::printf("epoll_wait        -> data in our memory     %7.1f us\n",
              median_us(all, [](const Times& t) { return t.read - t.woken; }));
  close(queue);
  close(fd);
}
