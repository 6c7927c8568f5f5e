// Connecting to one of several addresses (RFC 8305). An address that does not answer is a listener
// whose queue is full: the system drops what comes to it. Time is virtual where a delay counts: a
// connection over loopback is made within the call, so only the delays pass.
#include "net/connect_race.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <vector>

#include "api/net_support.hpp"
#include "os/fault.hpp"
#include "os/fd.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::connect_race_test {
namespace {

using namespace std::chrono_literals;
using detail::Call;

Endpoint parsed(const std::string& text) { return Endpoint::parse(text).value(); }

/// Listens, and answers no connection any more.
class Blackhole {
 public:
  explicit Blackhole(const Endpoint& at) : listener_(SocketListener::bind(at, no_queue())) {
    // The queue takes one or two; from then on a connect waits. The handles of those that wait are
    // kept, as they are what fills it.
    for (;;) {
      queued_.push_back(begin_connect());
      pollfd wait{.fd = queued_.back().get(), .events = POLLOUT, .revents = 0};
      if (::poll(&wait, 1, 50) == 0) return;
    }
  }
  [[nodiscard]] const Endpoint& at() const noexcept { return listener_.local_endpoint(); }
  /// Takes all connections out of the queue: what waits will be answered when it is sent again.
  void open() {
    queued_.clear();  // those that wait would come in again
    for (;;) {
      const int taken = ::accept(listener_.native_handle(), nullptr, nullptr);
      if (taken < 0) return;
      ::close(taken);
    }
  }

 private:
  static ListenOptions no_queue() {
    ListenOptions options;
    options.backlog = 0;
    return options;
  }
  detail::Fd begin_connect() const {
    const bool is_ipv6 = at().is_ipv6();
    detail::Fd handle(::socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    if (is_ipv6) {
      sockaddr_in6 to{};
      to.sin6_family = AF_INET6;
      to.sin6_port = htons(at().port());
      to.sin6_addr = in6addr_loopback;
      static_cast<void>(::connect(handle.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to));
    } else {
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(at().port());
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      static_cast<void>(::connect(handle.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to));
    }
    return handle;
  }

  SocketListener listener_;
  std::vector<detail::Fd> queued_;
};

/// An address of this machine at which none listens.
Endpoint gone(const char* text = "127.0.0.1:0") {
  const SocketListener listener = SocketListener::bind(parsed(text));
  return listener.local_endpoint();
}

TEST(ConnectRace, FamiliesTakeTurns) {
  const auto named = [](std::vector<std::string> texts) {
    std::vector<Endpoint> endpoints;
    for (const std::string& text : texts) endpoints.push_back(parsed(text));
    return endpoints;
  };
  EXPECT_EQ(detail::interleaved(named({"[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"})),
            named({"[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"}));
  EXPECT_EQ(detail::interleaved(named({"1.1.1.1:1", "2.2.2.2:1", "[::1]:1"})),
            named({"1.1.1.1:1", "[::1]:1", "2.2.2.2:1"}))
      << "the family of the first address comes first";
  EXPECT_EQ(detail::interleaved(named({"1.1.1.1:1", "2.2.2.2:1"})),
            named({"1.1.1.1:1", "2.2.2.2:1"}));
  EXPECT_TRUE(detail::interleaved({}).empty());
}

class ConnectRaceInTime : public ::testing::Test {
 protected:
  /// Runs `work` in virtual time; what it leaves open fails the test.
  template <class W>
  void run(W work) {
    const std::size_t before = open_handles();
    {
      Runtime runtime(test::with_virtual_time());
      runtime.block_on(std::move(work));
    }
    EXPECT_EQ(open_handles(), before) << "losers are closed";
  }
};

TEST_F(ConnectRaceInTime, ABlackholeOfIpv6IsPassedBy) {
  run([]() -> Task<void> {
    const Blackhole hole(parsed("[::1]:0"));
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    const std::vector<Endpoint> addresses{hole.at(), listener.local_endpoint()};
    const std::size_t before = open_handles();
    const TimePoint start = now();
    StreamSocket stream = co_await StreamSocket::connect_any(addresses);
    EXPECT_EQ(now() - start, 250ms) << "neither earlier nor later";
    EXPECT_EQ(stream.peer_endpoint(), listener.local_endpoint());
    EXPECT_EQ(open_handles(), before + 1) << "the loser is closed, and awaited";
    StreamSocket accepted = co_await listener.accept();
    EXPECT_EQ(accepted.peer_endpoint(), stream.local_endpoint().value());
  });
}

TEST_F(ConnectRaceInTime, TheDelayIsAnOptionOfAtLeastTenMilliseconds) {
  run([]() -> Task<void> {
    const Blackhole hole(parsed("[::1]:0"));
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    const std::vector<Endpoint> addresses{hole.at(), listener.local_endpoint()};
    for (const auto& [wanted, taken] : {std::pair(1'000ms, 1'000ms), {40ms, 40ms}, {0ms, 10ms}}) {
      ConnectOptions options;
      options.attempt_delay = wanted;
      const TimePoint start = now();
      const StreamSocket stream = co_await StreamSocket::connect_any(addresses, options);
      EXPECT_EQ(now() - start, taken);
      const StreamSocket accepted = co_await listener.accept();
    }
  });
}

TEST_F(ConnectRaceInTime, AFailureStartsTheNextAtOnce) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    const std::vector<Endpoint> addresses{gone("[::1]:0"), gone(), gone("[::1]:0"),
                                          listener.local_endpoint()};
    const TimePoint start = now();
    const StreamSocket stream = co_await StreamSocket::connect_any(addresses);
    EXPECT_EQ(now(), start);
    EXPECT_EQ(stream.peer_endpoint(), listener.local_endpoint());
  });
}

