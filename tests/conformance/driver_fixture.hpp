// Shared by the tests of drivers: an operation that counts its terminal events, and a fixture that
// runs one driver and checks for leaked handles.
#pragma once

#include <gtest/gtest.h>
#include <weft/extend/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "conformance/handles.hpp"
#include "reactor/driver.hpp"

namespace weft::testing {

/// One driver under test. Another back end is one more entry in drivers_to_test().
struct DriverFactory {
  std::string name;
  std::function<std::unique_ptr<detail::Driver>()> make;
  bool
      calls_through_seam;  ///< Its operations go through Syscalls, so faults can be injected there.
};

class TestOperation : public Operation {
 public:
  TestOperation(OperationKind what, Source& on) noexcept : TestOperation(what, &on) {}
  TestOperation(OperationKind what, Source* on) noexcept
      : Operation(what, on, [](Operation&) noexcept {}) {}

  virtual ~TestOperation() = default;

  int ended = 0;  ///< Terminal events.
};

/// An operation that owns its handle.
class ReadOperation final : public TestOperation {
 public:
  explicit ReadOperation(Source& on, std::size_t room = 64)
      : TestOperation(OperationKind::read, on), bytes_(room) {
    io.buffer = {bytes_.data(), bytes_.size()};
  }
  [[nodiscard]] std::string text() const {
    if (result <= 0) return {};
    return {reinterpret_cast<const char*>(bytes_.data()), static_cast<std::size_t>(result)};
  }

 private:
  std::vector<std::byte> bytes_;
};

class WriteOperation final : public TestOperation {
 public:
  WriteOperation(Source& on, std::string text)
      : TestOperation(OperationKind::write, on), text_(std::move(text)) {
    io.buffer = {reinterpret_cast<std::byte*>(text_.data()), text_.size()};
  }

 private:
  std::string text_;
};

class PollOperation final : public TestOperation {
 public:
  PollOperation(Source& on, std::uint32_t what) noexcept : TestOperation(OperationKind::poll, on) {
    io.interests = what;
  }
};

class AcceptOperation final : public TestOperation {
 public:
  explicit AcceptOperation(Source& on) noexcept : TestOperation(OperationKind::accept, on) {
    io.address = {nullptr, 0};
  }
};

class ConnectOperation final : public TestOperation {
 public:
  ConnectOperation(Source& on, const sockaddr_in& to) noexcept
      : TestOperation(OperationKind::connect, on), to_(to) {
    io.address = {&to_, sizeof to_};
  }

 private:
  sockaddr_in to_;
};

/// Runs `driver` and checks the rules for each terminal event (3).
class DriverRunner {
 public:
  explicit DriverRunner(std::unique_ptr<detail::Driver> driver) : driver_(std::move(driver)) {}

  [[nodiscard]] detail::Driver& driver() { return *driver_; }
  void destroy() { driver_.reset(); }

  /// Returns true if it is pending.
  bool start(TestOperation& operation) {
    if (driver_->start(operation) == detail::Started::pending) {
      EXPECT_TRUE(operation.pending);
      return true;
    }
    EXPECT_FALSE(operation.pending);
    ++operation.ended;
    return false;
  }
  void cancel(TestOperation& operation) {
    if (driver_->cancel(operation) != detail::Cancelled::confirmed) return;
    EXPECT_EQ(operation.result, -ECANCELED);
    EXPECT_FALSE(operation.pending);
    ++operation.ended;
  }
  /// Waits once and returns the operations that ended, in order.
  std::vector<TestOperation*> wait(std::int64_t timeout_ns = 0) {
    CompletionList completed;
    driver_->wait(timeout_ns, completed);
    std::vector<TestOperation*> ended;
    while (Operation* const operation = completed.pop()) {
      auto* const own = static_cast<TestOperation*>(operation);
      EXPECT_FALSE(own->pending);
      EXPECT_EQ(++own->ended, 1) << "a second terminal event";
      ended.push_back(own);
    }
    return ended;
  }
  /// Waits until all of these have ended; returns the order in which they did.
  std::vector<TestOperation*> wait_for(std::initializer_list<TestOperation*> operations) {
    std::vector<TestOperation*> order;
    for (TestOperation* const operation : operations) {
      while (operation->ended == 0) {
        for (TestOperation* const ended : wait(no_limit)) order.push_back(ended);
      }
    }
    return order;
  }
  /// Starts it, waits for its end and returns its result.
  std::int64_t run(TestOperation& operation) {
    if (start(operation)) wait_for({&operation});
    EXPECT_EQ(operation.ended, 1);
    return operation.result;
  }
  /// Lets the driver handle pending events, without waiting.
  void settle() {
    for (int i = 0; i < 4; ++i) {
      do {
        EXPECT_TRUE(wait().empty());
      } while (driver_->has_buffered());
    }
  }

  static constexpr std::int64_t no_limit = -1;

 private:
  std::unique_ptr<detail::Driver> driver_;
};

}  // namespace weft::testing
