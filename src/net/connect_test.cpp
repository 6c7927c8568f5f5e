// ConnectRequest: what a connect that has succeeded is worth.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include <string>
#include <weft/net.hpp>

#include "net/socket.hpp"

namespace weft::testing::connect_test {
namespace {

class AnyOperation final : public Operation {
 public:
  AnyOperation() noexcept : Operation(OperationKind::poll, nullptr, [](Operation&) noexcept {}) {}
};

void wait_until_connected(int handle) {
  pollfd entry{handle, POLLOUT, 0};
  EXPECT_EQ(::poll(&entry, 1, 10'000), 1);
}

/// Gives the socket the port at which it connects: what the system does by chance.
void connect_to_itself(detail::ConnectRequest& request, const Endpoint& any_port) {
  AnyOperation operation;
  request.prepare(operation);
  ASSERT_NE(request.socket, nullptr);
  const int handle = request.socket->handle();
  const detail::NativeAddress any(any_port);
  ASSERT_EQ(::bind(handle, any.get(), any.size), 0);
  request.to = detail::local_endpoint_of(handle).value();
  const detail::NativeAddress own(request.to);
  static_cast<void>(::connect(handle, own.get(), own.size));
  wait_until_connected(handle);
}

TEST(Connect, ASocketThatIsConnectedToItselfWasRefused) {
  for (const char* const any_port : {"127.0.0.1:0", "[::1]:0"}) {
    detail::ConnectRequest request(Endpoint::loopback(1), {});
    if (*any_port == '[') request.to = Endpoint::parse("[::1]:1").value();
    connect_to_itself(request, Endpoint::parse(any_port).value());
    const Result<StreamSocket> stream = request.finish(0);
    ASSERT_FALSE(stream) << request.to.to_string();
    EXPECT_EQ(stream.error(), std::errc::connection_refused);
  }
}

TEST(Connect, TheSamePortOfAnotherAddressIsAPeer) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    SocketListener listener = SocketListener::bind("127.0.0.2:0");
    detail::ConnectRequest request(listener.local_endpoint(), {});
    AnyOperation operation;
    request.prepare(operation);
    ASSERT_NE(request.socket, nullptr);
    const int handle = request.socket->handle();
    const detail::NativeAddress own(Endpoint::loopback(listener.local_endpoint().port()));
    if (::bind(handle, own.get(), own.size) != 0) continue;  // another program has that port
    const detail::NativeAddress to(listener.local_endpoint());
    static_cast<void>(::connect(handle, to.get(), to.size));
    wait_until_connected(handle);
    EXPECT_TRUE(request.finish(0));
    return;
  }
  FAIL() << "no port is free at two addresses";
}

}  // namespace
}  // namespace weft::testing::connect_test
