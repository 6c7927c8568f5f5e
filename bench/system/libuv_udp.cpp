// The system benchmarks' libuv: datagrams.
#include <netinet/in.h>
#include <uv.h>

#include <cstdint>
#include <vector>

#include "system/raw_ends.hpp"
#include "system/system.hpp"

namespace {

using bench::Datagram;
using bench::Figures;
using bench::Job;
using bench::Meter;

/// A server that is bound, and a client that is connected to it. What is received comes as
/// callbacks.
struct UvEnds {
  using Received = void (*)(UvEnds&, uv_udp_t* by, const char* data, std::size_t size,
                            const sockaddr* from);

  UvEnds(Received called, unsigned flags, std::size_t room_bytes)
      : received(called), room(room_bytes) {
    bench::require(uv_loop_init(&loop) == 0, "uv_loop_init");
    for (uv_udp_t* each : {&server, &client}) {
      bench::require(uv_udp_init_ex(&loop, each, flags) == 0, "uv_udp_init");
      each->data = this;
    }
    sockaddr_in at{};
    bench::require(uv_ip4_addr("127.0.0.1", 0, &at) == 0, "address");
    auto* const address = reinterpret_cast<sockaddr*>(&at);
    bench::require(uv_udp_bind(&server, address, 0) == 0, "bind");
    int size = sizeof at;
    bench::require(uv_udp_getsockname(&server, address, &size) == 0, "getsockname");
    bench::require(uv_udp_connect(&client, address) == 0, "connect");
    for (uv_udp_t* each : {&server, &client}) {
      bench::require(uv_udp_recv_start(each, allocate, on_received) == 0, "receive");
    }
  }
  static void allocate(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    auto& self = *static_cast<UvEnds*>(handle->data);
    *buffer = uv_buf_init(self.room.data(), static_cast<unsigned>(self.room.size()));
  }
  static void on_received(uv_udp_t* by, ssize_t size, const uv_buf_t* data, const sockaddr* from,
                          unsigned) {
    if (size == 0 && from == nullptr) return;  // nothing more
    bench::require(size > 0, "receive");
    auto& self = *static_cast<UvEnds*>(by->data);
    self.received(self, by, data->base, static_cast<std::size_t>(size), from);
  }
  void send(uv_udp_t* by, char* data, std::size_t size, const sockaddr* to) {
    const uv_buf_t buffer = uv_buf_init(data, static_cast<unsigned>(size));
    bench::require(uv_udp_try_send(by, &buffer, 1, to) == static_cast<int>(size), "send");
  }
  void send_number(std::size_t number) {
    bench::put_number(out.data(), number);
    send(&client, reinterpret_cast<char*>(out.data()), out.size(), nullptr);
  }
  void send_burst() {
    for (std::size_t i = 0; i < bench::burst; ++i) send_number(next + i);
  }
  Figures run(std::size_t number) {
    count = number;
    const Meter meter;
    begin(*this);
    uv_run(&loop, UV_RUN_DEFAULT);
    bench::require(next >= count, "all");
    return meter.each(count);
  }

  Received received;
  void (*begin)(UvEnds&) = nullptr;
  std::vector<char> room;
  uv_loop_t loop{};
  uv_udp_t server{};
  uv_udp_t client{};
  Datagram out{};
  std::string segments;
  bench::SegmentCheck check;
  std::size_t next = 0;
  std::size_t seen = 0;  // of a burst
  std::size_t count = 0;
};

Figures ping_pong(Job job) {
  const auto received = [](UvEnds& ends, uv_udp_t* by, const char* data, std::size_t size,
                           const sockaddr* from) {
    bench::require(size == bench::datagram_bytes, "size");
    if (by == &ends.server) {
      Datagram answer{};
      std::memcpy(answer.data(), data, size);
      bench::put_number(answer.data(), bench::number_in(data) + 1);
      ends.send(by, reinterpret_cast<char*>(answer.data()), size, from);
    } else {
      bench::require(bench::number_in(data) == ++ends.next, "an answer");
      if (ends.next == ends.count) return uv_stop(&ends.loop);
      ends.send_number(ends.next);
    }
  };
  UvEnds ends(received, AF_INET, bench::datagram_bytes);
  ends.begin = [](UvEnds& all) { all.send_number(0); };
  return ends.run(job.count);
}

Figures bursts(Job job, unsigned flags, std::size_t room_bytes) {
  const auto received = [](UvEnds& ends, uv_udp_t*, const char* data, std::size_t size,
                           const sockaddr*) {
    bench::require(size == bench::datagram_bytes && bench::number_in(data) == ends.next++,
                   "a datagram");
    if (++ends.seen < bench::burst) return;
    ends.seen = 0;
    if (ends.next >= ends.count) return uv_stop(&ends.loop);
    ends.send_burst();
  };
  UvEnds ends(received, flags, room_bytes);
  ends.begin = [](UvEnds& all) { all.send_burst(); };
  return ends.run(job.count);
}

Figures one_way(Job job) { return bursts(job, AF_INET, bench::datagram_bytes); }
/// Receives up to 20 with one call, which is libuv's limit; it cannot send several with one.
Figures many_each(Job job) {
  return bursts(job, AF_INET | unsigned{UV_UDP_RECVMMSG}, 20 * bench::joined_bytes);
}

Figures segmented(Job job) {
  const auto received = [](UvEnds& ends, uv_udp_t*, const char* data, std::size_t size,
                           const sockaddr*) {
    ends.check.arrived(data, size);
    if (!ends.check.all()) return;
    ends.check.reset();
    ends.next += bench::segments;
    if (ends.next >= ends.count) return uv_stop(&ends.loop);
    ends.begin(ends);
  };
  UvEnds ends(received, AF_INET, bench::joined_bytes);
  int server = -1;
  int client = -1;
  bench::require(uv_fileno(reinterpret_cast<uv_handle_t*>(&ends.server), &server) == 0 &&
                     uv_fileno(reinterpret_cast<uv_handle_t*>(&ends.client), &client) == 0,
                 "uv_fileno");
  bench::join_and_split(server, client);
  ends.segments = bench::numbered_segments();
  ends.begin = [](UvEnds& all) {
    all.send(&all.client, all.segments.data(), all.segments.size(), nullptr);
  };
  return ends.run(job.count);
}

}  // namespace

bench::Cells bench::udp_cells() {
  return {{"udp-ping-pong", ping_pong},
          {"udp-one-way", one_way},
          {"udp-batch", many_each},
          {"udp-segments", segmented}};
}
