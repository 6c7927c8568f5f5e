// Objects that are destroyed before the runtime whose tasks use them: the order of local variables
// that comes to mind first.
#include <atomic>
#include <optional>

#include "api/http_support.hpp"

namespace weft::testing::lifetime_order_test {
namespace {

class LifetimeOrder : public Net {
 protected:
  RuntimeOptions options() {
    RuntimeOptions options;
    options.workers = GetParam();
    options.current_thread = GetParam() == 0;
    options.on_failure = [this](const UnhandledFailure& failure) {
      try {
        std::rethrow_exception(failure.error);
      } catch (const IoError& error) {
        if (error.code() == std::errc::operation_canceled) return;
      } catch (...) {
      }
      ++other_failures_;
    };
    return options;
  }
  void TearDown() override {
    EXPECT_EQ(other_failures_.load(), 0);
    Net::TearDown();
  }

 private:
  std::atomic<int> other_failures_{0};
};
INSTANTIATE_TEST_SUITE_P(Runtimes, LifetimeOrder, ::testing::Values(0, 1, 2, 8), name_of_workers);

/// A request that is in its handler.
Task<void> begin_request(Endpoint at, std::optional<StreamSocket>& client,
                         const std::atomic<int>& begun) {
  StreamSocket stream = co_await StreamSocket::connect(at);
  co_await stream.write_all(get("/"));
  client.emplace(std::move(stream));
  co_await until([&begun] { return begun.load() != 0; });
}

TEST_P(LifetimeOrder, AServerAndItsListenerGoBeforeTheRuntime) {
  for (const bool listener_first : {false, true}) {
    std::atomic<int> begun = 0;
    std::optional<StreamSocket> client;
    Runtime runtime(options());
    std::optional<SocketListener> listener(SocketListener::bind("127.0.0.1:0"));
    const auto handler = [&begun](http::Request&) -> Task<http::Response> {
      ++begun;
      co_await sleep_for(hours(1));
      co_return http::Response::text("too late");
    };
    std::optional<http::Server> server(std::in_place, patient(), handler);
    runtime.spawn([&] { return server->serve(*listener); }).detach();
    runtime.spawn(server->serve(*listener)).detach();
    runtime.block_on(begin_request(listener->local_endpoint(), client, begun));
    if (listener_first) {
      listener.reset();
      server.reset();
    } else {
      server.reset();
      listener.reset();
    }
  }
}

TEST_P(LifetimeOrder, AServerGoesBeforeItsTaskHasBegun) {
  Runtime runtime(options());
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  http::Server server({}, [](http::Request&) { return http::Response::text("hello"); });
  runtime.spawn(server.serve(listener)).detach();
}

TEST_P(LifetimeOrder, TheEndOfAServerEndsServeWithoutATimeToDrain) {
  run([]() -> Task<void> {
    std::atomic<int> begun = 0;
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    std::optional<http::Server> server(std::in_place, patient(),
                                       [&begun](http::Request&) -> Task<http::Response> {
                                         ++begun;
                                         co_await sleep_for(hours(1));
                                         co_return http::Response::text("too late");
                                       });
    JoinHandle<void> serving = spawn(server->serve(listener));
    std::optional<StreamSocket> client;
    co_await begin_request(listener.local_endpoint(), client, begun);
    server.reset();
    co_await std::move(serving);
    const std::string rest = co_await read_rest(*client);
    EXPECT_EQ(rest, "");
  });
}

TEST_P(LifetimeOrder, AClientGoesBeforeItsRequests) {
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  const std::string url = "http://" + listener.local_endpoint().to_string() + "/";
  Runtime runtime(options());
  std::optional<http::Client> client(std::in_place);
  JoinHandle<http::Response> response = runtime.spawn(client->get(url));
  runtime.spawn(client->get(url)).detach();
  client.reset();
  runtime.block_on([&]() -> Task<void> {
    StreamSocket stream = co_await listener.accept();
    std::array<std::byte, 4> head;
    co_await stream.read_exact(head);
    StreamSocket other = co_await listener.accept();
    co_await other.read_exact(head);  // what comes before the request is no answer to it
    co_await stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    co_await other.write_all("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    const http::Response answer = co_await std::move(response);
    EXPECT_EQ(answer.body, "ok");
  });
}

TEST_P(LifetimeOrder, SocketsGoBeforeTheTasksThatUseThem) {
  std::array<std::byte, 8> room;
  Runtime runtime(options());
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  Pair pair = runtime.block_on([&listener] { return connect_to(listener); });
  StreamSocket::Halves halves = std::move(pair.client).split();
  Pollable pollable(pair.server.native_handle());
  const auto begin_all = [&]() -> Task<void> {
    auto body = [&](Scope& scope) -> Task<void> {
      scope.spawn([&]() -> Task<void> { co_await pair.server.read_exact(room); });
      scope.spawn([&]() -> Task<void> { co_await halves.reader.readable(); });
      scope.spawn([&]() -> Task<void> { static_cast<void>(co_await listener.accept()); });
      scope.spawn([&]() -> Task<void> { co_await pollable.readable(); });
      co_return;
    };
    co_await scope(body);
  };
  runtime.spawn(SpawnOptions().on_worker(0), begin_all).detach();
  runtime.block_on([&]() -> Task<void> {
    co_await spawn(SpawnOptions().on_worker(0), []() -> Task<void> {
      for (int i = 0; i < 20; ++i) co_await yield_now();
    });
  });
}

TEST(LifetimeOrderDeathTest, ALockThatATaskWaitsForNamesTheOrder) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto wrong_order = [] {
    RuntimeOptions options;
    options.current_thread = true;
    Runtime runtime(std::move(options));
    Semaphore semaphore(0);
    runtime.spawn([&]() -> Task<void> { auto permit = co_await semaphore.acquire(); }).detach();
    runtime.block_on([]() -> Task<void> { co_await yield_now(); });
  };
  EXPECT_DEATH(wrong_order(), "a semaphore is destroyed while a task waits: .*declare a Runtime");
}

}  // namespace
}  // namespace weft::testing::lifetime_order_test
