// Servers under load while a function of the C library fails, with each errno that the system may
// give, at several of its calls: at most the connections concerned suffer, all others are answered,
// no peer waits in vain, the server goes on, and nothing is left.
#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "support/helpers.hpp"
#include "support/open_handles.hpp"
#include "support/runtime_fixture.hpp"
#include "wide/failing_calls.hpp"
#include "wide/wide.hpp"

namespace weft::test::failing_servers_test {
namespace {

using namespace std::chrono_literals;

constexpr int patience_s = 10;  // of a client that waits for bytes

enum class End : std::uint8_t { answered, refused, waited_in_vain };

/// A client of its own, of blocking calls.
class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{.tv_sec = patience_s, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int result = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    note(result == 0);
  }
  Client(const Client&) = delete;
  ~Client() { ::close(fd_); }

  [[nodiscard]] bool is_well() const noexcept { return end_ == End::answered; }
  [[nodiscard]] End end() const noexcept { return end_; }
  void refuse() noexcept {
    if (is_well()) end_ = End::refused;
  }
  void send(std::string_view bytes) {
    while (is_well() && !bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      note(sent > 0);
      if (is_well()) bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// The next `size` bytes, or fewer.
  std::string receive(std::size_t size) {
    while (is_well() && received_.size() < size) receive_more();
    return take(std::min(size, received_.size()));
  }
  std::string receive_up_to(std::string_view ending) {
    while (is_well() && received_.find(ending) == std::string::npos) receive_more();
    return take(std::min(received_.find(ending), received_.size()) +
                (is_well() ? ending.size() : 0));
  }
  void send_end() { ::shutdown(fd_, SHUT_WR); }
  /// The peer must end its side now.
  void expect_end() {
    char byte = 0;
    if (!is_well()) return;
    const ssize_t got = ::recv(fd_, &byte, 1, 0);
    if (got != 0) note(false);
  }

 private:
  void note(bool good) {
    if (good || !is_well()) return;
    end_ = errno == EAGAIN || errno == EINPROGRESS ? End::waited_in_vain : End::refused;
  }
  void receive_more() {
    std::array<char, 16384> room;
    errno = 0;
    const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
    note(got > 0);
    if (got > 0) received_.append(room.data(), static_cast<std::size_t>(got));
  }
  std::string take(std::size_t size) {
    std::string taken = received_.substr(0, size);
    received_.erase(0, size);
    return taken;
  }

  int fd_;
  End end_ = End::answered;
  std::string received_;
};

// What clients say and expect, step by step. False: it was the last step.

bool say_echo(Client& client, int step) {
  constexpr std::array<std::size_t, 5> sizes{1, 100, 8192, 8192, 8192};
  if (step < static_cast<int>(sizes.size())) {
    const std::string text(sizes[static_cast<std::size_t>(step)], static_cast<char>('a' + step));
    client.send(text);
    if (client.receive(text.size()) != text) client.refuse();
    return true;
  }
  client.send_end();
  client.expect_end();
  return false;
}

void expect_response(Client& client, std::string_view body) {
  const std::string head = client.receive_up_to("\r\n\r\n");
  if (!head.starts_with("HTTP/1.1 200 ")) return client.refuse();
  if (client.receive(body.size()) != body) client.refuse();
}

bool say_http(Client& client, int step) {
  constexpr std::string_view get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
  switch (step) {
    case 0:
      client.send(get);
      expect_response(client, "GET 0");
      return true;
    case 1:
      client.send(std::string(get) + std::string(get));
      expect_response(client, "GET 0");
      expect_response(client, "GET 0");
      return true;
    case 2:
      client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n" +
                  std::string(0x1000, 'x'));
      client.send("\r\n3\r\nabc\r\n0\r\n\r\n");
      expect_response(client, "POST 4099");
      return true;
    default:
      client.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      expect_response(client, "GET 0");
      client.expect_end();
      return false;
  }
}

// The servers

/// Accepts as the documentation of accept() says.
template <class Serve>
Task<void> accept_and_serve(SocketListener& listener, Serve serve) {
  co_await scope([&](Scope& connections) -> Task<void> {
    for (;;) {
      Result<StreamSocket> stream = co_await attempt(listener.accept());
      if (stream) {
        try {
          serve(connections, std::move(*stream));
          continue;
        } catch (const std::exception&) {  // no stack: the connection is closed
          continue;
        }
      }
      if (stream.error() == std::errc::operation_canceled) co_return;
      co_await sleep_for(1ms);
    }
  });
}

Task<void> echo(StreamSocket stream) {
  std::vector<std::byte> buffer(4096);
  for (;;) {
    const Result<std::size_t> got = co_await attempt(stream.read(buffer));
    if (!got || *got == 0) co_return;
    const Result<void> sent = co_await attempt(stream.write_all(std::span(buffer).first(*got)));
    if (!sent) co_return;
  }
}

void echo_on_fiber(StreamSocket& stream) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const Result<std::size_t> got = await(attempt(stream.read(buffer)));
    if (!got || *got == 0) return;
    const Result<void> sent = await(attempt(stream.write_all(std::span(buffer).first(*got))));
    if (!sent) return;
  }
}

