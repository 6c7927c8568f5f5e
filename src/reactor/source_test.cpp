// Source: when its handle is closed, and how a close reaches operations on several reactors.
#include <fcntl.h>

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <thread>
#include <vector>
#include <weft/extend/operation.hpp>

#include "conformance/handles.hpp"
#include "os/clock.hpp"
#include "reactor/reactor.hpp"
#include "reactor/readiness_driver.hpp"

namespace weft::testing::source_test {
namespace {

bool is_open(int handle) { return ::fcntl(handle, F_GETFD) >= 0; }

class CountedRead final : public Operation {
 public:
  explicit CountedRead(Source& on)
      : Operation(OperationKind::read, &on,
                  [](Operation& self) noexcept { ++static_cast<CountedRead&>(self).ended; }) {
    io.buffer = {room.data(), room.size()};
  }
  std::array<std::byte, 16> room{};
  int ended = 0;
};

class CountedPoll final : public Operation {
 public:
  CountedPoll(Source& on, std::uint32_t wanted)
      : Operation(OperationKind::poll, &on,
                  [](Operation& self) noexcept { ++static_cast<CountedPoll&>(self).ended; }) {
    io.interests = wanted;
  }
  int ended = 0;
};

class SourceTest : public ::testing::Test {
 protected:
  SourceTest() {
    for (auto& reactor : reactors) {
      reactor = std::make_unique<detail::Reactor>(
          std::unique_ptr<detail::Driver>(*detail::ReadinessDriver::create()), clock);
    }
  }
  void poll_all() {
    for (auto& reactor : reactors) reactor->poll(0);
  }

  Ends pair = make_socket_pair();
  const int handle = pair.first.get();
  Source* source = new Source(pair.first.release());
  detail::SteadyClock clock;
  std::array<std::unique_ptr<detail::Reactor>, 3> reactors;
};

TEST_F(SourceTest, WithoutAUseACloseClosesAtOnceAndOnce) {
  source->close(interest::readable);
  EXPECT_TRUE(is_open(handle));
  source->close();
  EXPECT_FALSE(is_open(handle));
  const detail::Fd next(::dup(pair.second.get()));  // the number is used again
  EXPECT_EQ(next.get(), handle);
  source->close();
  source->drop_owner();
  EXPECT_TRUE(is_open(handle));
}

TEST_F(SourceTest, TheLastUseClosesTheHandle) {
  EXPECT_TRUE(source->begin_use(interest::readable));
  EXPECT_TRUE(source->begin_use(interest::writable));
  source->drop_owner();
  EXPECT_FALSE(source->begin_use(interest::writable)) << "it keeps the source, and is refused";
  EXPECT_TRUE(is_open(handle));
  source->end_use();
  source->end_use();
  EXPECT_TRUE(is_open(handle));
  source->end_use();
  EXPECT_FALSE(is_open(handle));
}

TEST_F(SourceTest, TheSecondOfTwoOwnersClosesTheHandle) {
  source->add_owner();
  source->drop_owner(interest::writable);
  EXPECT_TRUE(source->begin_use(interest::readable));
  source->end_use();
  EXPECT_FALSE(source->begin_use(interest::writable));
  source->end_use();
  EXPECT_TRUE(is_open(handle));
  source->drop_owner(interest::readable);
  EXPECT_FALSE(is_open(handle));
}

TEST_F(SourceTest, ABorrowedHandleStaysOpen) {
  const detail::Fd ours(::dup(pair.second.get()));
  auto* const borrowing = new Source(ours.get(), Source::Handle::borrowed);
  CountedPoll poll(*borrowing, interest::readable);
  ASSERT_EQ(reactors[0]->start(poll), detail::Started::pending);
  borrowing->drop_owner();
  poll_all();
  EXPECT_EQ(poll.ended, 1);
  EXPECT_EQ(poll.result, -ECANCELED);
  EXPECT_TRUE(is_open(ours.get()));
  source->drop_owner();
}

TEST_F(SourceTest, ACloseEndsTheOperationsOfAllReactorsAndThenTheHandle) {
  std::vector<std::unique_ptr<CountedRead>> reads;
  for (int i = 0; i < 12; ++i) {
    reads.push_back(std::make_unique<CountedRead>(*source));
    ASSERT_EQ(reactors[static_cast<std::size_t>(i % 3)]->start(*reads.back()),
              detail::Started::pending);
  }
  std::thread([this] { source->drop_owner(); }).join();
  const auto left = [&reads] {
    return std::ranges::count_if(reads, [](const auto& one) { return one->ended == 0; });
  };
  EXPECT_EQ(left(), 12) << "another thread ends no operation of a reactor";
  for (int i = 0; i < 3 && left() > 0; ++i) {
    EXPECT_TRUE(is_open(handle));
    poll_all();
  }
  EXPECT_EQ(left(), 0);
  EXPECT_FALSE(is_open(handle));
  for (const auto& one : reads) {
    EXPECT_EQ(one->ended, 1);
    EXPECT_EQ(one->result, -ECANCELED);
  }
}

TEST_F(SourceTest, ACloseOfOneDirectionLeavesTheOther) {
  CountedRead read(*source);
  CountedPoll readable(*source, interest::readable);
  CountedPoll either(*source, interest::both);
  ASSERT_EQ(reactors[0]->start(read), detail::Started::pending);
  ASSERT_EQ(reactors[1]->start(readable), detail::Started::pending);
  fill(detail::Fd(::dup(handle)));
  CountedPoll writable(*source, interest::writable);
  ASSERT_EQ(reactors[1]->start(writable), detail::Started::pending);
  ASSERT_EQ(reactors[2]->start(either), detail::Started::pending);
  source->close(interest::readable);
  for (int i = 0; i < 3; ++i) poll_all();
  EXPECT_EQ(read.ended, 1);
  EXPECT_EQ(readable.ended, 1);
  EXPECT_EQ(either.ended, 1) << "it needs both directions";
  EXPECT_EQ(writable.ended, 0);
  EXPECT_TRUE(is_open(handle));
  source->close(interest::writable);
  for (int i = 0; i < 3; ++i) poll_all();
  EXPECT_EQ(writable.ended, 1);
  EXPECT_EQ(writable.result, -ECANCELED);
  EXPECT_FALSE(is_open(handle));
  source->drop_owner();
}

TEST_F(SourceTest, AResultThatCameBeforeTheCloseIsDelivered) {
  CountedRead read(*source);
  ASSERT_EQ(reactors[0]->start(read), detail::Started::pending);
  put(pair.second, "abc");
  while (read.ended == 0) reactors[0]->poll(-1);
  source->drop_owner();
  EXPECT_EQ(read.result, 3);
  EXPECT_FALSE(is_open(handle));
}

/// Closes the source while it takes an operation.
class ClosingDriver final : public detail::Driver {
 public:
  explicit ClosingDriver(bool confirms) : confirms_(confirms) {}
  detail::Started start(Operation& operation) noexcept override {
    operation.pending = true;
    operation.source->close();
    return detail::Started::pending;
  }
  detail::Cancelled cancel(Operation& operation) noexcept override {
    if (!confirms_) {
      requested_ = &operation;
      return detail::Cancelled::requested;
    }
    end(operation);
    return detail::Cancelled::confirmed;
  }
  void wait(std::int64_t /*timeout_ns*/, CompletionList& completed) noexcept override {
    if (requested_ == nullptr) return;
    end(*requested_);
    completed.push(*requested_);
    requested_ = nullptr;
  }
  void wake() noexcept override {}
  NativeHandle native_handle() const noexcept override { return invalid_handle; }

