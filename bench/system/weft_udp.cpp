// The system benchmarks' weft: datagrams.
#include <array>
#include <string>
#include <weft/weft.hpp>

#include "core/weft_run.hpp"
#include "system/system.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Meter;
using Datagram = std::array<std::byte, bench::datagram_bytes>;

/// A server that is bound, and a client that is connected to it.
struct Ends {
  Ends() : Ends(weft::UdpOptions()) {}
  explicit Ends(const weft::UdpOptions& options)
      : server(weft::UdpSocket::bind("127.0.0.1:0", options)),
        client(weft::UdpSocket::bind("127.0.0.1:0")) {
    client.connect(server.local_endpoint().value()).value();
  }
  weft::UdpSocket server;
  weft::UdpSocket client;
};

weft::Task<void> answer(weft::UdpSocket& server, std::size_t count) {
  Datagram room{};
  for (std::size_t i = 0; i < count; ++i) {
    const weft::ReceivedDatagram got = co_await server.receive(room);
    bench::require(got.data.size() == room.size() && !got.truncated(), "a question");
    bench::put_number(room.data(), bench::number_in(room.data()) + 1);
    co_await server.send_to(got.data, got.sender);
  }
}

weft::Task<Figures> ping_pong(Job job) {
  Ends ends;
  Datagram room{};
  const Meter meter;
  weft::JoinHandle<void> answering = weft::spawn(answer(ends.server, job.count));
  for (std::size_t i = 0; i < job.count; ++i) {
    bench::put_number(room.data(), i);
    co_await ends.client.send(room);
    const weft::ReceivedDatagram got = co_await ends.client.receive(room);
    bench::require(got.data.size() == room.size() && bench::number_in(room.data()) == i + 1,
                   "an answer");
  }
  co_await std::move(answering);
  co_return meter.each(job.count);
}

/// As many datagrams as a burst has, one call for each.
weft::Task<Figures> one_way(Job job) {
  Ends ends;
  Datagram room{};
  const Meter meter;
  for (std::size_t first = 0; first < job.count; first += bench::burst) {
    for (std::size_t i = 0; i < bench::burst; ++i) {
      bench::put_number(room.data(), first + i);
      co_await ends.client.send(room);
    }
    for (std::size_t i = 0; i < bench::burst; ++i) {
      const weft::ReceivedDatagram got = co_await ends.server.receive(room);
      bench::require(got.data.size() == room.size() && bench::number_in(room.data()) == first + i,
                     "a datagram");
    }
  }
  co_return meter.each(job.count);
}

weft::Task<Figures> many_each(Job job) {
  Ends ends;
  std::array<Datagram, bench::burst> rooms{};
  weft::SendBatch out;
  weft::ReceiveBatch in(bench::burst, bench::datagram_bytes);
  const Meter meter;
  for (std::size_t first = 0; first < job.count; first += bench::burst) {
    for (std::size_t i = 0; i < bench::burst; ++i) {
      bench::put_number(rooms[i].data(), first + i);
      out.add(rooms[i]);
    }
    while (!out.empty()) co_await ends.client.send_batch(out);
    for (std::size_t seen = 0; seen < bench::burst;) {
      co_await ends.server.receive_batch(in);
      for (const weft::ReceivedDatagram& got : in.datagrams()) {
        bench::require(got.data.size() == bench::datagram_bytes &&
                           bench::number_in(got.data.data()) == first + seen++,
                       "a datagram");
      }
    }
  }
  co_return meter.each(job.count);
}

weft::Task<Figures> segmented(Job job) {
  weft::UdpOptions options;
  options.join_segments = true;
  Ends ends(options);
  const std::string data = bench::numbered_segments();
  std::vector<std::byte> room(bench::joined_bytes);
  bench::SegmentCheck check;
  const Meter meter;
  for (std::size_t sent = 0; sent < job.count; sent += bench::segments) {
    const std::size_t size =
        co_await ends.client.send_segments(weft::bytes_of(data), bench::segment_bytes);
    bench::require(size == data.size(), "send");
    for (check.reset(); !check.all();) {
      const weft::ReceivedDatagram got = co_await ends.server.receive(room);
      bench::require(got.segments() == 1 || got.segment_size == bench::segment_bytes, "joined");
      check.arrived(got.data.data(), got.data.size());
    }
  }
  co_return meter.each(job.count);
}

}  // namespace

bench::Cells bench::udp_cells() {
  return {{"udp-ping-pong", on_runtime(ping_pong)},
          {"udp-one-way", on_runtime(one_way)},
          {"udp-batch", on_runtime(many_each)},
          {"udp-segments", on_runtime(segmented)}};
}