// Each attempt goes on beside those that came later.
TEST_F(ConnectRaceInTime, SeveralBlackholesCostOneDelayEach) {
  run([]() -> Task<void> {
    const Blackhole first(parsed("[::1]:0"));
    const Blackhole second(parsed("127.0.0.1:0"));
    SocketListener listener = SocketListener::bind("[::1]:0");
    const std::vector<Endpoint> addresses{first.at(), listener.local_endpoint(), second.at()};
    const std::size_t before = open_handles();
    const TimePoint start = now();
    const StreamSocket stream = co_await StreamSocket::connect_any(addresses);
    EXPECT_EQ(now() - start, 500ms) << "the second in turn is that of IPv4";
    EXPECT_EQ(stream.peer_endpoint(), listener.local_endpoint());
    EXPECT_EQ(open_handles(), before + 1);
  });
}

TEST_F(ConnectRaceInTime, ATimeoutEndsAllAttempts) {
  run([]() -> Task<void> {
    const Blackhole first(parsed("[::1]:0"));
    const Blackhole second(parsed("127.0.0.1:0"));
    const std::vector<Endpoint> addresses{first.at(), second.at()};
    const std::size_t before = open_handles();
    const auto late = co_await attempt(timeout(StreamSocket::connect_any(addresses), 2s));
    EXPECT_EQ(late.error(), std::errc::timed_out);
    EXPECT_EQ(open_handles(), before);
    ConnectOptions in_order;
    in_order.happy_eyeballs = false;
    const auto later =
        co_await attempt(timeout(StreamSocket::connect_any(addresses, in_order), 2s));
    EXPECT_EQ(later.error(), std::errc::timed_out);
    EXPECT_EQ(open_handles(), before);
  });
}

