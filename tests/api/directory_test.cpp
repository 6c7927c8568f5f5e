// Directories and paths: entries, walks, removal of trees, names, links.
#include <weft/directory.hpp>
#include <weft/file.hpp>
#include <weft/sleep.hpp>
#include <weft/streams.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "api/file_support.hpp"
#include "os/fault.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::directory_test {
namespace {

using detail::Call;

class Directories : public RuntimeTest {
 protected:
  /// A tree of some directories and files.
  void plant() {
    fs::create_directories(folder_ / "tree" / "a" / "b");
    fs::create_directories(folder_ / "tree" / "empty");
    write_by_std(folder_ / "tree" / "one", "1");
    write_by_std(folder_ / "tree" / "a" / "two", "2");
    write_by_std(folder_ / "tree" / "a" / "b" / "three", "3");
    fs::create_symlink("..", folder_ / "tree" / "a" / "up");
  }
  /// Paths below the folder, sorted, of what `stream` delivers; "!" before what has an error.
  template <class S>
  Task<std::set<std::string>> names_of(S stream) {
    std::set<std::string> names;
    while (auto entry = co_await stream.next()) {
      names.insert((entry->error ? "!" : "") +
                   fs::relative(entry->path.parent_path(), folder_.path()).native() + "/" +
                   entry->path.filename().native());
    }
    co_return names;
  }
  TestFolder folder_;
};
WEFT_ON_ALL_RUNTIMES(Directories);

using Names = std::set<std::string>;

TEST_P(Directories, OneDirectoryIsRead) {
  plant();
  run([&]() -> Task<void> {
    const Names names = co_await names_of(read_directory(folder_ / "tree"));
    EXPECT_EQ(names, (Names{"tree/a", "tree/empty", "tree/one"}));
    const Names none = co_await names_of(read_directory(folder_ / "tree" / "empty"));
    EXPECT_EQ(none, Names{});
    auto missing = read_directory(folder_ / "missing");
    const auto first = co_await attempt(missing.next());
    EXPECT_EQ(first.error().what(),
              "read_directory " + (folder_ / "missing").native() + ": no such file or directory");
    auto file = read_directory(folder_ / "tree" / "one");
    const auto no_directory = co_await attempt(file.next());
    EXPECT_EQ(no_directory.error().code(), std::errc::not_a_directory);
  });
}

TEST_P(Directories, ATreeIsWalked) {
  plant();
  run([&]() -> Task<void> {
    const Names whole{"tree/a",    "tree/a/b",   "tree/a/b/three", "tree/a/two",
                      "tree/a/up", "tree/empty", "tree/one"};
    Names names = co_await names_of(walk(folder_ / "tree"));
    EXPECT_EQ(names, whole);
    names = co_await names_of(walk(folder_ / "tree", WalkOptions().max_depth(0)));
    EXPECT_EQ(names, (Names{"tree/a", "tree/empty", "tree/one"}));
    const auto only_a = [](const DirectoryEntry& entry) { return entry.path.filename() == "a"; };
    names = co_await names_of(walk(folder_ / "tree", WalkOptions().enter_if(only_a)));
    EXPECT_EQ(names,
              (Names{"tree/a", "tree/a/b", "tree/a/two", "tree/a/up", "tree/empty", "tree/one"}));
    names = co_await names_of(walk(folder_ / "tree", WalkOptions().follow_links()));
    Names with_loop = whole;
    with_loop.insert("!tree/a/up");
    EXPECT_EQ(names, with_loop);
  });
}

TEST_P(Directories, DirectoriesComeBeforeWhatIsInThem) {
  plant();
  run([&]() -> Task<void> {
    std::vector<std::string> seen;
    auto entries = walk(folder_ / "tree");
    while (auto entry = co_await entries.next()) {
      const auto parent = entry->path.parent_path();
      EXPECT_TRUE(entry->depth == 0 || std::ranges::count(seen, parent.native()) == 1);
      if (entry->path.filename() == "three") {
        EXPECT_EQ(entry->depth, 2U);
        EXPECT_EQ(entry->type, FileType::regular);
      }
      seen.push_back(entry->path.native());
    }
  });
}

TEST_P(Directories, WhatVanishesMeanwhileIsAnEntryWithAnError) {
  plant();
  run([&]() -> Task<void> {
    std::size_t errors = 0;
    std::size_t others = 0;
    auto entries = walk(folder_ / "tree");
    while (auto entry = co_await entries.next()) {
      if (entry->error) {
        ++errors;
        EXPECT_EQ(entry->error, std::errc::no_such_file_or_directory);
        EXPECT_EQ(entry->path, folder_ / "tree" / "a");
      } else {
        ++others;
        if (entry->path.filename() == "a") fs::remove_all(entry->path);
      }
    }
    EXPECT_EQ(errors, 1U);
    EXPECT_EQ(others, 3U);
  });
}

TEST_P(Directories, WhatMayNotBeReadIsAnEntryWithAnError) {
  plant();
  run([&]() -> Task<void> {
    detail::ScopedFaults faults;
    faults.add({.call = Call::openat, .errno_value = EACCES, .skip = 1});
    const Names names = co_await names_of(walk(folder_ / "tree"));
    EXPECT_EQ(std::ranges::count_if(names, [](const auto& name) { return name[0] == '!'; }), 1);
    faults.add({.call = Call::getdents, .errno_value = EIO});
    auto unreadable = read_directory(folder_ / "tree");
    const auto first = co_await attempt(unreadable.next());
    EXPECT_EQ(first.error().code(), std::errc::io_error);
  });
}

TEST_P(Directories, NamesAreBytes) {
  const std::string odd("odd \xff\xfe\n name");
  write_by_std(folder_ / odd, "x");
  run([&]() -> Task<void> {
    auto entries = read_directory(folder_.path());
    auto entry = co_await entries.next();
    EXPECT_EQ(entry->path.filename().native(), odd);
    const std::string text = co_await read_text(entry->path);
    EXPECT_EQ(text, "x");
  });
}

TEST_P(Directories, ManyEntriesTakeLittleMemory) {
  if (GetParam() != 0) GTEST_SKIP() << "the same";
  // In memory, where making so many names is quick.
  const TestFolder folder(fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path());
  fs::create_directory(folder / "many");
  constexpr int count = fewer_if_sanitized(200'000);
  const int at = ::open((folder / "many").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < count; ++i) {
    ASSERT_EQ(::mknodat(at, std::to_string(i).c_str(), S_IFREG | 0600, 0), 0);
  }
  ::close(at);
  run([&]() -> Task<void> {
    std::vector<bool> seen(count);
    auto entries = walk(folder.path());
    int files = 0;
    while (auto entry = co_await entries.next()) {
      if (entry->type != FileType::regular) continue;
      ++files;
      seen[static_cast<std::size_t>(std::stoi(entry->path.filename().native()))] = true;
    }
    EXPECT_EQ(files, count);
    EXPECT_EQ(std::ranges::count(seen, true), count);
    const std::uint64_t removed = co_await weft::remove_all(folder / "many");
    EXPECT_EQ(removed, std::uint64_t{count} + 1);
  });
  EXPECT_EQ(folder.size(), 0U);
}

TEST_P(Directories, AWalkThatIsLeftClosesWhatItHasOpen) {
  plant();
  run([&]() -> Task<void> {
    auto left = walk(folder_ / "tree");
    co_await left.next();
    auto cancelled = spawn([&]() -> Task<void> {
      auto entries = walk(folder_ / "tree");
      while (auto entry = co_await entries.next()) co_await yield_now();
      co_await never();
    });
    for (int i = 0; i < 50; ++i) co_await yield_now();
    const bool was_cancelled = co_await cancel_and_see(&cancelled);
    EXPECT_TRUE(was_cancelled);
  });
}

TEST_P(Directories, ATreeIsRemovedAndLinksAreNotFollowed) {
  plant();
  fs::create_directory(folder_ / "kept");
  write_by_std(folder_ / "kept" / "file", "x");
  fs::create_directory_symlink(folder_ / "kept", folder_ / "tree" / "link");
  fs::create_directory_symlink(folder_ / "kept", folder_ / "link");
  run([&]() -> Task<void> {
    std::uint64_t removed = co_await weft::remove_all(folder_ / "tree");
    EXPECT_EQ(removed, 9U);
    removed = co_await weft::remove_all(folder_ / "tree");
    EXPECT_EQ(removed, 0U);
    removed = co_await weft::remove_all(folder_ / "link");
    EXPECT_EQ(removed, 1U);
  });
  EXPECT_TRUE(fs::exists(folder_ / "kept" / "file"));
  EXPECT_EQ(folder_.size(), 1U);
}

TEST_P(Directories, ADeepTreeIsRemovedWithFewHandles) {
  // Deeper than there may be handles, and than a path may be long.
  int at = ::open(folder_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  constexpr int depth = 1000;
  for (int i = 0; i < depth; ++i) {
    ASSERT_EQ(::mkdirat(at, "deep", 0700), 0);
    ASSERT_EQ(::mknodat(at, "file", S_IFREG | 0600, 0), 0);
    const int below = ::openat(at, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ::close(at);
    at = below;
  }
  ::close(at);
  run([&]() -> Task<void> {
    const std::uint64_t removed = co_await weft::remove_all(folder_ / "deep");
    EXPECT_EQ(removed, 2U * (depth - 1) + 1);
  });
  EXPECT_EQ(folder_.size(), 1U);
}

TEST_P(Directories, WhatCannotBeRemovedIsNamed) {
  plant();
  run([&]() -> Task<void> {
    for (const int error : {EACCES, EPERM, EIO}) {
      detail::ScopedFaults faults;
      faults.add({.call = Call::unlinkat,
                  .errno_value = error,
                  .skip = 1,
                  .times = detail::Fault::always});
      const auto removed = co_await attempt(weft::remove_all(folder_ / "tree"));
      EXPECT_EQ(removed.error().code().value(), error);
      const std::string what = removed.error().what();
      EXPECT_NE(what.find("remove_all " + (folder_ / "tree").native() + "/"), std::string::npos)
          << what;
    }
    const auto done = co_await attempt(weft::remove_all(folder_ / "tree"));
    EXPECT_TRUE(done.has_value());
  });
}

TEST_P(Directories, ACancelledRemovalStopsBetweenTwoNames) {
  run([&]() -> Task<void> {
    int cancelled = 0;
    for (int round = 0; round < 10; ++round) {
      fs::create_directory(folder_ / "many");
      for (int i = 0; i < 200; ++i) write_by_std(folder_ / "many" / std::to_string(i), "");
      auto removal = spawn(weft::remove_all(folder_ / "many"));
      for (int turns = 0; turns < round * 10; ++turns) co_await yield_now();
      const bool was_cancelled = co_await cancel_and_see(&removal);
      cancelled += was_cancelled ? 1 : 0;
      EXPECT_EQ(fs::exists(folder_ / "many"), was_cancelled);
      fs::remove_all(folder_ / "many");
    }
    EXPECT_GT(cancelled, 0);
  });
}

TEST_P(Directories, PathsAndLinks) {
  run([&]() -> Task<void> {
    bool made = co_await weft::create_directory(folder_ / "a");
    EXPECT_TRUE(made);
    made = co_await weft::create_directory(folder_ / "a");
    EXPECT_FALSE(made);
    made = co_await weft::create_directories(folder_ / "x" / "y" / "z" / "");
    EXPECT_TRUE(made);
    made = co_await weft::create_directories(folder_ / "x" / "y" / "z");
    EXPECT_FALSE(made);
    co_await write_file(folder_ / "file", "text");
    const auto over_file = co_await attempt(weft::create_directory(folder_ / "file"));
    EXPECT_EQ(over_file.error().code(), std::errc::not_a_directory);
    const auto below_file = co_await attempt(weft::create_directories(folder_ / "file" / "b"));
    EXPECT_EQ(below_file.error().code(), std::errc::not_a_directory);
    co_await weft::symlink("file", folder_ / "link");
    co_await weft::hard_link(folder_ / "file", folder_ / "second");
    const fs::path target = co_await weft::read_link(folder_ / "link");
    EXPECT_EQ(target, "file");
    const auto no_link = co_await attempt(weft::read_link(folder_ / "file"));
    EXPECT_EQ(no_link.error().code(), std::errc::invalid_argument);
    const fs::path whole = co_await weft::canonical(folder_ / "x" / ".." / "link");
    EXPECT_EQ(whole, fs::canonical(folder_ / "file"));
    const FileMetadata file = co_await weft::metadata(folder_ / "link");
    EXPECT_EQ(file.links, 2U);
    EXPECT_EQ(file.size, 4U);
    const FileMetadata link = co_await weft::metadata(folder_ / "link", false);
    EXPECT_TRUE(link.is_link());
    co_await weft::set_permissions(folder_ / "file", 0600);
    EXPECT_EQ(fs::status(folder_ / "file").permissions(), fs::perms(0600));
  });
}

TEST_P(Directories, RenamingAndRemoving) {
  write_by_std(folder_ / "a", "a");
  write_by_std(folder_ / "b", "b");
  run([&]() -> Task<void> {
    const auto kept = co_await attempt(weft::rename(folder_ / "a", folder_ / "b", true));
    EXPECT_EQ(kept.error().code(), std::errc::file_exists);
    co_await weft::rename(folder_ / "a", folder_ / "b");
    EXPECT_EQ(read_by_std(folder_ / "b"), "a");
    const auto missing = co_await attempt(weft::rename(folder_ / "a", folder_ / "b"));
    EXPECT_EQ(missing.error().what(), "rename " + (folder_ / "a").native() + " -> " +
                                          (folder_ / "b").native() + ": no such file or directory");
    bool there = co_await weft::exists(folder_ / "b");
    EXPECT_TRUE(there);
    bool removed = co_await weft::remove(folder_ / "b");
    EXPECT_TRUE(removed);
    removed = co_await weft::remove(folder_ / "b");
    EXPECT_FALSE(removed);
    there = co_await weft::exists(folder_ / "b");
    EXPECT_FALSE(there);
    fs::create_directories(folder_ / "c" / "d");
    const auto full = co_await attempt(weft::remove(folder_ / "c"));
    EXPECT_EQ(full.error().code(), std::errc::directory_not_empty);
    removed = co_await weft::remove(folder_ / "c" / "d");
    EXPECT_TRUE(removed);
  });
}

TEST_P(Directories, TemporaryDirectoriesGoWithTheirObjects) {
  run([&]() -> Task<void> {
    TemporaryDirectory kept = co_await TemporaryDirectory::create("test-", folder_.path());
    {
      TemporaryDirectory gone = co_await TemporaryDirectory::create("test-", folder_.path());
      EXPECT_EQ(folder_.size(), 2U);
      EXPECT_TRUE(gone.path().filename().native().starts_with("test-"));
      write_by_std(gone.path() / "file", "x");
      EXPECT_EQ(fs::status(gone.path()).permissions(), fs::perms(0700));
    }
    EXPECT_EQ(folder_.size(), 1U);
    co_await kept.remove();
    EXPECT_EQ(folder_.size(), 0U);
    {
      TemporaryDirectory doomed = co_await TemporaryDirectory::create("test-", folder_.path());
      static_cast<void>(doomed.remove());  // not awaited
      EXPECT_TRUE(doomed.path().empty());
    }
    EXPECT_EQ(folder_.size(), 0U);
    {
      TemporaryDirectory doomed = co_await TemporaryDirectory::create("test-", folder_.path());
      write_by_std(doomed.path() / "file", "x");
      auto removal = spawn(doomed.remove());
      static_cast<void>(co_await cancel_and_see(&removal));
    }
    EXPECT_EQ(folder_.size(), 0U);
    TemporaryDirectory third = co_await TemporaryDirectory::create("x", folder_.path());
    const fs::path left = third.keep();
    EXPECT_TRUE(fs::is_directory(left));
  });
}

}  // namespace
}  // namespace weft::test::directory_test
