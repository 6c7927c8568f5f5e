// File: opening, reading, writing, the cursor, locks, closing; from tasks, fibers, futures,
// threads.
#include <weft/as_future.hpp>
#include <weft/fiber.hpp>
#include <weft/file.hpp>
#include <weft/on_complete.hpp>
#include <weft/scope.hpp>
#include <weft/sleep.hpp>
#include <weft/timeout.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <semaphore>

#include "api/file_support.hpp"

namespace weft::test::file_test {
namespace {

using namespace std::chrono_literals;

class Files : public RuntimeTest {
 protected:
  TestFolder folder_;
};
WEFT_ON_ALL_RUNTIMES(Files);

TEST_P(Files, WhatIsWrittenIsReadBack) {
  run([&]() -> Task<void> {
    File file =
        co_await File::open(folder_ / "a", OpenOptions().read().write().create_new().mode(0640));
    EXPECT_TRUE(file);
    co_await file.write_all_at(bytes("hello world"), 0);
    std::array<std::byte, 64> room;
    const std::size_t size = co_await file.read_at(room, 6);
    EXPECT_EQ(text_of(std::span(room).first(size)), "world");
    const std::size_t at_end = co_await file.read_at(room, 11);
    EXPECT_EQ(at_end, 0U);
    const std::uint64_t whole = co_await file.size();
    EXPECT_EQ(whole, 11U);
    co_await file.close();
    EXPECT_FALSE(file);
  });
  EXPECT_EQ(read_by_std(folder_ / "a"), "hello world");
  EXPECT_EQ(fs::status(folder_ / "a").permissions(), fs::perms(0640) & ~fs::perms(022));
}

TEST_P(Files, ErrorsNameOperationAndPath) {
  const std::string missing = (folder_ / "missing").native();
  run([&]() -> Task<void> {
    const auto none = co_await attempt(File::open(missing));
    EXPECT_EQ(none.error().what(), "open " + missing + ": no such file or directory");
    const auto taken =
        co_await attempt(File::open(folder_.path(), OpenOptions().write().create_new()));
    EXPECT_EQ(taken.error().code(), std::errc::file_exists);
    const auto directory = co_await attempt(File::open(folder_.path()));
    EXPECT_TRUE(directory.has_value());
    std::array<std::byte, 1> room;
    File opened = co_await File::open(folder_.path());
    const auto read = co_await attempt(opened.read(room));
    EXPECT_EQ(read.error().what(), "read " + folder_.path().native() + ": is a directory");
    const auto nul = co_await attempt(File::open(std::string("a\0b", 3)));
    EXPECT_EQ(nul.error().code(), std::errc::invalid_argument);
  });
}

TEST_P(Files, OptionsThatContradictEachOtherAreAnError) {
  run([&]() -> Task<void> {
    for (const OpenOptions& options :
         {OpenOptions().create(), OpenOptions().truncate(), OpenOptions().create_new(),
          OpenOptions().append().truncate()}) {
      const auto opened = co_await attempt(File::open(folder_ / "a", options));
      EXPECT_EQ(opened.error().code(), std::errc::invalid_argument);
    }
  });
  EXPECT_EQ(folder_.size(), 0U);
}

TEST_P(Files, TheCursorGoesOnWithEachOperation) {
  run([&]() -> Task<void> {
    File file = co_await File::open(folder_ / "a", OpenOptions().read().write().create());
    co_await file.write_all("one ");
    co_await file.write_all("two ");
    co_await file.write_all(std::string("three"));
    const std::uint64_t back = co_await file.seek(4);
    EXPECT_EQ(back, 4U);
    std::array<std::byte, 3> room;
    co_await file.read_exact(room);
    EXPECT_EQ(text_of(room), "two");
    const std::uint64_t here = co_await file.seek(0, SeekFrom::current);
    EXPECT_EQ(here, 7U);
    const std::uint64_t end = co_await file.seek(-5, SeekFrom::end);
    EXPECT_EQ(end, 8U);
    const auto before = co_await attempt(file.seek(-1));
    EXPECT_EQ(before.error().code(), std::errc::invalid_argument);
    std::array<std::byte, 6> more;
    const auto short_of = co_await attempt(file.read_exact(more));
    EXPECT_EQ(short_of.error().code(), FileErrc::unexpected_end);
    const std::size_t nothing = co_await file.read(room);
    EXPECT_EQ(nothing, 0U);
  });
}

TEST_P(Files, WritesThatBeginTogetherKeepTheirOrder) {
  run([&]() -> Task<void> {
    File file = co_await File::create(folder_ / "a");
    co_await scope([&](Scope& children) -> Task<void> {
      for (char c = 'a'; c <= 'z'; ++c) {
        // Each begins in this task, before the next one.
        children.spawn(file.write_all(std::string_view(&"abcdefghijklmnopqrstuvwxyz"[c - 'a'], 1)))
            .detach();
        co_await yield_now();
      }
    });
  });
  std::string all = read_by_std(folder_ / "a");
  if (GetParam() > 1) std::ranges::sort(all);  // several workers begin them
  EXPECT_EQ(all, "abcdefghijklmnopqrstuvwxyz");
}

TEST_P(Files, AppendGoesToTheEnd) {
  run([&]() -> Task<void> {
    File whole = co_await File::open(folder_ / "a", OpenOptions().read().write().create());
    File log = co_await File::open(folder_ / "a", OpenOptions().append());
    co_await log.write_all("1");
    co_await whole.append("2");
    co_await log.write_all("3");
    co_await whole.write_all("x");
    const std::uint64_t at = co_await whole.seek(0, SeekFrom::current);
    EXPECT_EQ(at, 1U) << "append() has left the cursor alone";
  });
  EXPECT_EQ(read_by_std(folder_ / "a"), "x23");
}

TEST_P(Files, SeveralPiecesInOneOperation) {
  run([&]() -> Task<void> {
    File file = co_await File::open(folder_ / "a", OpenOptions().read().write().create());
    std::string one = "one,";
    std::string two = "two";
    const std::array<IoSlice, 2> from{
        IoSlice{reinterpret_cast<std::byte*>(one.data()), one.size()},
        IoSlice{reinterpret_cast<std::byte*>(two.data()), two.size()}};
    const std::size_t written = co_await file.write_vectored_at(from, 2);
    EXPECT_EQ(written, 7U);
    const std::array<IoSlice, 2> to{IoSlice{reinterpret_cast<std::byte*>(two.data()), two.size()},
                                    IoSlice{reinterpret_cast<std::byte*>(one.data()), one.size()}};
    const std::size_t read = co_await file.read_vectored_at(to, 2);
    EXPECT_EQ(read, 7U);
    EXPECT_EQ(two + one, "one,two");
  });
}

TEST_P(Files, LargeTransfersAreWhole) {
  const std::string large(5'000'000, 'l');
  run([&]() -> Task<void> {
    File file = co_await File::open(folder_ / "a", OpenOptions().read().write().create());
    co_await file.write_all_at(bytes(large), 0);
    std::vector<std::byte> room(large.size());
    co_await file.read_exact_at(room, 0);
    EXPECT_EQ(text_of(room), large);
    const std::size_t size = co_await file.read_at(room, large.size() - 3);
    EXPECT_EQ(size, 3U);
  });
}

TEST_P(Files, TheFileAsAWhole) {
  run([&]() -> Task<void> {
    File file = co_await File::create(folder_ / "a");
    co_await file.allocate(0, 8192);
    co_await file.truncate(100);
    co_await file.set_permissions(0600);
    co_await file.sync_data();
    co_await file.sync();
    const FileMetadata all = co_await file.metadata();
    EXPECT_EQ(all.size, 100U);
    EXPECT_EQ(all.permissions, 0600U);
    EXPECT_TRUE(all.is_regular());
    EXPECT_EQ(all.links, 1U);
    EXPECT_EQ(all.user, ::getuid());
    const auto age = std::chrono::system_clock::now() - all.modified;
    EXPECT_LT(std::chrono::abs(age), 1h);
    const auto wrong = co_await attempt(file.allocate(0, 0));
    EXPECT_EQ(wrong.error().code(), std::errc::invalid_argument);
  });
}

TEST_P(Files, AReadOnlyFileIsNotWritten) {
  write_by_std(folder_ / "a", "kept");
  run([&]() -> Task<void> {
    File file = co_await File::open(folder_ / "a");
    const auto written = co_await attempt(file.write_all("lost"));
    EXPECT_EQ(written.error().code(), std::errc::bad_file_descriptor);
    const auto cut = co_await attempt(file.truncate(0));
    EXPECT_EQ(cut.error().code(), std::errc::invalid_argument);
  });
  EXPECT_EQ(read_by_std(folder_ / "a"), "kept");
}

TEST_P(Files, LinksAreNotFollowedIfNotWanted) {
  write_by_std(folder_ / "a", "kept");
  fs::create_symlink("a", folder_ / "link");
  run([&]() -> Task<void> {
    const auto link =
        co_await attempt(File::open(folder_ / "link", OpenOptions().read().no_follow()));
    EXPECT_EQ(link.error().code(), std::errc::too_many_symbolic_link_levels);
    File followed = co_await File::open(folder_ / "link");
    EXPECT_TRUE(followed);
  });
}

TEST_P(Files, DirectTransfersSayWhichAlignmentTheyNeed) {
  write_by_std(folder_ / "a", std::string(8192, 'd'));
  run([&]() -> Task<void> {
    auto opened = co_await attempt(File::open(folder_ / "a", OpenOptions().read().direct()));
    if (!opened) {
      EXPECT_EQ(opened.error().code(), std::errc::invalid_argument) << "not here";
      co_return;
    }
    const File& file = *opened;
    const Result<DirectAlignment> needed = file.direct_alignment();
    alignas(4096) static std::array<std::byte, 8192> room;
    const auto odd = co_await attempt(opened->read_at(std::span(room).subspan(1, 511), 1));
    if (!odd) {
      const std::string what = odd.error().what();
      EXPECT_EQ(odd.error().code(), std::errc::invalid_argument);
      EXPECT_NE(what.find("direct I/O"), std::string::npos) << what;
      if (needed) {
        EXPECT_NE(what.find(std::to_string(needed->offset)), std::string::npos) << what;
      }
    }
    const std::size_t size = co_await opened->read_at(room, 0);
    EXPECT_EQ(size, room.size());
    const std::size_t at_end = co_await opened->read_at(room, 8192);
    EXPECT_EQ(at_end, 0U);
  });
}

TEST_P(Files, AnAdoptedHandleIsKeptOnAnError) {
  write_by_std(folder_ / "a", "hello");
  const int handle = ::open((folder_ / "a").c_str(), O_RDONLY);
  run([&]() -> Task<void> {
    Result<File> file = File::adopt(handle, "mine");
    EXPECT_EQ(file->native_handle(), handle);
    EXPECT_EQ(file->name(), "mine");
    std::array<std::byte, 5> room;
    co_await file->read_exact(room);
    EXPECT_EQ(text_of(room), "hello");
    EXPECT_NE(::fcntl(handle, F_GETFD) & FD_CLOEXEC, 0);
    const Result<NativeHandle> copy = file->duplicate_handle();
    EXPECT_EQ(::close(*copy), 0);
  });
  EXPECT_EQ(::fcntl(handle, F_GETFD), -1) << "the file was closed with its object";
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(File::adopt(ends[0]).error(), std::errc::invalid_argument);
  EXPECT_EQ(::close(ends[0]), 0);
  EXPECT_EQ(::close(ends[1]), 0);
  EXPECT_EQ(File::adopt(ends[0]).error(), std::errc::bad_file_descriptor);
}

TEST_P(Files, LocksExcludeEachOther) {
  run([&]() -> Task<void> {
    const auto options = OpenOptions().read().write().create();
    File one = co_await File::open(folder_ / "a", options);
    File other = co_await File::open(folder_ / "a", options);
    co_await one.lock();
    bool taken = co_await other.try_lock(FileLock::shared);
    EXPECT_FALSE(taken);
    auto waiting = spawn(other.lock());
    for (int i = 0; i < 10; ++i) co_await yield_now();
    EXPECT_FALSE(waiting.ended());
    co_await one.unlock();
    co_await std::move(waiting);
    taken = co_await one.try_lock();
    EXPECT_FALSE(taken);
    auto given_up = spawn(one.lock());
    co_await sleep_for(2ms);
    const bool was_cancelled = co_await cancel_and_see(&given_up);
    EXPECT_TRUE(was_cancelled);
    co_await other.close();
    co_await one.lock(FileLock::shared);
  });
}

TEST_P(Files, FromFibersFuturesCallbacksAndThreads) {
  write_by_std(folder_ / "a", "hello");
  const fs::path path = folder_ / "a";
  run(fiber([&] {
    File file = await(File::open(path));
    std::array<std::byte, 5> room;
    await(file.read_exact(room));
    EXPECT_EQ(text_of(room), "hello");
  }));
  File opened = runtime().block_on(File::open(path));
  std::array<std::byte, 5> room;
  EXPECT_EQ(runtime().block_on(opened.read_at(room, 0)), 5U);
  run([&]() -> Task<void> {
    const std::size_t size = co_await as_future(opened.read_at(room, 1));
    EXPECT_EQ(size, 4U);
  });
}

TEST_P(Files, AClosedFileRefusesOperations) {
  run([&]() -> Task<void> {
    File file = co_await File::create(folder_ / "a");
    co_await file.close();
    std::array<std::byte, 1> room;
    const auto read = co_await attempt(file.read_at(room, 0));
    EXPECT_EQ(read.error().code(), std::errc::operation_canceled);
    const auto size = co_await attempt(file.size());
    EXPECT_EQ(size.error().code(), std::errc::operation_canceled);
    const auto closed = co_await attempt(file.close());
    EXPECT_EQ(closed.error().code(), std::errc::operation_canceled);
    EXPECT_EQ(file.native_handle(), invalid_handle);
  });
}

TEST_P(Files, AThousandReadsOnOneThread) {
  RuntimeOptions options = options_for(GetParam());
  options.file_threads = 1;
  Runtime narrow(std::move(options));
  std::string contents(1000 * 100, ' ');
  for (std::size_t i = 0; i < contents.size(); ++i)
    contents[i] = static_cast<char>('a' + i / 100 % 26);
  write_by_std(folder_ / "a", contents);
  std::atomic<int> right{0};
  narrow.block_on([&]() -> Task<void> {
    File file = co_await File::open(folder_ / "a");
    co_await scope([&](Scope& children) -> Task<void> {
      for (std::uint64_t i = 0; i < 1000; ++i) {
        children
            .spawn([&, i]() -> Task<void> {
              std::vector<std::byte> room(100'000);  // more than is read in place
              const std::size_t size = co_await file.read_at(room, i * 100);
              if (text_of(std::span(room).first(size)) == contents.substr(i * 100)) ++right;
            })
            .detach();
      }
      co_return;
    });
  });
  EXPECT_EQ(right, 1000);
  EXPECT_EQ(narrow.metrics().file_threads, 1U);
}

}  // namespace
}  // namespace weft::test::file_test
