// serve() and serve_until(): connections get their handlers, their number is bounded, what an
// accept loop meets does not end it, and the stop drains, then cancels.
#include <weft/serve.hpp>

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include <weft/http.hpp>
#include <weft/weft.hpp>

#include "os/fault.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::serve_test {
namespace {

using namespace std::chrono_literals;

SocketListener listen_somewhere() { return SocketListener::bind(Endpoint::loopback(0)); }

/// Answers each byte with the same until the client's end.
Task<void> echo(StreamSocket stream) {
  std::array<std::byte, 64> room;
  while (std::size_t size = co_await stream.read(room)) {
    co_await stream.write_all(std::span(room).first(size));
  }
}

/// The same, and ends an idle connection when the server drains.
Task<void> echo_until_drain(StreamSocket stream, ServeContext& context) {
  std::array<std::byte, 64> room;
  for (;;) {
    auto first = co_await select(stream.read(room), context.drain_begun());
    if (!first.has<0>()) co_return;
    const std::size_t size = first.take<0>();
    if (size == 0) co_return;
    co_await stream.write_all(std::span(room).first(size));
  }
}

/// Sends a byte and waits for the answer.
Task<bool> is_answered(StreamSocket& client) {
  std::array<std::byte, 1> byte{std::byte{7}};
  const Result<void> sent = co_await attempt(client.write_all(std::span<const std::byte>(byte)));
  if (!sent) co_return false;
  byte = {};
  const Result<std::size_t> got = co_await attempt(client.read(byte));
  co_return got && *got == 1 && byte[0] == std::byte{7};
}

Task<bool> sees_the_end(StreamSocket& client) {
  std::array<std::byte, 1> room;
  const Result<std::size_t> got = co_await attempt(client.read(room));
  co_return !got || *got == 0;
}

Task<void> expect_answer(StreamSocket& client) {
  const bool answered = co_await is_answered(client);
  EXPECT_TRUE(answered);
}

Task<void> expect_end(StreamSocket& client) {
  const bool ended = co_await sees_the_end(client);
  EXPECT_TRUE(ended);
}

class Serve : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    listener_.emplace(listen_somewhere());
    at_ = listener_->local_endpoint();
  }
  void TearDown() override {
    end_runtime();
    listener_.reset();
    RuntimeTest::TearDown();
  }

  std::optional<SocketListener> listener_;
  Endpoint at_;
  ManualResetEvent stop_;
};
WEFT_ON_ALL_RUNTIMES(Serve);

TEST_P(Serve, GivesEachConnectionAHandlerUntilTheStop) {
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving = spawn(serve_until(*listener_, stop_.wait(), echo));
    for (int i = 0; i < 5; ++i) {
      StreamSocket client = co_await StreamSocket::connect(at_);
      co_await expect_answer(client);
    }
    stop_.set();
    const ServeSummary summary = co_await std::move(serving);
    EXPECT_EQ(summary.accepted, 5U);
    EXPECT_EQ(summary.cancelled, 0U);
    EXPECT_FALSE(*listener_);
  });
}

TEST_P(Serve, LetsHandlersFinishAndRefusesNewClients) {
  ManualResetEvent begun;
  ManualResetEvent may_end;
  std::atomic<bool> drains = false;
  auto handler = [&](StreamSocket stream, ServeContext& context) -> Task<void> {
    begun.set();
    std::array<std::byte, 1> byte;
    co_await stream.read_exact(byte);
    co_await context.drain_begun();
    drains = context.draining();
    co_await may_end.wait();
    co_await stream.write_all(std::span<const std::byte>(byte));
  };
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving =
        spawn(serve_until(*listener_, stop_.wait(), std::ref(handler)));
    StreamSocket client = co_await StreamSocket::connect(at_);
    JoinHandle<bool> answer = spawn(is_answered(client));
    co_await begun.wait();  // a stop refuses connections that were not accepted yet
    stop_.set();
    co_await until([&] { return drains.load(); });
    const Result<StreamSocket> late = co_await attempt(StreamSocket::connect(at_));
    EXPECT_EQ(late.error(), std::errc::connection_refused);
    may_end.set();
    const bool answered = co_await std::move(answer);
    EXPECT_TRUE(answered);
    const ServeSummary summary = co_await std::move(serving);
    EXPECT_EQ(summary.cancelled, 0U);
  });
}