http::Response answer(const http::Request& request) {
  return http::Response::text(std::string(to_string(request.method)) + " " +
                              std::to_string(request.body.size()));
}

Task<void> serve_http(SocketListener& listener, http::Server& server) {
  co_await server.serve(listener);
}

struct Server {
  const char* name;
  bool (*say)(Client&, int);
  Task<void> (*serve)(SocketListener&, const std::string& behind);
};

Task<void> coroutines(SocketListener& listener, const std::string&) {
  co_await accept_and_serve(listener, [](Scope& connections, StreamSocket stream) {
    connections.spawn(echo, std::move(stream)).detach();
  });
}

Task<void> fibers(SocketListener& listener, const std::string&) {
  co_await accept_and_serve(listener, [](Scope& connections, StreamSocket stream) {
    auto body = [stream = std::move(stream)]() mutable { echo_on_fiber(stream); };
    connections.spawn(SpawnOptions().isolated(), fiber(std::move(body))).detach();
  });
}

Task<void> http_at_once(SocketListener& listener, const std::string&) {
  http::Server server({}, [](http::Request& request) { return answer(request); });
  co_await serve_http(listener, server);
}

Task<void> http_on_threads(SocketListener& listener, const std::string&) {
  auto handler = [](http::Request& request) -> Task<http::Response> {
    auto call = blocking([&request] { return answer(request); });
    http::Response response = co_await std::move(call);
    co_return response;
  };
  http::Server server({}, handler);
  co_await serve_http(listener, server);
}

/// Each answer is fetched from a server behind it.
Task<void> http_proxy(SocketListener& listener, const std::string& behind) {
  http::ClientOptions options;
  options.max_idle = 0;  // as many handles afterwards as before
  http::Client client(options);
  auto handler = [&](http::Request& request) -> Task<http::Response> {
    http::ClientRequest forwarded(request.method, behind);
    forwarded.body = request.body;
    http::Response got = co_await client.request(std::move(forwarded));
    co_return http::Response::text(std::move(got.body));
  };
  http::Server server({}, handler);
  co_await serve_http(listener, server);
}

const Server servers[] = {
    {"Coroutines", say_echo, coroutines}, {"Fibers", say_echo, fibers},
    {"Http", say_http, http_at_once},     {"HttpOnThreads", say_http, http_on_threads},
    {"HttpProxy", say_http, http_proxy},
};

/// A server that runs on a runtime of its own.
class Running {
 public:
  Running(const Server& server, std::size_t workers, const std::string& behind, bool spared)
      : listener_(SocketListener::bind("127.0.0.1:0")), runtime_(options(workers)) {
    thread_ = std::thread([this, &server, behind, spared] {
      if (spared) spare_this_thread();
      try {
        runtime_.block_on(server.serve(listener_, behind));
      } catch (const std::exception& error) {
        how_it_ended_ = error.what();
      }
    });
  }
  Running(const Running&) = delete;
  ~Running() { end(); }

  /// Returns how serve() has ended by itself.
  std::string end() {
    if (thread_.joinable()) {
      runtime_.shutdown();
      thread_.join();
    }
    return how_it_ended_;
  }
  [[nodiscard]] std::uint16_t port() const { return listener_.local_endpoint().port(); }

 private:
  static RuntimeOptions options(std::size_t workers) {
    RuntimeOptions options = options_for(workers);
    options.on_failure = [](const UnhandledFailure&) {};
    return options;
  }
  SocketListener listener_;
  Runtime runtime_;
  std::thread thread_;
  std::string how_it_ended_;
};

struct Ends {
  std::atomic<int> refused = 0;
  std::atomic<int> waited_in_vain = 0;
};

