// Shared by the tests of EventQueue.
#pragma once

#include <gtest/gtest.h>
#include <weft/event_queue.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "conformance/handles.hpp"

namespace weft::testing {

class EventQueueTest : public ::testing::Test {
 protected:
  EventQueueTest() : handles_before_(open_handles()), queue_(EventQueue::create().value()) {}
  ~EventQueueTest() override {
    ends_.clear();
    {
      const EventQueue gone = std::move(queue_);
    }
    EXPECT_EQ(open_handles(), handles_before_);
  }

  /// Both ends live until the test ends.
  Ends& keep(Ends ends) {
    ends_.push_back(std::make_unique<Ends>(std::move(ends)));
    return *ends_.back();
  }

  std::vector<Event> poll(
      std::optional<std::chrono::nanoseconds> timeout = std::chrono::nanoseconds(0)) {
    const Result<Events> found = queue_.poll(room_, timeout);
    if (!found) {
      ADD_FAILURE() << found.error().message();
      return {};
    }
    std::vector<Event> events;
    for (const Event& event : *found) events.push_back(event);
    return events;
  }
  std::vector<std::uint64_t> tokens(
      std::optional<std::chrono::nanoseconds> timeout = std::chrono::nanoseconds(0)) {
    std::vector<std::uint64_t> result;
    for (const Event& event : poll(timeout)) result.push_back(event.token);
    return result;
  }

  std::size_t handles_before_;
  EventQueue queue_;
  std::array<Event, 64> room_{};
  std::vector<std::unique_ptr<Ends>> ends_;
};

using Tokens = std::vector<std::uint64_t>;

}  // namespace weft::testing