 private:
  static void end(Operation& operation) noexcept {
    operation.pending = false;
    operation.result = -ECANCELED;
  }
  bool confirms_;
  Operation* requested_ = nullptr;
};

TEST_F(SourceTest, ACloseMeetsAnOperationThatTheDriverTakes) {
  source->drop_owner();
  for (const bool confirms : {true, false}) {
    Ends ends = make_socket_pair();
    auto* const one = new Source(ends.first.release());
    detail::Reactor reactor(std::make_unique<ClosingDriver>(confirms), clock);
    CountedRead read(*one);
    const detail::Started started = reactor.start(read);
    EXPECT_EQ(started, confirms ? detail::Started::completed : detail::Started::pending);
    reactor.poll(0);
    EXPECT_EQ(read.ended, confirms ? 0 : 1);
    EXPECT_EQ(read.result, -ECANCELED);
    EXPECT_EQ(reactor.pending(), 0U);
    one->drop_owner();
  }
}

/// Operations begin and end on one thread while another closes at any moment.
TEST_F(SourceTest, ACloseMeetsOperationsAtAnyMoment) {
  source->drop_owner();
  for (int round = 0; round < 500; ++round) {
    Ends ends = make_socket_pair();
    const int number = ends.first.get();
    auto* const one = new Source(ends.first.release());
    ASSERT_TRUE(one->begin_use(interest::readable));  // as an awaiter does
    CountedRead read(*one);
    std::thread closer([one, round] {
      for (int i = 0; i < round % 50 * 20; ++i) spin_hint();
      one->drop_owner();
    });
    if (reactors[0]->start(read) == detail::Started::pending) {
      while (read.ended == 0) reactors[0]->poll(-1);
    }
    EXPECT_EQ(read.result, -ECANCELED);
    EXPECT_TRUE(is_open(number));
    closer.join();
    while (reactors[0]->poll(0) != 0) {
    }
    one->end_use();
    EXPECT_FALSE(is_open(number));
  }
}

}  // namespace
}  // namespace weft::testing::source_test
