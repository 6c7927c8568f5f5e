// The system benchmarks' Asio: files (by io_uring; it has no others on Linux), datagrams, names.
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <asio/buffer.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <asio/random_access_file.hpp>
#include <asio/read.hpp>
#include <asio/stream_file.hpp>
#include <asio/write.hpp>
#include <string>
#include <vector>

#include "core/asio_run.hpp"
#include "system/raw_ends.hpp"
#include "system/system.hpp"

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::udp;
using bench::Datagram;
using bench::Figures;
using bench::Job;
using bench::Meter;

/// Starts so many of `make()` beside each other, and waits for all.
template <class Make>
awaitable<void> run_beside(std::size_t at_once, Make make) {
  const auto executor = co_await asio::this_coro::executor;
  bench::LastOne last(executor, at_once);
  const auto ended = [&last](const std::exception_ptr& error) {
    bench::require(error == nullptr, "an exception");
    last.done();
  };
  for (std::size_t i = 0; i < at_once; ++i) asio::co_spawn(executor, make(), ended);
  co_await last.wait();
}

struct Reads {
  int flags;
  std::size_t blocks;
  std::size_t count;
  std::size_t next = 0;
};

/// Each reader has a file object of its own: those of one object wait for each other.
awaitable<void> read_blocks(Reads& reads) {
  const auto executor = co_await asio::this_coro::executor;
  asio::random_access_file file(executor, open(bench::data_path, O_RDONLY | reads.flags));
  const bench::AlignedBlock block;
  while (reads.next < reads.count) {
    const std::size_t at = bench::scattered(reads.next++, reads.blocks);
    const std::size_t size = co_await file.async_read_some_at(
        at * bench::block_bytes, asio::buffer(block.data(), bench::block_bytes), use_awaitable);
    bench::require(size == bench::block_bytes && bench::is_block(block.data(), at), "read");
  }
}

template <int flags>
awaitable<Figures> read_all(Job job) {
  struct stat status{};
  bench::require(stat(bench::data_path, &status) == 0, "stat");
  const auto size = static_cast<std::size_t>(status.st_size);
  Reads reads{flags, size / bench::block_bytes, job.count};
  const Meter meter;
  co_await run_beside(bench::read_depth, [&reads] { return read_blocks(reads); });
  co_return meter.each(job.count);
}

awaitable<Figures> copy(Job job) {
  const auto executor = co_await asio::this_coro::executor;
  const Meter meter;
  using Flags = asio::stream_file;
  asio::stream_file from(executor, bench::data_path, Flags::read_only);
  asio::stream_file to(executor, bench::copy_path,
                       Flags::write_only | Flags::create | Flags::truncate);
  std::vector<char> room(bench::copy_bytes);
  std::size_t left = job.count << 20;
  while (left > 0) {
    const std::size_t size = co_await from.async_read_some(asio::buffer(room), use_awaitable);
    co_await asio::async_write(to, asio::buffer(room.data(), size), use_awaitable);
    left -= size;
  }
  to.close();
  co_return meter.each(1, 1e6);
}

/// A server that is bound, and a client that is connected to it.
struct AsioEnds {
  explicit AsioEnds(const asio::any_io_executor& executor)
      : server(executor, udp::endpoint(asio::ip::address_v4::loopback(), 0)), client(executor) {
    client.connect(server.local_endpoint());
  }
  udp::socket server;
  udp::socket client;
};

awaitable<void> answer(udp::socket& server, std::size_t count) {
  Datagram room{};
  udp::endpoint from;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size =
        co_await server.async_receive_from(asio::buffer(room), from, use_awaitable);
    bench::require(size == room.size(), "a question");
    bench::put_number(room.data(), bench::number_in(room.data()) + 1);
    co_await server.async_send_to(asio::buffer(room), from, use_awaitable);
  }
}

awaitable<Figures> ping_pong(Job job) {
  const auto executor = co_await asio::this_coro::executor;
  AsioEnds ends(executor);
  Datagram room{};
  const Meter meter;
  asio::co_spawn(executor, answer(ends.server, job.count), asio::detached);
  for (std::size_t i = 0; i < job.count; ++i) {
    bench::put_number(room.data(), i);
    co_await ends.client.async_send(asio::buffer(room), use_awaitable);
    const std::size_t size = co_await ends.client.async_receive(asio::buffer(room), use_awaitable);
    bench::require(size == room.size() && bench::number_in(room.data()) == i + 1, "an answer");
  }
  co_return meter.each(job.count);
}

awaitable<Figures> one_way(Job job) {
  const auto executor = co_await asio::this_coro::executor;
  AsioEnds ends(executor);
  Datagram room{};
  udp::endpoint from;
  const Meter meter;
  for (std::size_t first = 0; first < job.count; first += bench::burst) {
    for (std::size_t i = 0; i < bench::burst; ++i) {
      bench::put_number(room.data(), first + i);
      co_await ends.client.async_send(asio::buffer(room), use_awaitable);
    }
    for (std::size_t i = 0; i < bench::burst; ++i) {
      const std::size_t size =
          co_await ends.server.async_receive_from(asio::buffer(room), from, use_awaitable);
      bench::require(size == room.size() && bench::number_in(room.data()) == first + i,
                     "a datagram");
    }
  }
  co_return meter.each(job.count);
}

awaitable<Figures> segmented(Job job) {
  const auto executor = co_await asio::this_coro::executor;
  AsioEnds ends(executor);
  bench::join_and_split(ends.server.native_handle(), ends.client.native_handle());
  const std::string data = bench::numbered_segments();
  std::vector<char> room(bench::joined_bytes);
  bench::SegmentCheck check;
  udp::endpoint from;
  const Meter meter;
  for (std::size_t sent = 0; sent < job.count; sent += bench::segments) {
    co_await ends.client.async_send(asio::buffer(data), use_awaitable);
    for (check.reset(); !check.all();) {
      const std::size_t size =
          co_await ends.server.async_receive_from(asio::buffer(room), from, use_awaitable);
      check.arrived(room.data(), size);
    }
  }
  co_return meter.each(job.count);
}

struct LookUps {
  std::size_t count;
  std::size_t next = 0;
};

awaitable<void> look_up(LookUps& all) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(executor);
  while (all.next < all.count) {
    const std::size_t i = all.next++;
    const std::string name = bench::name_to_resolve(i);
    const auto found = co_await resolver.async_resolve(name, "80", use_awaitable);
    bool right = false;
    for (const auto& each : found) {
      const asio::ip::address address = each.endpoint().address();
      right = right || (address.is_v4() && address.to_v4().to_uint() == bench::address_of_name(i));
    }
    bench::require(right && found.size() == 2, "a name's addresses");
  }
}

template <std::size_t at_once>
awaitable<Figures> resolve_all(Job job) {
  LookUps all{job.count};
  const Meter meter;
  co_await run_beside(at_once, [&all] { return look_up(all); });
  co_return meter.each(job.count, 1e3);
}

}  // namespace

bench::Cells bench::files_cells() {
  return {{"read-cached", on_context(read_all<0>)},
          {"read-direct", on_context(read_all<O_DIRECT>)},
          {"copy", on_context(copy)}};
}
bench::Cells bench::udp_cells() {
  return {{"udp-ping-pong", on_context(ping_pong)},
          {"udp-one-way", on_context(one_way)},
          {"udp-segments", on_context(segmented)}};
}
bench::Cells bench::dns_cells() {
  return {{"dns", on_context(resolve_all<1>)},
          {"dns-32", on_context(resolve_all<lookups_at_once>)}};
}
