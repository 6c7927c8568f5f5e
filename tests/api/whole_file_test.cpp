// Whole files in one call: reading, writing, replacing, copying; what is left after a fault or a
// cancel.
#include <weft/file.hpp>
#include <weft/scope.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "api/file_support.hpp"
#include "os/fault.hpp"

namespace weft::test::whole_file_test {
namespace {

using detail::Call;

class WholeFile : public RuntimeTest {
 protected:
  TestFolder folder_;
};
WEFT_ON_ALL_RUNTIMES(WholeFile);

TEST_P(WholeFile, ReadsWhatIsThere) {
  const std::string large(3'000'000, 'r');
  write_by_std(folder_ / "empty", "");
  write_by_std(folder_ / "large", large);
  run([&]() -> Task<void> {
    const std::string empty = co_await read_text(folder_ / "empty");
    EXPECT_EQ(empty, "");
    const std::vector<std::byte> all = co_await read_file(folder_ / "large");
    EXPECT_EQ(text_of(all), large);
    const std::string of_no_size = co_await read_text("/proc/self/status");
    EXPECT_NE(of_no_size.find("VmPeak"), std::string::npos);
    const auto limited = co_await attempt(read_file(folder_ / "large", 2'999'999));
    EXPECT_EQ(limited.error().code(), FileErrc::too_large);
    EXPECT_EQ(limited.error().what(),
              "read_file " + (folder_ / "large").native() + ": file is larger than the limit");
    const auto exact = co_await attempt(read_file(folder_ / "large", 3'000'000));
    EXPECT_TRUE(exact.has_value());
    const auto endless = co_await attempt(read_file("/dev/zero", 100'000));
    EXPECT_EQ(endless.error().code(), FileErrc::too_large);
    const auto missing = co_await attempt(read_file(folder_ / "missing"));
    EXPECT_EQ(missing.error().code(), std::errc::no_such_file_or_directory);
    const auto directory = co_await attempt(read_file(folder_.path()));
    EXPECT_EQ(directory.error().code(), std::errc::is_a_directory);
  });
}

// SIGPIPE would end the process.
TEST_P(WholeFile, WritesToAPipeThatNobodyReads) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const std::string path = "/proc/self/fd/" + std::to_string(ends[1]);
  // A path of a pipe opens for writing while there is a reader; it leaves with a part read.
  std::thread reader([end = ends[0]] {
    char byte = 0;
    EXPECT_EQ(::read(end, &byte, 1), 1);
    ::close(end);
  });
  run([&]() -> Task<void> {
    const std::string text(3'000'000, 'p');
    const auto written = co_await attempt(write_file(path, text));
    EXPECT_TRUE(!written && written.error().code() == std::errc::broken_pipe);
  });
  reader.join();
  ::close(ends[1]);
}

TEST_P(WholeFile, WritesAndReplaces) {
  const fs::path path = folder_ / "a";
  run([&]() -> Task<void> {
    co_await write_file(path, "first, and longer", WriteOptions().mode(0600));
    co_await write_file(path, "second");
    EXPECT_EQ(read_by_std(path), "second");
    co_await write_file(path, "third", WriteOptions().atomic());
    EXPECT_EQ(read_by_std(path), "third");
    co_await write_file(path, bytes("fourth"), WriteOptions().atomic().durable());
    EXPECT_EQ(read_by_std(path), "fourth");
    co_await write_file(path, "fifth", WriteOptions().durable());
    EXPECT_EQ(read_by_std(path), "fifth");
  });
  EXPECT_EQ(fs::status(path).permissions(), fs::perms(0600)) << "kept by a replacement";
  EXPECT_EQ(folder_.size(), 1U);
}

TEST_P(WholeFile, AFailedReplacementLeavesTheOldContentsAndNothingElse) {
  const fs::path path = folder_ / "a";
  write_by_std(path, "old");
  run([&]() -> Task<void> {
    for (const Call call :
         {Call::openat, Call::write_file, Call::fsync, Call::close, Call::renameat, Call::fchmod}) {
      detail::ScopedFaults faults;
      faults.add({.call = call, .errno_value = ENOSPC});
      const auto written =
          co_await attempt(write_file(path, "new", WriteOptions().atomic().durable()));
      EXPECT_EQ(written.error().code(), std::errc::no_space_on_device);
      EXPECT_EQ(read_by_std(path), "old");
      EXPECT_EQ(folder_.size(), 1U);
    }
    detail::ScopedFaults faults;
    faults.add({.call = Call::write_file, .size = 2});
    faults.add({.call = Call::write_file, .errno_value = EIO});
    const auto half = co_await attempt(write_file(path, "new", WriteOptions().atomic()));
    EXPECT_EQ(half.error().code(), std::errc::io_error);
    EXPECT_EQ(folder_.size(), 1U);
  });
}

TEST_P(WholeFile, ADurableReplacementSyncsFileAndDirectory) {
  run([&]() -> Task<void> {
    detail::ScopedFaults faults;
    co_await write_file(folder_ / "a", "x", WriteOptions().atomic().durable());
    EXPECT_EQ(faults.calls(Call::fsync), 2U);
    faults.reset_counts();
    co_await write_file(folder_ / "a", "x", WriteOptions().atomic());
    EXPECT_EQ(faults.calls(Call::fsync), 0U);
  });
}

TEST_P(WholeFile, ACancelledReplacementLeavesTheOldContentsAndNothingElse) {
  const fs::path path = folder_ / "a";
  write_by_std(path, "old");
  const std::string large(30'000'000, 'n');
  run([&]() -> Task<void> {
    int cancelled = 0;
    for (int i = 0; i < 40; ++i) {
      auto task = spawn(write_file(path, large, WriteOptions().atomic()));
      for (int turns = 0; turns < i * 20; ++turns) co_await yield_now();
      const bool was_cancelled = co_await cancel_and_see(&task);
      cancelled += was_cancelled ? 1 : 0;
      EXPECT_EQ(folder_.size(), 1U);
      const std::size_t size = fs::file_size(path);
      EXPECT_TRUE(size == 3 || size == large.size()) << size;
    }
    EXPECT_GT(cancelled, 0);
  });
}

TEST_P(WholeFile, CopiesInEachWay) {
  const std::string contents = std::string(2'500'000, 'c') + "end";
  write_by_std(folder_ / "from", contents);
  fs::permissions(folder_ / "from", fs::perms(0640));
  run([&]() -> Task<void> {
    for (const int way : {0, 1, 2}) {
      detail::ScopedFaults faults;
      if (way >= 1) faults.add({.call = Call::ficlone, .errno_value = EOPNOTSUPP});
      if (way >= 2) faults.add({.call = Call::copy_file_range, .errno_value = EXDEV});
      write_by_std(folder_ / "to", std::string(4'000'000, 'o'));
      const std::uint64_t size = co_await weft::copy_file(folder_ / "from", folder_ / "to");
      EXPECT_EQ(size, contents.size());
      EXPECT_EQ(read_by_std(folder_ / "to"), contents);
      EXPECT_EQ(fs::status(folder_ / "to").permissions(), fs::perms(0640));
    }
    // A file of the system's own, which has no size and cannot be copied inside the system.
    co_await weft::copy_file("/proc/self/status", folder_ / "status");
    EXPECT_NE(read_by_std(folder_ / "status").find("VmPeak"), std::string::npos);
  });
}

TEST_P(WholeFile, AnotherOwnersSetIdBitsDoNotComeAlong) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files to other users";
  struct Row {
    uid_t user;
    gid_t group;
    std::uint32_t left;
  };
  for (const Row& row : {Row{0, 0, 06755}, Row{1000, 0, 0755}, Row{0, 1000, 0755}}) {
    const fs::path from = folder_ / "from";
    write_by_std(from, "program");
    ASSERT_EQ(::chown(from.c_str(), row.user, row.group), 0);
    ASSERT_EQ(::chmod(from.c_str(), 06755), 0);
    run([&]() -> Task<void> {
      co_await weft::copy_file(from, folder_ / "copy");
      co_await write_file(from, "text", WriteOptions().atomic());
    });
    for (const fs::path& made : {folder_ / "copy", from}) {
      struct stat found{};
      ASSERT_EQ(::stat(made.c_str(), &found), 0);
      EXPECT_EQ(found.st_mode & 07777U, row.left) << made << " " << row.user << ":" << row.group;
    }
    fs::remove(from);
    fs::remove(folder_ / "copy");
  }
}

TEST_P(WholeFile, AnErrorOfAnAtomicWriteNamesTheFile) {
  run([&]() -> Task<void> {
    const fs::path path = folder_ / "no" / "file";
    const auto written = co_await attempt(write_file(path, "x", WriteOptions().atomic()));
    EXPECT_EQ(written.error().what(),
              "write_file " + path.native() + ": no such file or directory");
  });
}

TEST_P(WholeFile, AFailedCopyRemovesWhatItMade) {
  write_by_std(folder_ / "from", std::string(100'000, 'c'));
  run([&]() -> Task<void> {
    detail::ScopedFaults faults;
    faults.add({.call = Call::ficlone, .errno_value = EOPNOTSUPP, .times = 2});
    faults.add({.call = Call::copy_file_range, .size = 1000});
    faults.add({.call = Call::copy_file_range, .errno_value = ENOSPC});
    const auto copied = co_await attempt(weft::copy_file(folder_ / "from", folder_ / "to"));
    EXPECT_EQ(copied.error().code(), std::errc::no_space_on_device);
    EXPECT_EQ(copied.error().what(), "copy_file " + (folder_ / "from").native() + " -> " +
                                         (folder_ / "to").native() + ": no space left on device");
    EXPECT_EQ(folder_.size(), 1U);
    const auto same = co_await attempt(weft::copy_file(folder_ / "from", folder_ / "from"));
    EXPECT_EQ(same.error().code(), std::errc::invalid_argument);
    EXPECT_EQ(fs::file_size(folder_ / "from"), 100'000U);
    const auto directory = co_await attempt(weft::copy_file(folder_.path(), folder_ / "to"));
    EXPECT_EQ(directory.error().code(), std::errc::invalid_argument);
    EXPECT_EQ(folder_.size(), 1U);
  });
}

TEST_P(WholeFile, ACancelledCopyRemovesWhatItMade) {
  write_by_std(folder_ / "from", std::string(40'000'000, 'c'));
  run([&]() -> Task<void> {
    int cancelled = 0;
    for (int i = 0; i < 20; ++i) {
      detail::ScopedFaults faults;
      faults.add({.call = Call::ficlone, .errno_value = EOPNOTSUPP});
      faults.add({.call = Call::copy_file_range, .errno_value = EXDEV});
      auto task = spawn(weft::copy_file(folder_ / "from", folder_ / "to"));
      for (int turns = 0; turns < i * 20; ++turns) co_await yield_now();
      const bool was_cancelled = co_await cancel_and_see(&task);
      cancelled += was_cancelled ? 1 : 0;
      EXPECT_EQ(folder_.size(), was_cancelled ? 1U : 2U);
      fs::remove(folder_ / "to");
    }
    EXPECT_GT(cancelled, 0);
  });
}

TEST_P(WholeFile, TemporaryFilesLeaveNothing) {
  run([&]() -> Task<void> {
    for (const int error : {0, EOPNOTSUPP, EISDIR}) {
      detail::ScopedFaults faults;
      if (error != 0) faults.add({.call = Call::openat, .errno_value = error});
      File file = co_await temporary_file(folder_.path());
      co_await file.write_all("text");
      std::array<std::byte, 4> room;
      co_await file.read_exact_at(room, 0);
      EXPECT_EQ(text_of(room), "text");
      EXPECT_EQ(folder_.size(), 0U);
    }
    File elsewhere = co_await temporary_file();
    EXPECT_TRUE(elsewhere);
    const auto missing = co_await attempt(temporary_file(folder_ / "missing"));
    EXPECT_EQ(missing.error().code(), std::errc::no_such_file_or_directory);
  });
}

}  // namespace
}  // namespace weft::test::whole_file_test
