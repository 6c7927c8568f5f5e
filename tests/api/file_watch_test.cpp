// FileWatch: the events of files and directories, moves, new directories, losses and limits.
#include <weft/directory.hpp>
#include <weft/file.hpp>
#include <weft/file_watch.hpp>
#include <weft/select.hpp>
#include <weft/timeout.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "api/file_support.hpp"
#include "os/fault.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::file_watch_test {
namespace {

using detail::Call;

class Watches : public RuntimeTest {
 protected:
  /// Events as words, up to the one about `last`.
  Task<std::vector<std::string>> until_event(FileWatch* watch, std::string last) {
    std::vector<std::string> seen;
    for (;;) {
      std::optional<FileEvent> event = co_await watch->next();
      if (!event) co_return seen;
      seen.push_back(word_of(*event));
      if (seen.back() == last) co_return seen;
    }
  }
  std::string word_of(const FileEvent& event) {
    constexpr const char* words[] = {"created", "modified", "written", "metadata",
                                     "moved",   "removed",  "rescan"};
    std::string word = words[static_cast<int>(event.change)];
    if (!event.from.empty()) word += " " + fs::relative(event.from, folder_.path()).native();
    if (!event.path.empty()) word += " " + fs::relative(event.path, folder_.path()).native();
    return word;
  }
  static bool has(const std::vector<std::string>& words, std::string_view word) {
    return std::ranges::count(words, word) > 0;
  }
  TestFolder folder_;
};
WEFT_ON_ALL_RUNTIMES(Watches);

using Words = std::vector<std::string>;

TEST_P(Watches, ADirectory) {
  run([&]() -> Task<void> {
    FileWatch watch = co_await FileWatch::on(folder_.path());
    write_by_std(folder_ / "a", "text");
    fs::permissions(folder_ / "a", fs::perms(0600));
    fs::rename(folder_ / "a", folder_ / "b");
    fs::remove(folder_ / "b");
    const Words words = co_await until_event(&watch, "removed b");
    EXPECT_EQ(words, (Words{"created a", "modified a", "written a", "metadata a", "moved a b",
                            "removed b"}));
  });
}

TEST_P(Watches, WaitsForWhatComes) {
  run([&]() -> Task<void> {
    FileWatch watch = co_await FileWatch::on(folder_.path());
    auto waiting = spawn(until_event(&watch, "created late"));
    for (int i = 0; i < 20; ++i) co_await yield_now();
    EXPECT_FALSE(waiting.ended());
    fs::create_directory(folder_ / "late");
    const Words words = co_await std::move(waiting);
    EXPECT_EQ(words, Words{"created late"});
  });
}

TEST_P(Watches, ACancelledWaitLosesNothing) {
  run([&]() -> Task<void> {
    FileWatch watch = co_await FileWatch::on(folder_.path(), FileWatchOptions().recursive());
    int seen = 0;
    for (int i = 0; i < 100; ++i) {
      auto waiting = spawn([&]() -> Task<void> {
        for (;;) {
          std::optional<FileEvent> event = co_await watch.next();
          if (event->change == FileChange::created) ++seen;
        }
      });
      for (int turns = i % 5; turns > 0; --turns) co_await yield_now();
      fs::create_directory(folder_ / std::to_string(i));
      for (int turns = i % 7; turns > 0; --turns) co_await yield_now();
      co_await cancel_and_see(&waiting);
    }
    fs::create_directory(folder_ / "last");
    const Words rest = co_await until_event(&watch, "created last");
    seen += static_cast<int>(std::ranges::count_if(
        rest, [](const std::string& word) { return word.starts_with("created"); }));
    EXPECT_EQ(seen, 101);
  });
}

TEST_P(Watches, DirectoriesBelowAreWatchedAlsoNewOnes) {
  fs::create_directories(folder_ / "a" / "b");
  run([&]() -> Task<void> {
    FileWatch watch = co_await FileWatch::on(folder_.path(), FileWatchOptions().recursive());
    EXPECT_EQ(watch.watches(), 3U);
    write_by_std(folder_ / "a" / "b" / "deep", "x");
    Words words = co_await until_event(&watch, "written a/b/deep");
    EXPECT_TRUE(has(words, "created a/b/deep"));
    // All of it is there before the first event is taken.
    fs::create_directories(folder_ / "new" / "er");
    write_by_std(folder_ / "new" / "er" / "file", "x");
    words = co_await until_event(&watch, "created new/er/file");
    EXPECT_TRUE(has(words, "created new"));
    EXPECT_TRUE(has(words, "created new/er"));
    write_by_std(folder_ / "new" / "er" / "later", "x");
    words = co_await until_event(&watch, "written new/er/later");
    EXPECT_EQ(watch.watches(), 5U);
    fs::rename(folder_ / "new", folder_ / "a" / "moved");
    words = co_await until_event(&watch, "moved new a/moved");
    write_by_std(folder_ / "a" / "moved" / "er" / "file", "y");
    words = co_await until_event(&watch, "written a/moved/er/file");
    EXPECT_TRUE(has(words, "modified a/moved/er/file"));
    fs::remove_all(folder_ / "a");
    words = co_await until_event(&watch, "removed a");
    EXPECT_TRUE(has(words, "removed a/b"));
    EXPECT_TRUE(has(words, "removed a/moved/er"));
  });
}

TEST_P(Watches, WhatIsMovedAwayIsRemovedAndWhatComesIsCreated) {
  const TestFolder elsewhere;
  fs::create_directory(folder_ / "a");
  run([&]() -> Task<void> {
    FileWatch watch = co_await FileWatch::on(folder_.path(), FileWatchOptions().recursive());
    fs::rename(folder_ / "a", elsewhere / "a");
    Words words = co_await until_event(&watch, "removed a");
    EXPECT_EQ(words, Words{"removed a"});
    write_by_std(elsewhere / "a" / "file", "x");
    fs::rename(elsewhere / "a", folder_ / "back");
    words = co_await until_event(&watch, "created back/file");
    EXPECT_TRUE(has(words, "created back"));
    EXPECT_FALSE(has(words, "created a/file")) << "it was not watched then";
    EXPECT_EQ(watch.watches(), 2U);
  });
}

TEST_P(Watches, AFileAndItsEnd) {
  write_by_std(folder_ / "a", "x");
  run([&]() -> Task<void> {
    FileWatch watch = co_await FileWatch::on(folder_ / "a");
    write_by_std(folder_ / "a", "y");
    fs::remove(folder_ / "a");
    const Words words = co_await until_event(&watch, "nothing");  // up to the end
    EXPECT_TRUE(has(words, "written a"));
    EXPECT_EQ(words.back(), "removed a");
    EXPECT_EQ(watch.watches(), 0U);
    write_by_std(folder_ / "b", "x");
    co_await watch.add(folder_ / "b");
    EXPECT_EQ(watch.watches(), 1U);
  });
}

TEST_P(Watches, LostEventsAreARescan) {
  const bool takes_long = address_sanitizer || thread_sanitizer;
  if (takes_long && GetParam() != 2) GTEST_SKIP() << "the same";
  run([&]() -> Task<void> {
    FileWatch watch = co_await FileWatch::on(folder_.path(), FileWatchOptions().recursive());
    // More than the system keeps (fs.inotify.max_queued_events), each another one than before.
    const std::size_t kept = std::stoul(read_by_std("/proc/sys/fs/inotify/max_queued_events"));
    if (kept > 100'000) co_return;
    for (std::size_t i = 0; i <= kept / 2 + 1; ++i) {
      fs::create_directory(folder_ / "a");
      fs::remove(folder_ / "a");
    }
    fs::create_directory(folder_ / "not seen");
    const Words words = co_await until_event(&watch, "rescan");
    EXPECT_EQ(words.back(), "rescan");
    write_by_std(folder_ / "not seen" / "file", "x");
    // The directory is watched all the same: the next event waits for that.
    auto waiting = spawn(until_event(&watch, "written not seen/later"));
    co_await until([&] { return watch.watches() == 2; });
    write_by_std(folder_ / "not seen" / "later", "x");
    co_await std::move(waiting);
  });
}

TEST_P(Watches, LimitsAndMistakesAreClearErrors) {
  run([&]() -> Task<void> {
    {
      detail::ScopedFaults faults;
      faults.add({.call = Call::inotify_add_watch, .errno_value = ENOSPC});
      const auto limit = co_await attempt(FileWatch::on(folder_.path()));
      EXPECT_EQ(limit.error().code(), FileErrc::no_watch_left);
      const std::string what = limit.error().what();
      EXPECT_NE(what.find("fs.inotify.max_user_watches"), std::string::npos) << what;
      faults.add({.call = Call::inotify_init, .errno_value = EMFILE});
      const auto handles = co_await attempt(FileWatch::on(folder_.path()));
      EXPECT_EQ(handles.error().code(), std::errc::too_many_files_open);
    }
    const auto missing = co_await attempt(FileWatch::on(folder_ / "missing"));
    EXPECT_EQ(missing.error().what(),
              "watch " + (folder_ / "missing").native() + ": no such file or directory");
    FileWatch watch = co_await FileWatch::on(folder_.path(), FileWatchOptions().recursive());
    detail::ScopedFaults faults;
    faults.add({.call = Call::inotify_add_watch, .errno_value = ENOSPC});
    fs::create_directory(folder_ / "new");
    const auto scan = co_await attempt(watch.next());
    EXPECT_EQ(scan.error().code(), FileErrc::no_watch_left);
    const auto event = co_await attempt(watch.next());
    EXPECT_EQ(word_of(event->value()), "created new") << "the event itself is not lost";
  });
}

}  // namespace
}  // namespace weft::test::file_watch_test
