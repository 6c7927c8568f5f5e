// The end of a handle under its operations: close(), a move-assignment, a destructor, on the same
// and on other threads.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <thread>
#include <weft/http.hpp>

#include "api/net_support.hpp"
#include "os/fd.hpp"

namespace weft::testing::net_close_test {
namespace {

using namespace std::chrono_literals;

class NetClose : public Net {
 protected:
  /// run() on one worker, where wait_here() tells when a spawned task waits: an object may be
  /// destroyed under an operation only once that has begun.
  template <class W>
  void run_here(W work) {
    run([&work]() -> Task<void> { co_await spawn(SpawnOptions().on_worker(0), std::move(work)); });
  }
};
INSTANTIATE_TEST_SUITE_P(Runtimes, NetClose, ::testing::Values(0, 1, 2, 8), name_of_workers);

/// Awaits `operation` of a handle that is closed meanwhile. A test that waits for ever says less.
template <class Operation>
Task<std::error_code> error_of(Operation operation) {
  try {
    static_cast<void>(co_await timeout(std::move(operation), 20s));
  } catch (const IoError& error) {
    co_return error.code();
  }
  co_return std::error_code();
}

template <class W>
auto spawn_here(W work) {
  return spawn(SpawnOptions().local(), std::move(work));
}

/// Lets the tasks of this worker run until they wait. Tasks of other workers get a chance to; if
/// one has not begun, its operation must end in the same way.
Task<void> wait_here() {
  for (int i = 0; i < 20; ++i) co_await yield_now();
}

/// What a task may wait for on a stream whose peer neither sends nor reads.
struct Kind {
  const char* name;
  std::function<Task<std::error_code>(StreamSocket&)> wait;
};

std::vector<Kind> kinds() {
  static std::array<std::byte, 64> room;
  static const std::string large = pattern(16 * 1024 * 1024);
  return {
      {"read", [](StreamSocket& on) { return error_of(on.read(room)); }},
      {"read_exact", [](StreamSocket& on) { return error_of(on.read_exact(room)); }},
      {"read_vectored",
       [](StreamSocket& on) -> Task<std::error_code> {
         const std::array<IoSlice, 1> slices{IoSlice{room.data(), room.size()}};
         const std::error_code error = co_await error_of(on.read_vectored(slices));
         co_return error;
       }},
      {"readable", [](StreamSocket& on) { return error_of(on.readable()); }},
      {"write_all", [](StreamSocket& on) { return error_of(on.write_all(large)); }},
      {"write_all_vectored",
       [](StreamSocket& on) -> Task<std::error_code> {
         std::array<IoSlice, 2> slices{slice_of(bytes_of(large)), slice_of(bytes_of(large))};
         const std::error_code error = co_await error_of(on.write_all_vectored(slices));
         co_return error;
       }},
  };
}

struct Ending {
  const char* name;
  std::function<void(std::optional<StreamSocket>&)> end;
};

std::vector<Ending> endings() {
  return {
      {"close", [](std::optional<StreamSocket>& stream) { stream->close(); }},
      {"move-assignment",
       [](std::optional<StreamSocket>& stream) {
         StreamSocket other = std::move(*stream);
         StreamSocket another = std::move(other);
         other = std::move(another);
         StreamSocket empty = std::move(other);
         empty = std::move(other);  // over the open one, from one without a socket
       }},
      {"destructor", [](std::optional<StreamSocket>& stream) { stream.reset(); }},
  };
}

/// The peer's view: whether the connection ends.
Task<bool> sees_the_end(StreamSocket& peer) {
  std::array<std::byte, 4096> room;
  for (;;) {
    const Result<std::size_t> got = co_await attempt(timeout(peer.read(room), 20s));
    if (!got) co_return got.error() != std::errc::timed_out;
    if (*got == 0) co_return true;
  }
}

TEST_P(NetClose, EndsEveryOperationThatWaitsAndThenTheHandle) {
  for (const Kind& kind : kinds()) {
    for (const Ending& ending : endings()) {
      SCOPED_TRACE(std::string(kind.name) + ", " + ending.name);
      run_here([&]() -> Task<void> {
        Pair pair = co_await make_pair();
        std::optional<StreamSocket> ours(std::move(pair.server));
        JoinHandle<std::error_code> waiting = spawn_here([&] { return kind.wait(*ours); });
        co_await wait_here();
        EXPECT_FALSE(waiting.ended());
        ending.end(ours);
        const std::error_code error = co_await std::move(waiting);
        EXPECT_EQ(error, std::errc::operation_canceled);
        const bool ended = co_await sees_the_end(pair.client);
        EXPECT_TRUE(ended);
      });
    }
  }
}

TEST_P(NetClose, OnAnotherThreadThanTheOperation) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    run([&]() -> Task<void> {
      for (int round = 0; round < 10; ++round) {
        Pair pair = co_await make_pair();
        JoinHandle<std::error_code> waiting = spawn([&] { return kind.wait(pair.server); });
        if (round % 2 == 0) co_await yield_now();
        std::thread other([&] { pair.server.close(); });
        const std::error_code error = co_await std::move(waiting);
        EXPECT_EQ(error, std::errc::operation_canceled);
        other.join();
        const bool ended = co_await sees_the_end(pair.client);
        EXPECT_TRUE(ended);
      }
    });
  }
}

