// The connections that http::Client keeps between requests: what comes on them unasked, how long
// they are kept, and how many.
#include "api/http_client_support.hpp"

#include <gtest/gtest.h>

#include "os/fault.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::http_client_idle_test {
namespace {

using http::Client;
using http::ClientOptions;
using http::ClientRequest;
using http::Errc;
using http::Method;
using http::Response;

class HttpIdleConnection : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpIdleConnection, transports_over_tcp(), name_of_transport);

/// A request with the method on a connection on which the peer has sent `unasked` after its first
/// answer. Each answer has the number of its connection.
Task<void> ask_after(std::string unasked, Method method) {
  ManualResetEvent answered;
  ManualResetEvent spoken;
  auto serve = [&](StreamSocket& stream, int number) -> Task<void> {
    static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
    const std::string fields = "X-Connection: " + std::to_string(number) + "\r\n";
    co_await stream.write_all(answer_of("", fields));
    if (number == 1) {
      co_await answered.wait();
      co_await stream.write_all(unasked);
      if (unasked.empty()) {
        EXPECT_TRUE(stream.shutdown());
      }
      co_await until_received(stream);
      spoken.set();
    }
    static_cast<void>(co_await read_rest(stream));
  };
  auto visit = [&](const std::string& url) -> Task<void> {
    Client client(over_transport());
    const Response first = co_await client.get(url);
    EXPECT_EQ(first.headers.find("x-connection"), "1");
    EXPECT_EQ(client.idle_connections(), 1U);
    answered.set();
    co_await spoken.wait();
    const Response second = co_await client.request(ClientRequest(method, url));
    EXPECT_EQ(second.status, 200) << unasked;
    EXPECT_EQ(second.headers.find("x-connection"), "2") << unasked;
    EXPECT_EQ(client.idle_connections(), 1U);
  };
  co_await with_peer(std::move(serve), std::move(visit));
}

TEST_P(HttpIdleConnection, WhatCameBeforeARequestIsNeverItsResponse) {
  const std::string unasked[] = {
      answer_of("", "X-Connection: 0\r\n"),
      "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n",
      "H",
      "",  // the end of the stream
  };
  for (const std::string& bytes : unasked) {
    for (const Method method : {Method::get, Method::head, Method::put, Method::post}) {
      run([&] { return ask_after(bytes, method); });
    }
  }
}

/// Sends a complete response to each connection at once, without a request.
Task<void> greet(SocketListener& listener) {
  std::vector<StreamSocket> greeted;
  for (;;) {
    StreamSocket stream = co_await listener.accept();
    co_await stream.write_all(answer_of("a greeting"));
    greeted.push_back(std::move(stream));
  }
}

// Nearly always the peer's task runs before the client's, whose connection has been made meanwhile.
TEST(HttpFreshConnection, WhatCameBeforeTheRequestIsNotItsResponse) {
  weft::block_on([]() -> Task<void> {
    SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
    const std::string url = "http://" + listener.local_endpoint().to_string() + "/";
    bool is_refused = false;
    co_await scope([&](Scope& children) -> Task<void> {
      children.spawn([&listener] { return greet(listener); }).detach();
      ClientOptions options;
      options.max_idle = 0;
      Client client(over_transport(options));
      for (int attempt = 0; attempt < 1000 && !is_refused; ++attempt) {
        const Failure failure = co_await failure_of(client.get(url));
        is_refused = failure.code == Errc::unasked_response;
      }
      children.cancel_children();
    });
    EXPECT_TRUE(is_refused);
  });
}

