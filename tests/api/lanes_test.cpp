// Lanes: those that RuntimeOptions names, and what a slow shutdown says of each.
#include <weft/blocking.hpp>
#include <weft/runtime.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <semaphore>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <thread>

#include "api/file_support.hpp"
#include "support/manual_event.hpp"

namespace weft::test::lanes_test {
namespace {

using namespace std::chrono_literals;

class Lanes : public RuntimeTest {
 protected:
  [[nodiscard]] RuntimeOptions options() const {
    RuntimeOptions options = options_for(GetParam());
    BlockingOptions database;
    database.name = "database";
    database.most_threads = 1;
    BlockingOptions reports;
    reports.name = "reports";
    reports.most_threads = 2;
    options.lanes = {database, reports};
    return options;
  }
};
WEFT_ON_ALL_RUNTIMES(Lanes);

TEST_P(Lanes, EachHasTheThreadsThatItWasGiven) {
  Runtime runtime(options());
  std::binary_semaphore gate(0);
  ManualEvent begun;
  runtime.block_on([&]() -> Task<void> {
    auto first = spawn(blocking(lane("database"), [&] {
      begun.set();
      gate.acquire();
    }));
    co_await begun;
    auto second = spawn(blocking(lane("database"), [] { return 2; }));
    const int other = co_await blocking(lane("reports"), [] { return 3; });
    EXPECT_EQ(other, 3);
    co_await blocking([] {});
    EXPECT_FALSE(second.ended()) << "its lane has one thread";
    gate.release();
    co_await std::move(first);
    const int value = co_await std::move(second);
    EXPECT_EQ(value, 2);
  });
  const RuntimeMetrics metrics = runtime.metrics();
  ASSERT_EQ(metrics.lanes.size(), 2U);
  EXPECT_EQ(metrics.lanes[0].name, "database");
  EXPECT_EQ(metrics.lanes[0].threads, 1U);
  EXPECT_EQ(metrics.lanes[0].calls, 2U);
  EXPECT_EQ(metrics.lanes[1].calls, 1U);
}

TEST_P(Lanes, ANameThatIsNotThereIsAnErrorThatNamesThoseThatAre) {
  Runtime runtime(options());
  runtime.block_on([]() -> Task<void> {
    std::string said;
    try {
      co_await blocking(lane("databse"), [] {});
    } catch (const std::invalid_argument& error) {
      said = error.what();
    }
    EXPECT_EQ(said,
              "weft::blocking: this runtime has no lane \"databse\"; RuntimeOptions::lanes names "
              "\"database\", \"reports\"");
  });
  run([]() -> Task<void> {
    std::string said;
    try {
      co_await blocking(lane("database"), [] {});
    } catch (const std::invalid_argument& error) {
      said = error.what();
    }
    EXPECT_TRUE(said.ends_with("RuntimeOptions::lanes names none")) << said;
  });
}

TEST_P(Lanes, OptionsAreChecked) {
  const auto refused = [&](auto change) {
    RuntimeOptions wrong = options();
    change(wrong);
    try {
      Runtime runtime(std::move(wrong));
      return std::string("accepted");
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
  };
  EXPECT_EQ(refused([](RuntimeOptions& o) { o.lanes[1].name = "database"; }),
            "weft::Runtime: two lanes are called \"database\"");
  EXPECT_EQ(refused([](RuntimeOptions& o) { o.lanes[1].name = ""; }),
            "weft::Runtime: a lane of RuntimeOptions::lanes has no name");
  EXPECT_EQ(refused([](RuntimeOptions& o) { o.lanes[0].most_threads = 0; }),
            "weft::Runtime: most_threads of lane \"database\" must be from 1 to 1024, not 0");
  EXPECT_EQ(refused([](RuntimeOptions& o) { o.file_threads = 0; }),
            "weft::Runtime: file_threads must be from 1 to 1024, not 0");
}

TEST_P(Lanes, FilesDoNotWaitForBlockingCalls) {
  const TestFolder folder;
  std::binary_semaphore gate(0);
  run([&]() -> Task<void> {
    std::vector<JoinHandle<void>> calls;
    for (int i = 0; i < 8; ++i) {
      calls.push_back(spawn(blocking([&] {
        gate.acquire();
        gate.release();
      })));
    }
    co_await write_file(folder / "a", "text");
    const std::string text = co_await read_text(folder / "a");
    EXPECT_EQ(text, "text");
    gate.release();
    for (auto& call : calls) co_await std::move(call);
  });
}

/// Captures std::cerr while it lives. The first output that has all of `words` opens the gate.
class HeardErrors : private std::streambuf {
 public:
  HeardErrors(std::string& said, std::function<void()> heard)
      : said_(said), heard_(std::move(heard)), before_(std::cerr.rdbuf(this)) {}
  ~HeardErrors() override { std::cerr.rdbuf(before_); }
  HeardErrors(const HeardErrors&) = delete;
  HeardErrors& operator=(const HeardErrors&) = delete;

 private:
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    if (said_.empty()) heard_();
    said_.append(text, static_cast<std::size_t>(size));
    return size;
  }
  int_type overflow(int_type c) override { return c; }

  std::string& said_;
  std::function<void()> heard_;
  std::streambuf* before_;
};

TEST_P(Lanes, AShutdownThatWaitsSaysForWhatOnEachLane) {
  auto runtime = std::make_unique<Runtime>(options());
  std::binary_semaphore gate(0);
  HeldFileThreads held;
  std::atomic<bool> begun{false};
  runtime->block_on([&]() -> Task<void> {
    spawn(blocking(lane("database"), [&] {
      begun = true;
      gate.acquire();
    })).detach();
    co_await until([&] { return begun.load(); });
    co_await held.hold(1);
  });
  std::string said;
  {
    const HeardErrors heard(said, [&] {
      gate.release();
      held.release();
    });
    runtime.reset();
  }
  EXPECT_NE(said.find("a blocking call that has run for"), std::string::npos) << said;
  EXPECT_NE(said.find("on lane \"database\""), std::string::npos) << said;
  EXPECT_NE(said.find("a file operation that has run for"), std::string::npos) << said;
  EXPECT_NE(said.find("held by a test"), std::string::npos) << said;
}

}  // namespace
}  // namespace weft::test::lanes_test
