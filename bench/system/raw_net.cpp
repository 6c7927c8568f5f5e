// The system benchmarks' plain system calls: datagrams, in an epoll loop where they wait, and
// queries to a name server.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "system/raw_ends.hpp"
#include "system/system.hpp"

namespace {

using bench::Datagram;
using bench::Ends;
using bench::Figures;
using bench::Job;
using bench::Meter;

/// One thread has both ends: it waits, receives and sends.
Figures ping_pong(Job job) {
  const Ends ends(SOCK_NONBLOCK);
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  for (const int end : {ends.server, ends.client}) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.fd = end;
    bench::require(epoll_ctl(poller, EPOLL_CTL_ADD, end, &event) == 0, "epoll_ctl");
  }
  Datagram room{};
  const Meter meter;
  ends.send(room, 0);
  for (std::size_t number = 1; number <= job.count;) {
    std::array<epoll_event, 2> events{};
    const int count = epoll_wait(poller, events.data(), 2, -1);
    for (int i = 0; i < count; ++i) {
      if (events.at(static_cast<std::size_t>(i)).data.fd == ends.server) {
        sockaddr_in from{};
        bench::put_number(room.data(), ends.receive(room, &from) + 1);
        bench::require(sendto(ends.server, room.data(), room.size(), 0,
                              reinterpret_cast<sockaddr*>(&from), sizeof from) == ssize_t{64},
                       "send");
      } else {
        bench::require(recv(ends.client, room.data(), room.size(), 0) == ssize_t{64} &&
                           bench::number_in(room.data()) == number,
                       "an answer");
        if (number++ < job.count) ends.send(room, number - 1);
      }
    }
  }
  return meter.each(job.count);
}

Figures one_way(Job job) {
  const Ends ends(0);
  Datagram room{};
  const Meter meter;
  for (std::size_t first = 0; first < job.count; first += bench::burst) {
    for (std::size_t i = 0; i < bench::burst; ++i) ends.send(room, first + i);
    for (std::size_t i = 0; i < bench::burst; ++i) {
      sockaddr_in from{};
      bench::require(ends.receive(room, &from) == first + i, "a datagram");
    }
  }
  return meter.each(job.count);
}

/// Headers of a burst, each with its datagram and the sender's address.
struct Burst {
  Burst() {
    for (std::size_t i = 0; i < bench::burst; ++i) {
      pieces[i] = {rooms[i].data(), rooms[i].size()};
      headers[i].msg_hdr.msg_iov = &pieces[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
  void with_addresses() {
    for (std::size_t i = 0; i < bench::burst; ++i) {
      headers[i].msg_hdr.msg_name = &addresses[i];
      headers[i].msg_hdr.msg_namelen = sizeof addresses[i];
    }
  }
  std::array<Datagram, bench::burst> rooms{};
  std::array<iovec, bench::burst> pieces{};
  std::array<sockaddr_in, bench::burst> addresses{};
  std::array<mmsghdr, bench::burst> headers{};
};

Figures many_each(Job job) {
  const Ends ends(0);
  Burst out;
  Burst in;
  const Meter meter;
  for (std::size_t first = 0; first < job.count; first += bench::burst) {
    for (std::size_t i = 0; i < bench::burst; ++i) {
      bench::put_number(out.rooms[i].data(), first + i);
    }
    bench::require(sendmmsg(ends.client, out.headers.data(), bench::burst, 0) == int{bench::burst},
                   "sendmmsg");
    for (std::size_t seen = 0; seen < bench::burst;) {
      in.with_addresses();
      const int got =
          recvmmsg(ends.server, in.headers.data(), bench::burst, MSG_WAITFORONE, nullptr);
      bench::require(got > 0, "recvmmsg");
      for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
        bench::require(in.headers[i].msg_len == bench::datagram_bytes &&
                           bench::number_in(in.rooms[i].data()) == first + seen++,
                       "a datagram");
      }
    }
  }
  return meter.each(job.count);
}

Figures segmented(Job job) {
  const Ends ends(0);
  bench::join_and_split(ends.server, ends.client);
  const std::string data = bench::numbered_segments();
  std::vector<char> room(bench::joined_bytes);
  bench::SegmentCheck check;
  const Meter meter;
  for (std::size_t sent = 0; sent < job.count; sent += bench::segments) {
    bench::require(
        send(ends.client, data.data(), data.size(), 0) == static_cast<ssize_t>(data.size()),
        "send");
    for (check.reset(); !check.all();) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t got = recvfrom(ends.server, room.data(), room.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
      bench::require(got > 0, "receive");
      check.arrived(room.data(), static_cast<std::size_t>(got));
    }
  }
  return meter.each(job.count);
}

/// Asks a name server for A and AAAA records, one socket for all. Nothing else: no time-outs, no
/// hosts file, no order of addresses.
class Asking {
 public:
  Asking() : socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
    const std::string server = bench::name_server();
    const std::size_t colon = server.find(':');
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(std::stoul(server.substr(colon + 1))));
    inet_pton(AF_INET, server.substr(0, colon).c_str(), &at.sin_addr);
    bench::require(connect(socket_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0, "connect");
  }
  void ask(std::size_t i) const {
    std::string query(12, '\0');
    query[1] = static_cast<char>(i % 256);
    query[2] = 1;  // recursion desired
    query[5] = 1;  // one question
    const std::string name = bench::name_to_resolve(i);
    for (std::size_t at = 0; at < name.size();) {
      const std::size_t end = name.find('.', at);
      query.push_back(static_cast<char>(end - at));
      query.append(name, at, end - at);
      at = end + 1;
    }
    for (const char type : {'\1', '\x1c'}) {
      const std::string rest{'\0', '\0', type, '\0', '\1'};
      const std::string whole = query + rest;
      bench::require(send(socket_, whole.data(), whole.size(), 0) > 0, "ask");
    }
  }
  /// Returns the number of the name that an answer is about.
  [[nodiscard]] std::size_t answer() const {
    std::array<char, 512> room{};
    const ssize_t got = recv(socket_, room.data(), room.size(), 0);
    bench::require(got > 32 && room[7] == 1, "an answer");
    const std::uint32_t address = bench::ipv4_of(room.data() + got - 4);
    const std::size_t i = address - bench::address_of_name(0);
    bench::require(static_cast<char>(i % 256) == room[1], "the answer");
    return i;
  }

 private:
  int socket_;
};

template <std::size_t at_once>
Figures resolve_all(Job job) {
  const Asking asking;
  std::vector<unsigned char> answers(job.count);
  const Meter meter;
  std::size_t next = 0;
  std::size_t done = 0;
  while (next < at_once && next < job.count) asking.ask(next++);
  while (done < job.count) {
    if (++answers.at(asking.answer()) < 2) continue;
    ++done;
    if (next < job.count) asking.ask(next++);
  }
  return meter.each(job.count, 1e3);
}

}  // namespace

bench::Cells bench::udp_cells() {
  return {{"udp-ping-pong", ping_pong},
          {"udp-one-way", one_way},
          {"udp-batch", many_each},
          {"udp-segments", segmented}};
}
bench::Cells bench::dns_cells() {
  return {{"dns", resolve_all<1>}, {"dns-32", resolve_all<lookups_at_once>}};
}