TEST_P(HttpIdleConnection, AResponseTellsWhetherItWasKept) {
  struct Case {
    std::string answer;
    std::size_t max_idle_per_host;
    std::size_t max_idle;
    bool kept;
  };
  const Case cases[] = {
      {answer_of("a"), 1, 1, true},
      {answer_of("a"), 0, 1, false},
      {answer_of("a"), 1, 0, false},
      {answer_of("a", "Connection: close\r\n"), 1, 1, false},
      {answer_of("a") + "more", 1, 1, false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 1, 1, false},
      {"HTTP/1.1 200 OK\r\n\r\nup to the end", 1, 1, false},
  };
  for (const Case& one : cases) {
    // Byte by byte, what follows a response is met when the connection is about to be used.
    if (present_transport == Over::pieces && one.answer.ends_with("more")) continue;
    run([&one]() -> Task<void> {
      auto serve = [&one](StreamSocket& stream, int) -> Task<void> {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        co_await stream.write_all(one.answer);
        if (!one.kept) {
          EXPECT_TRUE(stream.shutdown());
        }
        static_cast<void>(co_await read_rest(stream));
      };
      auto visit = [&one](const std::string& url) -> Task<void> {
        ClientOptions options;
        options.max_idle_per_host = one.max_idle_per_host;
        options.max_idle = one.max_idle;
        Client client(over_transport(options));
        const Response response = co_await client.get(url);
        EXPECT_EQ(response.keep_alive, one.kept) << one.answer;
        EXPECT_EQ(client.idle_connections(), one.kept ? 1U : 0U) << one.answer;
      };
      co_await with_peer(std::move(serve), std::move(visit));
    });
  }
}

Task<void> get_each(Client& client, const std::vector<std::string>& urls) {
  for (const std::string& url : urls) static_cast<void>(co_await client.get(url));
}

/// Answers one request and waits for the client to close; counts that.
struct Keeper {
  Task<void> operator()(StreamSocket& stream, int) {
    static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
    co_await stream.write_all(answer_of("a"));
    static_cast<void>(co_await read_rest(stream));
    ++*ended;
  }
  std::atomic<int>* ended;
};

/// In virtual time, so that a timeout is waited for in no time.
template <class S, class V>
void visit_peers(std::size_t count, S serve, V visit) {
  const std::size_t handles = open_handles();
  {
    Runtime runtime(test::with_virtual_time());
    runtime.block_on(with_peers(count, std::move(serve), std::move(visit)));
  }
  EXPECT_EQ(open_handles(), handles);
}

TEST(HttpIdleConnections, AreClosedWhenTheirPeersCloseThem) {
  auto serve = [](StreamSocket& stream, int) -> Task<void> {
    static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
    co_await stream.write_all(answer_of("a"));
  };
  visit_peers(30, serve, [](const std::vector<std::string>& urls) -> Task<void> {
    const std::size_t handles = open_handles();
    Client client(over_transport());
    co_await get_each(client, urls);
    co_await sleep_for(seconds(2));
    EXPECT_EQ(client.idle_connections(), 0U);
    EXPECT_EQ(open_handles(), handles);
  });
}

TEST(HttpIdleConnections, AreClosedWhenTheyAreTooOld) {
  std::atomic<int> ended = 0;
  auto visit = [&ended](const std::vector<std::string>& urls) -> Task<void> {
    ClientOptions options;
    options.idle_timeout = minutes(3);
    Client client(over_transport(options));
    co_await get_each(client, urls);
    co_await sleep_for(minutes(2));
    EXPECT_EQ(client.idle_connections(), 10U);
    EXPECT_EQ(ended, 0);
    co_await sleep_for(minutes(1) + seconds(2));
    EXPECT_EQ(client.idle_connections(), 0U);
    co_await until([&ended] { return ended == 10; });
    // The same again: whatever watches over them has ended with them.
    co_await get_each(client, urls);
    EXPECT_EQ(client.idle_connections(), 10U);
    co_await sleep_for(minutes(3) + seconds(2));
    EXPECT_EQ(client.idle_connections(), 0U);
  };
  visit_peers(10, Keeper{&ended}, visit);
}

TEST(HttpIdleConnections, AreBoundedOverAllHosts) {
  std::atomic<int> ended = 0;
  auto visit = [&ended](const std::vector<std::string>& urls) -> Task<void> {
    ClientOptions options;
    options.max_idle = 3;
    Client client(over_transport(options));
    co_await get_each(client, urls);
    EXPECT_EQ(client.idle_connections(), 3U);
    co_await until([&ended] { return ended == 5; });
    // The latest are the ones that were kept.
    const std::vector<std::string> latest(urls.end() - 3, urls.end());
    co_await get_each(client, latest);
    EXPECT_EQ(ended, 5);
  };
  auto serve = [&ended](StreamSocket& stream, int) -> Task<void> {
    for (;;) {
      const std::string head = co_await read_up_to(stream, "\r\n\r\n");
      if (head.empty()) break;
      co_await stream.write_all(answer_of("a"));
    }
    ++ended;
  };
  visit_peers(8, serve, visit);
}

