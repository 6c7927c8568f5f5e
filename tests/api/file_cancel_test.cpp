// Files: cancels before, while queued, while running and after; closing under operations; the end
// of a runtime; virtual time; a loop of one's own; faults of each system call.
#include <weft/file.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/timeout.hpp>

#include <fcntl.h>
#include <poll.h>

#include <chrono>
#include <optional>

#include "api/file_support.hpp"
#include "os/fault.hpp"

namespace weft::test::file_cancel_test {
namespace {

using namespace std::chrono_literals;
using detail::Call;

class FileCancel : public RuntimeTest {
 protected:
  static constexpr std::size_t threads = 4;  // as by default
  TestFolder folder_;
};
WEFT_ON_ALL_RUNTIMES(FileCancel);

TEST_P(FileCancel, BeforeItBegins) {
  write_by_std(folder_ / "a", "hello");
  run([&]() -> Task<void> {
    File file = co_await File::open(folder_ / "a");
    std::array<std::byte, 5> room{};
    bool reached = false;
    auto task = spawn([&]() -> Task<void> {
      co_await yield_now();
      co_await file.read_exact_at(room, 0);
      reached = true;
    });
    const bool was_cancelled = co_await cancel_and_see(&task);
    EXPECT_TRUE(was_cancelled);
    EXPECT_FALSE(reached);
    EXPECT_EQ(room, (std::array<std::byte, 5>{}));
  });
}

TEST_P(FileCancel, WhatIsQueuedIsTakenBack) {
  HeldFileThreads held;
  run([&]() -> Task<void> {
    File file = co_await File::open(folder_ / "a", OpenOptions().read().write().create());
    co_await held.hold(threads);
    auto write = spawn(file.write_all_at(bytes("lost"), 0));
    auto at_cursor = spawn(file.write_all("lost"));
    auto behind = spawn(file.write_all("kept"));
    auto open = spawn(File::create(folder_ / "b"));
    auto coarse = spawn(write_file(folder_ / "c", "lost"));
    co_await held.until_queued(4);
    bool was_cancelled = co_await cancel_and_see(&write);
    EXPECT_TRUE(was_cancelled);
    was_cancelled = co_await cancel_and_see(&at_cursor);
    EXPECT_TRUE(was_cancelled);
    was_cancelled = co_await cancel_and_see(&open);
    EXPECT_TRUE(was_cancelled);
    was_cancelled = co_await cancel_and_see(&coarse);
    EXPECT_TRUE(was_cancelled);
    EXPECT_FALSE(behind.ended());
    held.release();
    co_await std::move(behind);
  });
  EXPECT_EQ(read_by_std(folder_ / "a"), "kept");
  EXPECT_EQ(folder_.size(), 1U);
}

TEST_P(FileCancel, WhileAnythingRunsEachEndsOnceAndNothingIsLost) {
  std::atomic<int> written{0};
  run([&]() -> Task<void> {
    File file = co_await File::create(folder_ / "a");
    for (int i = 0; i < 300; ++i) {
      auto task = spawn([&]() -> Task<void> {
        co_await file.append("x");
        ++written;
      });
      for (int turns = i % 7; turns > 0; --turns) co_await yield_now();
      co_await cancel_and_see(&task);
      auto open = spawn(File::open(folder_ / "a"));
      for (int turns = i % 5; turns > 0; --turns) co_await yield_now();
      co_await cancel_and_see(&open);  // a file that was opened all the same is closed
    }
  });
  EXPECT_EQ(read_by_std(folder_ / "a").size(), static_cast<std::size_t>(written));
}

TEST_P(FileCancel, AClosedFileEndsWhatWaits) {
  HeldFileThreads held;
  run([&]() -> Task<void> {
    File file = co_await File::open(folder_ / "a", OpenOptions().read().write().create());
    co_await held.hold(threads);
    auto first = spawn(attempt(file.write_all("lost")));
    auto second = spawn(attempt(file.write_all("lost")));
    auto other = spawn(attempt(file.sync()));
    co_await held.until_queued(2);
    auto closing = spawn(file.close());
    for (auto* each : {&first, &second, &other}) {
      const IoResult<void> result = co_await std::move(*each);
      EXPECT_EQ(result.error().code(), std::errc::operation_canceled);
    }
    held.release();
    co_await std::move(closing);
  });
  EXPECT_EQ(read_by_std(folder_ / "a"), "");
}

TEST_P(FileCancel, ADestroyedFileIsClosedByItsLastOperation) {
  HeldFileThreads held;
  run([&]() -> Task<void> {
    std::optional<File> file = co_await File::create(folder_ / "a");
    co_await held.hold(threads);
    auto write = spawn(attempt(file->write_all("lost")));
    auto size = spawn(attempt(file->size()));
    co_await held.until_queued(2);
    file.reset();
    const IoResult<void> result = co_await std::move(write);
    EXPECT_EQ(result.error().code(), std::errc::operation_canceled);
    held.release();
    const IoResult<std::uint64_t> known = co_await std::move(size);
    EXPECT_EQ(known.value(), 0U) << "it had begun before the end of the file";
  });
}

TEST_P(FileCancel, ACloseThatIsCancelledClosesAllTheSame) {
  HeldFileThreads held;
  run([&]() -> Task<void> {
    File file = co_await File::create(folder_ / "a");
    co_await held.hold(threads);
    const NativeHandle handle = file.native_handle();
    auto closing = spawn(file.close());
    co_await held.until_queued(1);
    const bool was_cancelled = co_await cancel_and_see(&closing);
    EXPECT_TRUE(was_cancelled);
    EXPECT_EQ(::fcntl(handle, F_GETFD), -1);
    held.release();
  });
}

TEST_P(FileCancel, AShutdownTakesBackWhatIsQueued) {
  HeldFileThreads held;
  std::optional<File> file;
  run([&]() -> Task<void> {
    file = co_await File::create(folder_ / "a");
    co_await held.hold(threads);
    for (int i = 0; i < 10; ++i) spawn(file->write_all("lost")).detach();
    for (int i = 0; i < 10; ++i) spawn(write_file(folder_ / "b", "lost")).detach();
    co_await held.until_queued(11);
    held.release();
  });
  end_runtime();
  EXPECT_FALSE(file->name().empty());
}

TEST_P(FileCancel, ATimeoutEndsWhatWaitsForAThread) {
  HeldFileThreads held;
  run([&]() -> Task<void> {
    File file = co_await File::create(folder_ / "a");
    co_await held.hold(threads);
    const IoResult<void> late = co_await attempt(timeout(file.sync(), 1ms));
    EXPECT_EQ(late.error().code(), std::errc::timed_out);
    held.release();
  });
}

// Faults

TEST_P(FileCancel, EachOperationReportsTheErrorOfItsCall) {
  run([&]() -> Task<void> {
    File file = co_await File::open(folder_ / "a", OpenOptions().read().write().create());
    std::vector<std::byte> room(100'000);
    for (const int error : {EIO, ENOSPC, EDQUOT, ENOMEM}) {
      detail::ScopedFaults faults;
      faults.add({.call = Call::read_file, .errno_value = error});
      const auto read = co_await attempt(file.read_at(room, 0));
      EXPECT_EQ(read.error().code().value(), error);
      faults.add({.call = Call::write_file, .errno_value = error});
      const auto written = co_await attempt(file.write_all("x"));
      EXPECT_EQ(written.error().code().value(), error);
      faults.add({.call = Call::fsync, .errno_value = error});
      const auto synced = co_await attempt(file.sync());
      EXPECT_EQ(synced.error().code().value(), error);
      faults.add({.call = Call::ftruncate, .errno_value = error});
      const auto cut = co_await attempt(file.truncate(0));
      EXPECT_EQ(cut.error().code().value(), error);
      faults.add({.call = Call::openat, .errno_value = error});
      const auto opened = co_await attempt(File::open(folder_ / "a"));
      EXPECT_EQ(opened.error().code().value(), error);
      faults.add({.call = Call::statx, .errno_value = error});
      const auto known = co_await attempt(file.metadata());
      EXPECT_EQ(known.error().code().value(), error);
      EXPECT_EQ(faults.struck(), 6U);
    }
    detail::ScopedFaults faults;
    faults.add({.call = Call::openat, .errno_value = EMFILE});
    const auto many = co_await attempt(File::open(folder_ / "a"));
    EXPECT_EQ(many.error().code(), std::errc::too_many_files_open);
  });
}

TEST_P(FileCancel, CloseReportsWhatWasPutOff) {
  run([&]() -> Task<void> {
    File file = co_await File::create(folder_ / "a");
    detail::ScopedFaults faults;
    faults.add({.call = Call::close, .errno_value = EIO, .handle = file.native_handle()});
    const auto closed = co_await attempt(file.close());
    EXPECT_EQ(closed.error().what(), "close " + (folder_ / "a").native() + ": input/output error");
    EXPECT_FALSE(file);
  });
}

TEST_P(FileCancel, ShortAndInterruptedTransfersGoOn) {
  run([&]() -> Task<void> {
    File file = co_await File::open(folder_ / "a", OpenOptions().read().write().create());
    detail::ScopedFaults faults;
    faults.add({.call = Call::write_file, .errno_value = EINTR, .times = 5});
    faults.add({.call = Call::write_file, .size = 3, .times = detail::Fault::always});
    co_await file.write_all_at(bytes("hello world"), 0);
    co_await file.write_all("HELLO");
    const std::size_t part = co_await file.write_at(bytes("XXXXX"), 11);
    EXPECT_EQ(part, 3U);
    faults.add({.call = Call::read_file, .errno_value = EINTR, .times = 5});
    faults.add({.call = Call::read_file, .size = 2, .times = detail::Fault::always});
    std::array<std::byte, 14> room;
    co_await file.read_exact_at(room, 0);
    EXPECT_EQ(text_of(room), "HELLO worldXXX");
  });
}

TEST_P(FileCancel, ADeviceThatFillsUpEndsAWriteAfterAPart) {
  run([&]() -> Task<void> {
    File file = co_await File::create(folder_ / "a");
    detail::ScopedFaults faults;
    faults.add({.call = Call::write_file, .size = 4});
    faults.add({.call = Call::write_file, .errno_value = ENOSPC});
    const auto written = co_await attempt(file.write_all("hello world"));
    EXPECT_EQ(written.error().code(), std::errc::no_space_on_device);
  });
  EXPECT_EQ(read_by_std(folder_ / "a"), "hell");
}

TEST_P(FileCancel, WithoutAThreadThereIsAnError) {
  run([&]() -> Task<void> {
    detail::ScopedFaults faults;
    faults.add({.call = Call::start_thread, .errno_value = EAGAIN, .times = 2});
    const auto opened = co_await attempt(File::create(folder_ / "a"));
    EXPECT_EQ(opened.error().code(), std::errc::resource_unavailable_try_again);
    const auto coarse = co_await attempt(read_file(folder_ / "a"));
    EXPECT_EQ(coarse.error().code(), std::errc::resource_unavailable_try_again);
  });
}

// Other runtimes

TEST(FileTime, StandsStillWhileAFileOperationRuns) {
  const TestFolder folder;
  Runtime runtime(with_virtual_time());
  runtime.block_on([&]() -> Task<void> {
    auto sleeper = spawn(sleep_for(1h));
    const TimePoint before = now();
    File file = co_await File::create(folder / "a");
    for (int i = 0; i < 50; ++i) {
      co_await file.write_all("x");
      co_await file.sync();
    }
    co_await file.close();
    const std::string text = co_await read_text(folder / "a");
    EXPECT_EQ(text.size(), 50U);
    EXPECT_EQ(now(), before);
    EXPECT_FALSE(sleeper.ended());
    co_await std::move(sleeper);
    EXPECT_EQ(now() - before, 1h);
  });
}

TEST(FileLoop, AFileWorksInALoopOfOnesOwn) {
  const TestFolder folder;
  Runtime runtime(options_for(0));
  auto task = runtime.spawn([&]() -> Task<void> {
    File file = co_await File::create(folder / "a");
    for (int i = 0; i < 20; ++i) co_await file.write_all("x");
    co_await file.close();
  });
  while (!task.ended()) {
    const auto next = runtime.poll();
    pollfd handle{.fd = runtime.native_handle(), .events = POLLIN, .revents = 0};
    if (!task.ended()) ::poll(&handle, 1, next ? static_cast<int>(next->count() / 1'000'000) : -1);
  }
  EXPECT_EQ(read_by_std(folder / "a").size(), 20U);
}

}  // namespace
}  // namespace weft::test::file_cancel_test
