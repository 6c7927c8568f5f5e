// attempt(): the error as a value, with its operation and object, of everything that is awaited.
// timeout(), with_deadline(): the error says what was waited for.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <weft/deadline.hpp>
#include <weft/net.hpp>
#include <weft/resolve.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include "net_support.hpp"

namespace weft::testing::attempt_test {
namespace {

using namespace std::chrono_literals;

class Attempts : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, Attempts, ::testing::Values(0, 1, 2), name_of_workers);

/// An address that refuses connections.
Endpoint refusing() {
  const SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
  return listener.local_endpoint();
}

TEST_P(Attempts, KeepOperationAndAddress) {
  run([]() -> Task<void> {
    const Endpoint at = refusing();
    const std::string expected = "connect " + at.to_string() + ": connection refused";
    const auto operation = co_await attempt(StreamSocket::connect(at));
    EXPECT_FALSE(operation.has_value());
    EXPECT_EQ(operation.error().what(), expected);
    EXPECT_EQ(operation.error().message(), "Connection refused");
    const auto task = co_await attempt(StreamSocket::connect(at.to_string()));
    EXPECT_FALSE(task.has_value());
    EXPECT_EQ(task.error().what(), expected);
    const auto name = co_await attempt(resolve("no-such.invalid", 1));
    EXPECT_FALSE(name.has_value());
    EXPECT_TRUE(std::string_view(name.error().what()).starts_with("resolve no-such.invalid: "));
  });
}

TEST_P(Attempts, GiveTheValueOfEverythingThatIsAwaited) {
  run([]() -> Task<void> {
    auto number = []() -> Task<int> { co_return 7; };
    int object = 0;
    auto reference = [&]() -> Task<int&> { co_return object; };
    const auto of_task = co_await attempt(number());
    EXPECT_EQ(of_task.value(), 7);
    const auto of_reference = co_await attempt(reference());
    EXPECT_EQ(&of_reference.value().get(), &object);
    const auto of_handle = co_await attempt(spawn(number));
    EXPECT_EQ(of_handle.value(), 7);
    const auto of_sleep = co_await attempt(sleep_for(0.5ms));
    EXPECT_TRUE(of_sleep.has_value());
    const auto nested = co_await attempt(attempt(number()));
    EXPECT_EQ(nested.value().value(), 7);
  });
}

TEST_P(Attempts, CompareAndConvertAsCodes) {
  run([]() -> Task<void> {
    const Result<StreamSocket> code = co_await attempt(StreamSocket::connect(refusing()));
    EXPECT_FALSE(code.has_value());
    const bool refused = code.error() == std::errc::connection_refused;
    EXPECT_TRUE(refused);
    const auto error = co_await attempt(StreamSocket::connect(refusing()));
    const bool same = error.error() == std::errc::connection_refused;
    EXPECT_TRUE(same);
    const bool other = error.error() == IoErrc::unexpected_end;
    EXPECT_FALSE(other);
  });
}

TEST_P(Attempts, PassOnWhatIsNoIoError) {
  run([]() -> Task<void> {
    auto fails = []() -> Task<int> {
      co_await yield_now();
      throw std::domain_error("inside");
    };
    std::string what;
    try {
      (void)co_await attempt(fails());
    } catch (const std::domain_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "inside");
  });
}

TEST_P(Attempts, ACancelIsNoError) {
  run([]() -> Task<void> {
    bool went_on = false;
    auto body = [&]() -> Task<void> {
      (void)co_await attempt(never());
      went_on = true;
    };
    auto handle = spawn(body);
    co_await yield_now();
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_FALSE(went_on);
  });
}

TEST_P(Attempts, ATimeoutSaysWhatWasWaitedFor) {
  run([]() -> Task<void> {
    const std::string late = ": time limit exceeded";
    const std::string plain = co_await error_text(timeout(never(), 1ms));
    EXPECT_EQ(plain, "timeout" + late);
    const std::string subject = "load a.toml";
    const std::string named = co_await error_text(timeout(never(), 1ms, subject));
    EXPECT_EQ(named, "timeout load a.toml" + late);
    const std::string at = co_await error_text(timeout_at(never(), now(), "first byte"));
    EXPECT_EQ(at, "timeout first byte" + late);
    const std::string deadline = co_await error_text(with_deadline(never(), 1ms, "request"));
    EXPECT_EQ(deadline, "deadline request" + late);
    const auto value = co_await attempt(timeout(never(), 1ms, "body"));
    EXPECT_EQ(std::string(value.error().what()), "timeout body" + late);
    const auto inner = co_await timeout(attempt(never()), 1ms, "body");
    EXPECT_EQ(std::string(inner.error().what()), "timeout body" + late);
  });
}

}  // namespace
}  // namespace weft::testing::attempt_test