TEST_P(NetClose, OfASocketWithManyOperationsOnAllWorkers) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    std::vector<JoinHandle<std::error_code>> waiting;
    for (int i = 0; i < 60; ++i) {
      const Kind kind = kinds()[static_cast<std::size_t>(i) % 4];  // those that read
      waiting.push_back(spawn([&pair, kind] { return kind.wait(pair.server); }));
    }
    co_await wait_here();
    pair.server.close();
    for (JoinHandle<std::error_code>& one : waiting) {
      const std::error_code error = co_await std::move(one);
      EXPECT_EQ(error, std::errc::operation_canceled);
    }
  });
}

TEST_P(NetClose, AfterwardsEveryCallFailsAlike) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    const Endpoint peer = pair.server.peer_endpoint();
    pair.server.close();
    pair.server.close();
    EXPECT_FALSE(static_cast<bool>(pair.server));
    for (const Kind& kind : kinds()) {
      const std::error_code error = co_await kind.wait(pair.server);
      EXPECT_EQ(error, std::errc::operation_canceled) << kind.name;
    }
    std::array<std::byte, 1> room;
    const std::string text = co_await error_text(pair.server.read(room));
    EXPECT_EQ(text.substr(0, text.find(':', 20)), "read " + peer.to_string());
    EXPECT_EQ(pair.server.peer_endpoint(), peer);
    EXPECT_EQ(pair.server.native_handle(), invalid_handle);
    EXPECT_EQ(pair.server.local_endpoint().error(), std::errc::operation_canceled);
    EXPECT_EQ(pair.server.shutdown().error(), std::errc::operation_canceled);
    EXPECT_EQ(pair.server.set_no_delay(true).error(), std::errc::operation_canceled);
    EXPECT_EQ(pair.server.no_delay().error(), std::errc::operation_canceled);
    EXPECT_EQ(pair.server.set_linger(1s).error(), std::errc::operation_canceled);
    EXPECT_EQ(pair.server.send_buffer().error(), std::errc::operation_canceled);
  });
}