TEST_P(Serve, EndsIdleConnectionsOfHandlersThatAsk) {
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving =
        spawn(serve_until(*listener_, stop_.wait(), echo_until_drain));
    StreamSocket client = co_await StreamSocket::connect(at_);
    co_await expect_answer(client);
    stop_.set();
    co_await expect_end(client);
    const ServeSummary summary = co_await std::move(serving);
    EXPECT_EQ(summary.cancelled, 0U);
  });
}

TEST_P(Serve, BoundsTheNumberOfConnections) {
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  auto handler = [&](StreamSocket stream) -> Task<void> {
    const int here = ++now;
    int seen = most;
    while (here > seen && !most.compare_exchange_weak(seen, here)) {
    }
    co_await echo(std::move(stream));
    --now;
  };
  ServeOptions options;
  options.max_connections = 2;
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving =
        spawn(serve_until(*listener_, stop_.wait(), std::ref(handler), options));
    auto client = [&]() -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(at_);
      co_await expect_answer(stream);
    };
    std::vector<JoinHandle<void>> clients;
    for (int i = 0; i < 12; ++i) clients.push_back(spawn(client));
    for (JoinHandle<void>& each : clients) co_await std::move(each);
    stop_.set();
    const ServeSummary summary = co_await std::move(serving);
    EXPECT_EQ(summary.accepted, 12U);
  });
  EXPECT_LE(most, 2);
}

TEST_P(Serve, TellsTheHookOfAFailureAndServesOn) {
  std::mutex mutex;
  std::vector<std::string> told;
  ServeOptions options;
  options.on_failure = [&](const Endpoint& peer, std::exception_ptr error) {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(peer.is_ipv4());
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& exception) {
      told.emplace_back(exception.what());
    }
  };
  auto handler = [](StreamSocket) -> Task<void> {
    throw std::runtime_error("a bad day");
    co_return;
  };
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving =
        spawn(serve_until(*listener_, stop_.wait(), handler, options));
    for (int i = 0; i < 3; ++i) {
      StreamSocket client = co_await StreamSocket::connect(at_);
      co_await expect_end(client);
    }
    stop_.set();
    co_await std::move(serving);
  });
  EXPECT_EQ(told, std::vector<std::string>(3, "a bad day"));
}

TEST_P(Serve, GivesFailuresWithoutAHookToTheRuntime) {
  allow_failures();
  auto handler = [](StreamSocket) -> Task<void> {
    throw std::runtime_error("a bad day");
    co_return;
  };
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving = spawn(serve_until(*listener_, stop_.wait(), handler));
    StreamSocket client = co_await StreamSocket::connect(at_);
    co_await expect_end(client);
    stop_.set();
    co_await std::move(serving);
  });
  ASSERT_EQ(failures().size(), 1U);
  EXPECT_EQ(failures()[0].what, "a bad day");
}

TEST_P(Serve, GoesOnAfterShortagesAndAbortedConnections) {
  detail::ScopedFaults faults;
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    faults.add({.call = detail::Call::accept4, .errno_value = error});
  }
  faults.add({.call = detail::Call::accept4, .errno_value = ECONNABORTED, .times = 3});
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving = spawn(serve_until(*listener_, stop_.wait(), echo));
    StreamSocket client = co_await StreamSocket::connect(at_);
    co_await expect_answer(client);
    stop_.set();
    client.close();
    const ServeSummary summary = co_await std::move(serving);
    EXPECT_EQ(summary.accepted, 1U);
  });
  EXPECT_EQ(faults.struck(), 7U);
}