/// Some dozens of clients, several of them at once on each of some threads.
void load(const Server& server, std::uint16_t port, Ends& ends) {
  constexpr int threads = 3;
  constexpr int at_once = 8;
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      spare_this_thread();
      std::vector<std::unique_ptr<Client>> clients;
      for (int k = 0; k < at_once; ++k) clients.push_back(std::make_unique<Client>(port));
      bool go_on = true;
      for (int step = 0; go_on; ++step) {
        for (const auto& client : clients) go_on = server.say(*client, step);
      }
      for (const auto& client : clients) {
        ends.refused += client->end() == End::refused ? 1 : 0;
        ends.waited_in_vain += client->end() == End::waited_in_vain ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : running) thread.join();
}

/// Parameters: server, workers.
class FailingServers : public ::testing::TestWithParam<std::tuple<std::size_t, std::size_t>> {
 protected:
  static void SetUpTestSuite() { spare_this_thread(); }

  void fail(const Failing& failing) {
    const std::string what =
        std::string(server().name) + ": " + to_string(failing) + ", WEFT_SEED=" + seed_text_;
    Case::begin(what, 2 * patience_s + 20);
    Ends ends;
    begin_failures(failing);
    load(server(), running_->port(), ends);
    const std::int64_t struck = end_failures();
    Ends fresh;
    load(server(), running_->port(), fresh);
    struck_ += struck;
    EXPECT_EQ(ends.waited_in_vain, 0) << what;
    EXPECT_LE(ends.refused, is_harmless(failing) ? 0 : struck) << what;
    EXPECT_EQ(fresh.refused + fresh.waited_in_vain, 0) << what << ": afterwards";
    expect_no_more_handles(what);
    Case::end();
  }

  /// Waits for some seconds until it has closed what its clients have left.
  void expect_no_more_handles(const std::string& what) {
    const auto give_up = std::chrono::steady_clock::now() + 5s;
    std::size_t handles = testing::open_handles();
    while (handles > before_ && std::chrono::steady_clock::now() < give_up) {
      std::this_thread::yield();
      handles = testing::open_handles();
    }
    EXPECT_LE(handles, before_) << what;
    before_ = std::min(before_, handles);
  }
  [[nodiscard]] const Server& server() const { return servers[std::get<0>(GetParam())]; }

  const std::uint64_t seed_ = seed_of_cases();
  const std::string seed_text_ = std::to_string(seed_);
  std::unique_ptr<Running> running_;
  std::size_t before_ = 0;  // open handles
  std::int64_t struck_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Servers, FailingServers,
                         ::testing::Combine(::testing::Range(std::size_t{0}, std::size(servers)),
                                            ::testing::Values(std::size_t{0}, std::size_t{2})),
                         [](const auto& which) {
                           return std::string(servers[std::get<0>(which.param)].name) +
                                  (std::get<1>(which.param) == 0 ? "OnOneThread" : "OnTwoWorkers");
                         });

TEST_P(FailingServers, GoOn) {
  detail::Random random(seed_);
  Running behind(servers[2], 0, "", true);
  running_ =
      std::make_unique<Running>(server(), std::get<1>(GetParam()),
                                "http://127.0.0.1:" + std::to_string(behind.port()) + "/", false);
  Ends warm;
  for (int i = 0; i < 2; ++i) load(server(), running_->port(), warm);
  before_ = testing::open_handles();  // those of the last connections, perhaps, too
  expect_no_more_handles("");
  for (std::size_t i = 0; i < static_cast<std::size_t>(LibcCall::count_); ++i) {
    const auto call = static_cast<LibcCall>(i);
    begin_failures({.call = call, .error = 0, .times = 0});
    load(server(), running_->port(), warm);
    end_failures();
    const auto count = static_cast<std::uint32_t>(calls_made());
    if (count == 0) continue;
    // After an EAGAIN the counter of the wake-ups is read, and has room.
    const bool is_waking = call == LibcCall::write;
    for (const int error : errors_to_try(call, seed_)) {
      for (int round = wide_or(6, 1); round > 0; --round) {
        fail({.call = call,
              .error = error,
              .successes = random.below(count),
              .times = 1 + (is_waking ? 0 : random.below(3))});
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_EQ(warm.refused + warm.waited_in_vain, 0);
  EXPECT_GT(struck_, wide_or(10, 2));  // how often a call is made depends on the load
  running_->end();
}

}  // namespace
}  // namespace weft::test::failing_servers_test
