// Listening, accepting and connecting: TCP and Unix sockets, refusals, cancels, errors of the
// system.
#include <unistd.h>

#include <set>

#include "api/net_support.hpp"
#include "os/fault.hpp"

namespace weft::testing::net_listener_test {
namespace {

class NetListener : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, NetListener, ::testing::Values(0, 1, 2, 8), name_of_workers);

TEST(NetListenerErrors, NameTheAddress) {
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  EXPECT_NE(listener.local_endpoint().port(), 0);
  const std::string taken = listener.local_endpoint().to_string();
  const auto text_of = [](std::string_view at) -> std::string {
    try {
      static_cast<void>(SocketListener::bind(at));
    } catch (const IoError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(text_of(taken), "listen " + taken + ": address already in use");
  EXPECT_EQ(text_of("127.0.0.1:99999"), "listen 127.0.0.1:99999: the port must be 0..65535");
  EXPECT_EQ(text_of("192.0.2.1:80"), "listen 192.0.2.1:80: cannot assign requested address");
  EXPECT_EQ(text_of("unix:/no/such/folder/x"),
            "listen unix:/no/such/folder/x: no such file or directory");
  EXPECT_EQ(SocketListener::listen(Endpoint()).error(), std::errc::invalid_argument);
}

TEST(NetListenerErrors, ReusePortSharesThePort) {
  ListenOptions options;
  options.reuse_port = true;
  SocketListener first = SocketListener::bind(Endpoint::loopback(0), options);
  EXPECT_TRUE(SocketListener::listen(first.local_endpoint(), options).has_value());
  EXPECT_FALSE(SocketListener::listen(first.local_endpoint()).has_value());
}

TEST(NetListenerErrors, EveryStepOfListeningMayFail) {
  const std::size_t before = open_handles();
  for (const detail::Call call :
       {detail::Call::socket, detail::Call::setsockopt, detail::Call::bind, detail::Call::listen,
        detail::Call::getsockname}) {
    detail::ScopedFaults faults;
    faults.add({.call = call, .errno_value = ENOBUFS});
    const Result<SocketListener> listener = SocketListener::listen(Endpoint::loopback(0));
    EXPECT_EQ(listener.error(), std::errc::no_buffer_space);
    EXPECT_EQ(faults.struck(), 1U);
  }
  EXPECT_EQ(open_handles(), before);
}

TEST_P(NetListener, RefusedNamesTheAddress) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    const Endpoint gone = listener.local_endpoint();
    listener.close();
    EXPECT_FALSE(static_cast<bool>(listener));
    const std::string text = co_await error_text(StreamSocket::connect(gone));
    EXPECT_EQ(text, "connect " + gone.to_string() + ": connection refused");
    const Result<StreamSocket> stream = co_await attempt(StreamSocket::connect(gone));
    EXPECT_EQ(stream.error(), std::errc::connection_refused);
    const std::string by_name =
        co_await error_text(StreamSocket::connect("localhost", gone.port()));
    EXPECT_EQ(by_name, "connect localhost:" + std::to_string(gone.port()) + " (" +
                           gone.to_string() + "): connection refused");
    const std::string by_text = co_await error_text(StreamSocket::connect(gone.to_string()));
    EXPECT_EQ(by_text, "connect " + gone.to_string() + ": connection refused");
  });
}

TEST_P(NetListener, ConnectTellsWhatIsWrongWithTheAddress) {
  run([]() -> Task<void> {
    const std::string no_port =
        co_await error_text(StreamSocket::connect(std::string("localhost")));
    EXPECT_EQ(no_port, "connect localhost: the port is missing");
    const std::string nothing = co_await error_text(StreamSocket::connect(Endpoint()));
    EXPECT_EQ(nothing, "connect -: invalid argument");
    const std::string no_path = co_await error_text(StreamSocket::connect(std::string("unix:")));
    EXPECT_EQ(no_path, "connect unix:: the path is missing");
  });
}

TEST_P(NetListener, ConnectsByName) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    const std::uint16_t port = listener.local_endpoint().port();
    auto both = co_await when_all(listener.accept(), StreamSocket::connect("localhost", port));
    EXPECT_EQ(std::get<1>(both).peer_endpoint(), listener.local_endpoint());
    const std::string text = "localhost:" + std::to_string(port);
    auto more = co_await when_all(listener.accept(), StreamSocket::connect(text));
    EXPECT_EQ(std::get<1>(more).peer_endpoint(), listener.local_endpoint());
  });
}

TEST_P(NetListener, UnixSocketsByPathAndByAbstractName) {
  const std::string unique = std::to_string(getpid()) + "-" + std::to_string(GetParam());
  const std::string path = ::testing::TempDir() + "weft-net-" + unique;
  for (const std::string& at : {"unix:" + path, "unix:@weft-net-" + unique}) {
    const std::string text = run([at]() -> Task<std::string> {
      SocketListener listener = SocketListener::bind(at);
      EXPECT_EQ(listener.local_endpoint().to_string(), at);
      auto both = co_await when_all(listener.accept(), StreamSocket::connect(at));
      StreamSocket& server = std::get<0>(both);
      StreamSocket& client = std::get<1>(both);
      EXPECT_EQ(server.peer_endpoint().to_string(), "unix:");
      EXPECT_EQ(client.peer_endpoint().to_string(), at);
      EXPECT_FALSE(client.set_no_delay(true).has_value());
      co_await client.write_all("over unix");
      client.close();
      std::string back = co_await read_all(server);
      co_return back;
    });
    EXPECT_EQ(text, "over unix");
  }
  EXPECT_EQ(unlink(path.c_str()), 0);
}