TEST_P(Serve, FailsAndCancelsIfTheListenerCannotBeUsed) {
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving = spawn(serve(*listener_, echo));
    StreamSocket client = co_await StreamSocket::connect(at_);
    co_await expect_answer(client);
    detail::ScopedFaults faults;
    faults.add(
        {.call = detail::Call::accept4, .errno_value = EINVAL, .times = detail::Fault::always});
    StreamSocket other = co_await StreamSocket::connect(at_);
    try {
      co_await std::move(serving);
      ADD_FAILURE() << "served";
    } catch (const IoError& error) {
      EXPECT_EQ(std::string(error.what()), "accept " + at_.to_string() + ": invalid argument");
    }
    co_await expect_end(client);
  });
}

TEST_P(Serve, TakesAClosedListenerForAStop) {
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving = spawn(serve(*listener_, echo_until_drain));
    StreamSocket client = co_await StreamSocket::connect(at_);
    co_await expect_answer(client);
    listener_->close();
    co_await expect_end(client);
    const ServeSummary summary = co_await std::move(serving);
    EXPECT_EQ(summary.accepted, 1U);
  });
}

TEST_P(Serve, CancelledEndsHandlersAndLeavesTheListenerOpen) {
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving = spawn(serve_until(*listener_, stop_.wait(), echo));
    StreamSocket client = co_await StreamSocket::connect(at_);
    co_await expect_answer(client);
    serving.cancel();
    const Outcome<ServeSummary> outcome = co_await std::move(serving).outcome();
    EXPECT_TRUE(outcome.cancelled());
    co_await expect_end(client);
    EXPECT_TRUE(*listener_);
    // Another one goes on where it was.
    serving = spawn(serve_until(*listener_, stop_.wait(), echo));
    StreamSocket next = co_await StreamSocket::connect(at_);
    co_await expect_answer(next);
    next.close();
    stop_.set();
    co_await std::move(serving);
  });
}

TEST_P(Serve, ThrowsWhatUntilThrowsAfterTheDrain) {
  auto until_error = [&]() -> Task<void> {
    co_await stop_.wait();
    throw std::runtime_error("no more");
  };
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving = spawn(serve_until(*listener_, until_error(), echo));
    StreamSocket client = co_await StreamSocket::connect(at_);
    co_await expect_answer(client);
    stop_.set();
    co_await expect_answer(client);  // while it drains
    client.close();
    Outcome<ServeSummary> outcome = co_await std::move(serving).outcome();
    EXPECT_THROW(outcome.take(), std::runtime_error);
  });
}

TEST_P(Serve, TakesFibersAsHandlers) {
  auto handler = [](StreamSocket stream) {
    return fiber([its = std::move(stream)]() mutable { await(echo(std::move(its))); });
  };
  run([&]() -> Task<void> {
    JoinHandle<ServeSummary> serving = spawn(serve_until(*listener_, stop_.wait(), handler));
    StreamSocket client = co_await StreamSocket::connect(at_);
    co_await expect_answer(client);
    client.close();
    stop_.set();
    co_await std::move(serving);
  });
}

TEST_P(Serve, StopsAtASignal) {
  run([&]() -> Task<void> {
    Task<int> stop = stop_requested();
    JoinHandle<ServeSummary> serving =
        spawn(serve_until(*listener_, std::move(stop), echo_until_drain));
    StreamSocket client = co_await StreamSocket::connect(at_);
    co_await expect_answer(client);
    ::raise(SIGTERM);
    co_await expect_end(client);
    const ServeSummary summary = co_await std::move(serving);
    EXPECT_EQ(summary.accepted, 1U);
  });
}

