// RuntimeOptions::log: what a runtime reports goes there, and nothing to standard error.
#include <weft/log.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/runtime.hpp>
#include <weft/semaphore.hpp>
#include <weft/shield.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/runtime_fixture.hpp"

namespace weft::test::log_test {
namespace {

using namespace std::chrono_literals;

/// Keeps records as texts. Any thread.
class Records {
 public:
  [[nodiscard]] LogHandler handler() {
    return [this](const LogRecord& record) {
      const std::lock_guard lock(mutex_);
      all_.push_back({std::string(to_string(record.level)), std::string(record.runtime),
                      std::string(record.part), to_string(record)});
    };
  }
  struct One {
    std::string level;
    std::string runtime;
    std::string part;
    std::string text;
  };
  [[nodiscard]] std::vector<One> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<One> all_;  // guarded by mutex_
};

Task<void> broken() {
  co_await yield_now();
  throw std::runtime_error("it broke");
}
Task<void> outer() { co_await broken(); }

TEST(Log, GetsTheFailureOfATaskThatIsNotAwaited) {
  Records records;
  ::testing::internal::CaptureStderr();
  {
    RuntimeOptions options = options_for(1);
    options.name = "front";
    options.log = records.handler();
    Runtime runtime(std::move(options));
    runtime.block_on([]() -> Task<void> {
      auto handle = spawn(outer);
      while (!handle.ended()) co_await yield_now();
    });
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  const auto all = records.all();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].level, "error");
  EXPECT_EQ(all[0].runtime, "front");
  EXPECT_EQ(all[0].part, "task");
  EXPECT_NE(all[0].text.find("weft: a task failed and nobody awaited it: it broke\n  awaited at "),
            std::string::npos)
      << all[0].text;
}

TEST(Log, AHandlerThatThrowsLosesNothing) {
  ::testing::internal::CaptureStderr();
  {
    RuntimeOptions options = options_for(1);
    options.log = [](const LogRecord&) { throw std::runtime_error("the disk is full"); };
    Runtime runtime(std::move(options));
    runtime.block_on([]() -> Task<void> {
      auto handle = spawn(outer);
      while (!handle.ended()) co_await yield_now();
    });
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("weft: a task failed and nobody awaited it: it broke\n  awaited at "),
            std::string::npos)
      << text;
}

TEST(Log, GetsWhatOnFailureThrows) {
  Records records;
  ::testing::internal::CaptureStderr();
  {
    RuntimeOptions options = options_for(1);
    options.log = records.handler();
    options.on_failure = [](const UnhandledFailure&) { throw std::logic_error("a bad handler"); };
    Runtime runtime(std::move(options));
    runtime.block_on([]() -> Task<void> {
      auto handle = spawn(broken);
      while (!handle.ended()) co_await yield_now();
    });
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  const auto all = records.all();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_NE(all[0].text.find("on_failure has thrown: a bad handler"), std::string::npos);
  EXPECT_NE(all[1].text.find("it broke"), std::string::npos);
}

TEST(Log, GetsWhatAShutdownWaitsFor) {
  Records records;
  ::testing::internal::CaptureStderr();
  {
    ManualResetEvent event;
    RuntimeOptions options = options_for(1);
    options.log = records.handler();
    Runtime runtime(std::move(options));
    runtime.spawn(shield(event.wait())).detach();
    while (records.all().empty()) EXPECT_FALSE(runtime.shutdown(1200ms).complete);
    event.set();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  const auto all = records.all();
  EXPECT_EQ(all.front().level, "warning");
  EXPECT_EQ(all.front().part, "shutdown");
  EXPECT_NE(all.front().text.find("the shutdown waits for 1 tasks"), std::string::npos)
      << all.front().text;
}

TEST(LogDeathTest, AFailedCheckPassesThroughTheHook) {
  const auto hook = [](const LogRecord& record) noexcept {
    std::fprintf(stderr, "hook %s: %s\n", std::string(to_string(record.level)).c_str(),
                 to_string(record).c_str());
  };
  EXPECT_DEATH(
      {
        set_check_hook(+hook);
        Semaphore semaphore(SIZE_MAX);
      },
      "hook fatal: weft: a semaphore cannot have so many permits");
  EXPECT_EQ(set_check_hook(+hook), nullptr);
  EXPECT_EQ(set_check_hook(nullptr), static_cast<CheckHook>(+hook));
}

}  // namespace
}  // namespace weft::test::log_test