/// Accepts under deadlines so short that many of them expire while a connection arrives.
Task<void> accept_all(SocketListener& listener, std::set<unsigned>& seen, unsigned count) {
  for (unsigned i = 0; seen.size() < count; ++i) {
    Result<StreamSocket> stream =
        co_await attempt(timeout(listener.accept(), std::chrono::microseconds(i % 200)));
    if (!stream) {
      EXPECT_EQ(stream.error(), std::errc::timed_out);
      continue;
    }
    std::array<std::byte, sizeof(unsigned)> number;
    co_await stream->read_exact(number);
    seen.insert(std::bit_cast<unsigned>(number));
  }
}

TEST_P(NetListener, ACancelledAcceptLosesNoConnection) {
  constexpr unsigned count = 500;
  const std::set<unsigned> seen = run([]() -> Task<std::set<unsigned>> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    JoinHandle<void> clients = spawn([to = listener.local_endpoint()]() -> Task<void> {
      for (unsigned i = 0; i < count; ++i) {
        StreamSocket stream = co_await StreamSocket::connect(to);
        const auto number = std::bit_cast<std::array<std::byte, sizeof i>>(i);
        co_await stream.write_all(number);
      }
    });
    std::set<unsigned> numbers;
    co_await accept_all(listener, numbers, count);
    co_await std::move(clients);
    co_return numbers;
  });
  EXPECT_EQ(seen.size(), count);
}

TEST_P(NetListener, ACancelledConnectClosesItsSocket) {
  run([]() -> Task<void> {
    ListenOptions options;
    options.backlog = 0;
    SocketListener listener = SocketListener::bind(Endpoint::loopback(0), options);
    std::vector<StreamSocket> filling;  // until the queue is full and a connect has to wait
    for (;;) {
      Result<StreamSocket> stream = co_await attempt(
          timeout(StreamSocket::connect(listener.local_endpoint()), std::chrono::milliseconds(20)));
      if (!stream) {
        EXPECT_EQ(stream.error(), std::errc::timed_out);
        break;
      }
      filling.push_back(std::move(*stream));
    }
    EXPECT_LE(filling.size(), 10U);
  });
}

TEST_P(NetListener, ShutdownOfTheRuntimeEndsWaitingAccepts) {
  RuntimeOptions options;
  options.workers = std::max<std::size_t>(GetParam(), 1);
  Runtime runtime(std::move(options));
  Atomic<bool> went_on{false};
  runtime
      .spawn([&went_on]() -> Task<void> {
        SocketListener listener = SocketListener::bind("127.0.0.1:0");
        StreamSocket stream = co_await listener.accept();
        went_on.store(true, std::memory_order_relaxed);
      })
      .detach();
  runtime.shutdown();
  EXPECT_FALSE(went_on.load(std::memory_order_relaxed));
  EXPECT_EQ(runtime.live_tasks(), 0U);
}

TEST_P(NetListener, FailedConnectionsArePassedOverAndTheLackOfHandlesIsTold) {
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::accept4, .errno_value = ECONNABORTED, .times = 3});
  faults.add({.call = detail::Call::accept4, .errno_value = EMFILE, .skip = 1});
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    const std::string at = listener.local_endpoint().to_string();
    StreamSocket client = co_await StreamSocket::connect(listener.local_endpoint());
    StreamSocket server = co_await listener.accept();
    StreamSocket second = co_await StreamSocket::connect(listener.local_endpoint());
    const std::string text = co_await error_text(listener.accept());
    EXPECT_EQ(text, "accept " + at + ": too many open files");
    StreamSocket accepted = co_await listener.accept();  // the connection has waited
    EXPECT_EQ(accepted.peer_endpoint(), second.local_endpoint().value());
  });
  EXPECT_EQ(faults.struck(), 4U);
}

TEST_P(NetListener, WhatAConnectionMetBeforeItWasAcceptedIsPassedOver) {
  for (const int error :
       {ECONNABORTED, ECONNRESET, EPERM, EPROTO, ENOPROTOOPT, EOPNOTSUPP, EPROTONOSUPPORT,
        ETIMEDOUT, ENETDOWN, ENETUNREACH, EHOSTUNREACH, ESOCKTNOSUPPORT, EHOSTDOWN, ENONET}) {
    detail::ScopedFaults faults;
    faults.add({.call = detail::Call::accept4, .errno_value = error, .times = 2});
    run([]() -> Task<void> {
      SocketListener listener = SocketListener::bind("127.0.0.1:0");
      StreamSocket client = co_await StreamSocket::connect(listener.local_endpoint());
      const Result<StreamSocket> server = co_await attempt(listener.accept());
      EXPECT_TRUE(server) << server.error().message();
    });
    EXPECT_EQ(faults.struck(), 2U) << error;
  }
}

TEST_P(NetListener, AnErrorThatLastsIsToldAndStopsNoWorker) {
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::accept4, .errno_value = EPERM, .times = detail::Fault::always});
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    const Result<StreamSocket> server = co_await attempt(listener.accept());
    EXPECT_EQ(server.error(), std::errc::operation_not_permitted);
  });
}

TEST_P(NetListener, EveryStepOfConnectingMayFail) {
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  const Endpoint to = listener.local_endpoint();
  for (const detail::Call call :
       {detail::Call::socket, detail::Call::setsockopt, detail::Call::connect}) {
    detail::ScopedFaults faults;
    faults.add({.call = call, .errno_value = ENOBUFS});
    const std::string text = run([to]() -> Task<std::string> {
      std::string what = co_await error_text(StreamSocket::connect(to));
      co_return what;
    });
    EXPECT_EQ(text, "connect " + to.to_string() + ": no buffer space available");
    EXPECT_EQ(faults.struck(), 1U);
  }
}

}  // namespace
}  // namespace weft::testing::net_listener_test