TEST_P(Serve, RefusesOptionsOutOfRange) {
  ServeOptions options;
  options.max_connections = 0;
  EXPECT_THROW(static_cast<void>(serve(*listener_, echo, options)), std::invalid_argument);
  options.max_connections = 1;
  options.drain_timeout = -1s;
  EXPECT_THROW(static_cast<void>(serve(*listener_, echo, options)), std::invalid_argument);
}

TEST_P(Serve, ServesHttpUntilASignal) {
  ManualResetEvent asked;
  ManualResetEvent may_answer;
  auto handler = [&](http::Request&) -> Task<http::Response> {
    asked.set();
    co_await may_answer.wait();
    co_return http::Response::text("late");
  };
  http::Server server({}, std::ref(handler));
  run([&]() -> Task<void> {
    JoinHandle<void> serving = spawn(server.serve_until(*listener_, stop_requested()));
    http::Client client;
    JoinHandle<http::Response> answer = spawn(client.get("http://" + at_.to_string() + "/"));
    co_await asked.wait();
    ::raise(SIGINT);
    for (;;) {
      const Result<StreamSocket> late = co_await attempt(StreamSocket::connect(at_));
      if (!late) break;
    }
    may_answer.set();
    const http::Response response = co_await std::move(answer);
    EXPECT_EQ(response.body, "late");
    co_await std::move(serving);
  });
  end_runtime();  // before the server
}

// With virtual time: an hour takes no time.

TEST(ServeDrain, CancelsWhatExceedsTheLimit) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    SocketListener listener = listen_somewhere();
    ManualResetEvent stop;
    auto handler = [](StreamSocket stream) -> Task<void> {
      std::array<std::byte, 1> room;
      const std::size_t size = co_await stream.read(room);
      co_await sleep_for(size == 1 ? std::chrono::seconds(std::to_integer<int>(room[0])) : 0s);
    };
    ServeOptions options;
    options.drain_timeout = 30s;
    JoinHandle<ServeSummary> serving = spawn(serve_until(listener, stop.wait(), handler, options));
    StreamSocket quick = co_await StreamSocket::connect(listener.local_endpoint());
    StreamSocket slow = co_await StreamSocket::connect(listener.local_endpoint());
    co_await quick.write_all(std::string(1, '\x0a'));
    co_await slow.write_all(std::string(1, '\x64'));
    co_await sleep_for(1s);
    const TimePoint stopped = now();
    stop.set();
    const ServeSummary summary = co_await std::move(serving);
    EXPECT_EQ(summary.accepted, 2U);
    EXPECT_EQ(summary.cancelled, 1U);
    EXPECT_GE(now() - stopped, 30s);
    EXPECT_LT(now() - stopped, 31s);
    co_await expect_end(slow);
  });
}

TEST(ServeDrain, OfZeroCancelsAtOnce) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    SocketListener listener = listen_somewhere();
    ManualResetEvent stop;
    ServeOptions options;
    options.drain_timeout = 0s;
    JoinHandle<ServeSummary> serving = spawn(serve_until(listener, stop.wait(), echo, options));
    StreamSocket client = co_await StreamSocket::connect(listener.local_endpoint());
    co_await expect_answer(client);
    const TimePoint before = now();
    stop.set();
    const ServeSummary summary = co_await std::move(serving);
    EXPECT_EQ(summary.cancelled, 1U);
    EXPECT_EQ(now(), before);
  });
}

TEST(ServeBackoff, GrowsAndStartsAnew) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    AcceptBackoff backoff;
    for (const auto expected : {5ms, 10ms, 20ms, 40ms, 80ms, 160ms, 320ms, 500ms, 500ms}) {
      const TimePoint before = now();
      co_await backoff.pause();
      EXPECT_EQ(now() - before, expected);
    }
    backoff.succeeded();
    const TimePoint before = now();
    co_await backoff.pause();
    EXPECT_EQ(now() - before, 5ms);
  });
}

}  // namespace
}  // namespace weft::test::serve_test