// Without an address of IPv4 the attempt is not given up: it ends when the peer answers, which here
// is when the system sends the first packet again.
TEST(ConnectRace, SlowIpv6WithoutIpv4Connects) {
  Blackhole slow(parsed("[::1]:0"));
  RuntimeOptions options;
  options.current_thread = true;
  Runtime runtime(std::move(options));
  runtime.block_on([&slow]() -> Task<void> {
    auto opens = [](Blackhole& hole) -> Task<void> {
      co_await yield_now();  // the attempt has begun
      hole.open();
    };
    const std::vector<Endpoint> addresses{slow.at()};
    auto both = co_await when_all(StreamSocket::connect_any(addresses), opens(slow));
    EXPECT_EQ(std::get<0>(both).peer_endpoint(), slow.at());
  });
}

class ConnectRaceErrors : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, ConnectRaceErrors, ::testing::Values(0, 1, 2), name_of_workers);

TEST_P(ConnectRaceErrors, OneErrorNamesAllAddressesAndReasons) {
  detail::ScopedFaults faults;
  run([&faults]() -> Task<void> {
    const Endpoint first = gone("[::1]:0");
    const Endpoint second = gone();
    faults.add({.call = Call::connect, .errno_value = ENETUNREACH});
    const std::vector<Endpoint> addresses{first, second};
    const std::string text = co_await error_text(StreamSocket::connect_any(addresses));
    EXPECT_EQ(text, "connect " + first.to_string() + ": network is unreachable; " +
                        second.to_string() + ": connection refused: connection refused");
    faults.add({.call = Call::connect, .errno_value = EHOSTUNREACH});
    auto named = detail::connect_race("example.org:80", addresses, ConnectOptions());
    const std::string by_name = co_await error_text(std::move(named));
    EXPECT_EQ(by_name, "connect example.org:80 (" + first.to_string() + ": no route to host; " +
                           second.to_string() + ": connection refused): connection refused");
    ConnectOptions in_order;
    in_order.happy_eyeballs = false;
    faults.add({.call = Call::connect, .errno_value = EACCES});
    const std::string serial = co_await error_text(StreamSocket::connect_any(addresses, in_order));
    EXPECT_EQ(serial, "connect " + first.to_string() + ": permission denied; " +
                          second.to_string() + ": connection refused: connection refused");
    const std::vector<Endpoint> only{second};
    const std::string one = co_await error_text(StreamSocket::connect_any(only));
    EXPECT_EQ(one, "connect " + second.to_string() + ": connection refused");
    const std::vector<Endpoint> nothing;
    const auto none = co_await attempt(StreamSocket::connect_any(nothing));
    EXPECT_EQ(none.error(), std::errc::invalid_argument);
  });
}

TEST_P(ConnectRaceErrors, WithoutHandlesItIsAnErrorLikeAnother) {
  detail::ScopedFaults faults;
  run([&faults]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    const std::vector<Endpoint> addresses{listener.local_endpoint(), gone("[::1]:0")};
    faults.add({.call = Call::socket, .errno_value = EMFILE, .times = 2});
    const auto none = co_await attempt(StreamSocket::connect_any(addresses));
    EXPECT_EQ(none.error(), std::errc::too_many_files_open);
    const StreamSocket stream = co_await StreamSocket::connect_any(addresses);
    EXPECT_EQ(stream.peer_endpoint(), listener.local_endpoint());
  });
}

// Cancels at each point of a race in which an attempt may just have won.
TEST_P(ConnectRaceErrors, ACancelLeavesNothingOpen) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    const std::vector<Endpoint> addresses{gone("[::1]:0"), listener.local_endpoint()};
    for (int yields = 0; yields < 40; ++yields) {
      const std::size_t before = open_handles();
      {
        auto handle = spawn(StreamSocket::connect_any(addresses));
        for (int i = 0; i < yields; ++i) co_await yield_now();
        handle.cancel();
        const Outcome<StreamSocket> end = co_await std::move(handle).outcome();
        EXPECT_TRUE(end.cancelled() || end.has_value());
      }
      EXPECT_EQ(open_handles(), before);
    }
  });
}

}  // namespace
}  // namespace weft::testing::connect_race_test