TEST(HttpIdleConnections, AreBoundedForEachHost) {
  std::atomic<int> ended = 0;
  auto visit = [&ended](const std::vector<std::string>& urls) -> Task<void> {
    ClientOptions options;
    options.max_idle_per_host = 2;
    Client client(over_transport(options));
    const std::vector<std::string> same(5, urls[0]);
    auto all = [&](Scope& requests) -> Task<void> {
      for (const std::string& url : same) {
        requests.spawn(client.get(url)).detach();
      }
      co_return;
    };
    co_await scope(all);
    EXPECT_EQ(client.idle_connections(), 2U);
    co_await until([&ended] { return ended == 3; });
    static_cast<void>(co_await client.get(urls[1]));
    EXPECT_EQ(client.idle_connections(), 3U);
    EXPECT_EQ(ended, 3);
  };
  visit_peers(2, Keeper{&ended}, visit);
}

TEST(HttpIdleConnections, GiveTheirHandlesToAConnectionThatIsNeeded) {
  std::atomic<int> ended = 0;
  for (const int shortage : {EMFILE, ENFILE}) {
    ended = 0;
    auto visit = [&ended, shortage](const std::vector<std::string>& urls) -> Task<void> {
      Client client(over_transport());
      const std::vector<std::string> first(urls.begin(), urls.begin() + 2);
      co_await get_each(client, first);
      EXPECT_EQ(client.idle_connections(), 2U);
      {
        detail::ScopedFaults faults;
        faults.add({.call = detail::Call::socket, .errno_value = shortage});
        const Response response = co_await client.get(urls[2]);
        EXPECT_EQ(response.body, "a");
        EXPECT_EQ(faults.struck(), 1U);
      }
      EXPECT_EQ(client.idle_connections(), 1U);
      co_await until([&ended] { return ended == 2; });
      client.close_idle();
      detail::ScopedFaults faults;
      faults.add({.call = detail::Call::socket, .errno_value = shortage, .times = 2});
      const Failure failure = co_await failure_of(client.get(urls[0]));
      EXPECT_EQ(failure.code.value(), shortage) << failure.text;
    };
    visit_peers(3, Keeper{&ended}, visit);
  }
}

TEST(HttpIdleConnections, AreWatchedInEachRuntimeThatUsesTheClient) {
  std::atomic<int> ended = 0;
  const std::size_t handles = open_handles();
  {
    Client client(over_transport());
    for (int round = 0; round < 3; ++round) {
      auto visit = [&client](const std::vector<std::string>& urls) -> Task<void> {
        co_await get_each(client, urls);
        co_await sleep_for(seconds(3));
        // Those of the runtime before were closed by their peers, which ended with it.
        EXPECT_EQ(client.idle_connections(), 2U);
      };
      Runtime runtime(test::with_virtual_time());
      runtime.block_on(with_peers(2, Keeper{&ended}, visit));
    }
  }
  EXPECT_EQ(open_handles(), handles);
}

TEST(HttpIdleConnections, OfAClientThatIsGoneAreClosed) {
  std::atomic<int> ended = 0;
  auto visit = [&ended](const std::vector<std::string>& urls) -> Task<void> {
    const std::size_t handles = open_handles();
    std::size_t with_idle = 0;
    {
      Client client(over_transport());
      co_await get_each(client, urls);
      with_idle = open_handles();
    }
    EXPECT_EQ(open_handles(), with_idle - 3) << "closed with the client, not when they are too old";
    co_await until([&ended] { return ended == 3; });
    EXPECT_EQ(open_handles(), handles);
    co_await sleep_for(hours(1));
  };
  visit_peers(3, Keeper{&ended}, visit);
}

}  // namespace
}  // namespace weft::testing::http_client_idle_test