TEST_P(NetClose, OfAHalfEndsItsDirectionAlone) {
  run_here([]() -> Task<void> {
    for (const bool assigns : {false, true}) {
      Pair pair = co_await make_pair();
      StreamSocket::Halves halves = std::move(pair.server).split();
      std::optional<ReadHalf> reader(std::move(halves.reader));
      std::array<std::byte, 8> room;
      JoinHandle<std::error_code> reading =
          spawn_here([&] { return error_of(reader->read(room)); });
      JoinHandle<std::error_code> polling =
          spawn_here([&] { return error_of(reader->readable()); });
      co_await wait_here();
      if (assigns) {
        ReadHalf other = std::move(*reader);
        *reader = std::move(other);  // nothing ends: it is the same socket
        ReadHalf gone = std::move(*reader);
        gone = std::move(*reader);
      } else {
        reader.reset();
      }
      const std::error_code read_error = co_await std::move(reading);
      EXPECT_EQ(read_error, std::errc::operation_canceled);
      const std::error_code poll_error = co_await std::move(polling);
      EXPECT_EQ(poll_error, std::errc::operation_canceled);

      co_await halves.writer.write_all("written");
      std::array<std::byte, 7> seen;
      co_await pair.client.read_exact(seen);
      static const std::string large = pattern(16 * 1024 * 1024);
      JoinHandle<std::error_code> writing =
          spawn_here([&] { return error_of(halves.writer.write_all(large)); });
      co_await yield_now();
      halves.writer.close();
      const std::error_code write_error = co_await std::move(writing);
      EXPECT_EQ(write_error, std::errc::operation_canceled);
      const bool ended = co_await sees_the_end(pair.client);
      EXPECT_TRUE(ended) << "the second half closes the socket";
    }
  });
}

TEST_P(NetClose, OfAListenerEndsTheAccepts) {
  run_here([]() -> Task<void> {
    for (const int how : {0, 1, 2}) {
      std::optional<SocketListener> listener(SocketListener::bind("127.0.0.1:0"));
      const Endpoint at = listener->local_endpoint();
      std::vector<JoinHandle<std::error_code>> accepting;
      for (int i = 0; i < 5; ++i) {
        accepting.push_back(spawn_here([&] { return error_of(listener->accept()); }));
      }
      co_await wait_here();
      if (how == 0) listener->close();
      if (how == 1) listener.reset();
      if (how == 2) *listener = SocketListener::bind("127.0.0.1:0");
      for (JoinHandle<std::error_code>& one : accepting) {
        const std::error_code error = co_await std::move(one);
        EXPECT_EQ(error, std::errc::operation_canceled);
      }
      const Result<StreamSocket> refused = co_await attempt(StreamSocket::connect(at));
      EXPECT_EQ(refused.error(), std::errc::connection_refused) << how;
      if (how == 0) {
        const std::string text = co_await error_text(listener->accept());
        EXPECT_TRUE(text.starts_with("accept " + at.to_string() + ": ")) << text;
      }
    }
  });
}

TEST_P(NetClose, OfAPollableEndsTheWaitsAndLeavesTheHandle) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const detail::Fd reader(ends[0]);
  const detail::Fd writer(ends[1]);
  run_here([&]() -> Task<void> {
    for (const bool destroys : {false, true}) {
      std::optional<Pollable> pollable(std::in_place, reader.get());
      JoinHandle<std::error_code> first =
          spawn_here([&] { return error_of(pollable->readable()); });
      JoinHandle<std::error_code> second =
          spawn_here([&] { return error_of(pollable->readable()); });
      co_await wait_here();
      if (destroys) {
        pollable.reset();
      } else {
        pollable->close();
      }
      const std::error_code first_error = co_await std::move(first);
      EXPECT_EQ(first_error, std::errc::operation_canceled);
      const std::error_code second_error = co_await std::move(second);
      EXPECT_EQ(second_error, std::errc::operation_canceled);
      EXPECT_EQ(write(writer.get(), "x", 1), 1);
      co_await wait_readable(reader.get());
      char got = 0;
      EXPECT_EQ(read(reader.get(), &got, 1), 1);
    }
  });
}

TEST_P(NetClose, OfAnEventQueueEndsTheWaitForIt) {
  run_here([]() -> Task<void> {
    for (const int how : {0, 1, 2}) {
      std::optional<EventQueue> queue(EventQueue::create().value());
      std::array<Event, 4> room;
      JoinHandle<std::error_code> waiting = spawn_here([&] {
        const TimePoint limit = how == 0 ? TimePoint::max() : deadline_after(1h);
        return error_of(wait_for_events(*queue, room, limit));
      });
      co_await wait_here();
      if (how == 0) queue.reset();
      if (how == 1) queue = EventQueue::create().value();
      if (how == 2) {
        std::thread other([&] { queue.reset(); });
        other.join();
      }
      const std::error_code error = co_await std::move(waiting);
      EXPECT_EQ(error, std::errc::operation_canceled) << how;
    }
  });
}

TEST_P(NetClose, OfAListenerEndsTheServerThatAcceptsFromIt) {
  const std::string text = run([]() -> Task<std::string> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    http::Server server({}, [](http::Request&) { return http::Response::text("hello\n"); });
    const std::string at = listener.local_endpoint().to_string();
    JoinHandle<std::string> serving = spawn([&] { return error_text(server.serve(listener)); });
    http::Client client;
    const http::Response response = co_await client.get("http://" + at + "/");
    EXPECT_EQ(response.body, "hello\n");
    listener.close();
    std::string what = co_await std::move(serving);
    EXPECT_TRUE(what.starts_with("accept " + at + ": ")) << what;
    co_return what;
  });
  EXPECT_NE(text, "no error");
}

TEST_P(NetClose, BesideACancelOfTheTask) {
  run([]() -> Task<void> {
    for (int round = 0; round < 50; ++round) {
      Pair pair = co_await make_pair();
      std::array<std::byte, 8> room;
      JoinHandle<std::size_t> waiting = spawn([&]() -> Task<std::size_t> {
        const std::size_t got = co_await pair.server.read(room);
        co_return got;
      });
      if (round % 2 == 0) co_await yield_now();
      std::thread other([&] { pair.server.close(); });
      waiting.cancel();
      const std::string text = co_await error_text(std::move(waiting));
      EXPECT_NE(text.find("cancel"), std::string::npos) << text;
      other.join();
    }
  });
}

TEST_P(NetClose, KeepsWhatCameBeforeIt) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    std::array<std::byte, 8> room;
    JoinHandle<std::size_t> reading = spawn([&]() -> Task<std::size_t> {
      const std::size_t got = co_await pair.server.read(room);
      co_return got;
    });
    co_await pair.client.write_all("abc");
    const std::size_t got = co_await std::move(reading);
    pair.server.close();
    EXPECT_EQ(got, 3U);
  });
}

/// Each connection has a letter of its own; a read that gives another one had met a number that was
/// used again.
Task<std::size_t> read_letters(StreamSocket& stream, char letter) {
  std::array<std::byte, 16> room;
  std::size_t sum = 0;
  for (;;) {
    const Result<std::size_t> got = co_await attempt(stream.read(room));
    if (!got) {
      EXPECT_EQ(got.error(), std::errc::operation_canceled);
      co_return sum;
    }
    EXPECT_NE(*got, 0U);
    for (std::size_t i = 0; i < *got; ++i) EXPECT_EQ(static_cast<char>(room[i]), letter);
    sum += *got;
  }
}

TEST_P(NetClose, NeverLetsAnOperationMeetTheNextHandle) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    for (int round = 0; round < 20; ++round) {
      const char letter = static_cast<char>('a' + round % 26);
      Pair pair = co_await connect_to(listener);
      const std::string text(16, letter);
      JoinHandle<std::size_t> reading =
          spawn([&pair, letter] { return read_letters(pair.server, letter); });
      JoinHandle<void> writing = spawn([&pair, &text]() -> Task<void> {
        for (;;) {
          const Result<void> written = co_await attempt(pair.client.write_all(text));
          if (!written) co_return;
          co_await yield_now();
        }
      });
      std::thread closer([&pair, round] {
        for (int i = 0; i < round * 200; ++i) spin_hint();
        pair.server.close();
      });
      // Its sockets get the numbers of those that were closed.
      const Pair next = co_await connect_to(listener);
      co_await std::move(reading);
      closer.join();
      pair.client.close();
      co_await std::move(writing);
      const std::size_t stray = static_cast<std::size_t>(
          recv(next.server.native_handle(), &const_cast<std::string&>(text)[0], 1, MSG_DONTWAIT));
      EXPECT_EQ(stray, static_cast<std::size_t>(-1)) << "a write met the next handle";
    }
  });
}

}  // namespace
}  // namespace weft::testing::net_close_test
