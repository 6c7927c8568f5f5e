// read_directory() and walk(): generators that have the next batch of names read on a thread for
// files when they have delivered the one before.
//
// A walk keeps a level for each directory that it is in: its open handle and the rest of a batch.
// Handles are few, so a level that goes down while many are open reads the rest of its names first,
// and closes its handle.
#include <weft/directory.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "fs/directory_reader.hpp"
#include "fs/error.hpp"
#include "fs/lane_call.hpp"
#include "fs/metadata.hpp"
#include "fs/path_text.hpp"
#include "os/file_syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr std::size_t most_open_of_walk = 64;

/// A directory that is being read.
struct WalkLevel {
  std::filesystem::path path;
  DirectoryReader reader;
  std::vector<DirectoryName> names;  // of the last batch
  std::size_t next = 0;              // the first that was not delivered
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
};

/// The same directory, for links that lead back.
bool is_same(const WalkLevel& one, const WalkLevel& other) noexcept {
  return one.inode == other.inode && one.device == other.device;
}

/// Reads the next batch. Returns an error's code; at the end there are no names.
std::error_code refill(WalkLevel& level) {
  level.names.clear();
  level.next = 0;
  std::int64_t read = 1;
  while (read > 0 && level.names.empty()) read = level.reader.next(level.names);
  return read < 0 ? code_of_file(read) : std::error_code();
}

/// Opens the directory and reads its first batch.
std::error_code begin(WalkLevel& level, bool follow) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW);
  const std::int64_t opened = FileSyscalls::openat(AT_FDCWD, level.path.c_str(), flags, 0);
  if (opened < 0) return code_of_file(opened);
  level.reader = DirectoryReader(Fd(static_cast<int>(opened)));
  struct ::statx found{};
  const std::int64_t known =
      FileSyscalls::statx(level.reader.handle(), "", AT_EMPTY_PATH, STATX_INO | STATX_TYPE, &found);
  if (known < 0) return code_of_file(known);
  level.inode = found.stx_ino;
  level.device = (std::uint64_t{found.stx_dev_major} << 32) | found.stx_dev_minor;
  return refill(level);
}

/// Whether a link leads to a directory.
bool leads_to_directory(const std::filesystem::path& link) noexcept {
  struct ::statx found{};
  return FileSyscalls::statx(AT_FDCWD, link.c_str(), 0, STATX_TYPE, &found) == 0 &&
         S_ISDIR(found.stx_mode);
}

DirectoryEntry entry_of(const WalkLevel& level, const DirectoryName& name, std::size_t depth) {
  DirectoryEntry entry;
  entry.path = level.path / name.name;
  entry.type = name.type;
  entry.depth = depth;
  return entry;
}

using LevelPointer = std::unique_ptr<WalkLevel>;

Task<LevelPointer> open_level(std::filesystem::path path, const char* operation, bool follow,
                              std::error_code* error) {
  auto level = std::make_unique<WalkLevel>();
  level->path = std::move(path);
  const auto work = [&](const StopFlag&) {
    path_text(level->path, operation);
    *error = begin(*level, follow);
  };
  co_await on_file_lane(operation, level->path.native(), work);
  co_return level;
}

Task<std::error_code> refill_level(WalkLevel* level, const char* operation) {
  const auto work = [level](const StopFlag&) { return refill(*level); };
  co_return co_await on_file_lane(operation, level->path.native(), work);
}

/// Reads all names that are left, and closes the directory.
Task<void> finish_reading(WalkLevel* level, const char* operation) {
  const auto work = [level](const StopFlag& stop) {
    level->names.erase(level->names.begin(),
                       level->names.begin() + static_cast<std::ptrdiff_t>(level->next));
    level->next = 0;
    while (level->reader.next(level->names) > 0) stop.check();
    level->reader.close();
  };
  co_await on_file_lane(operation, level->path.native(), work);
}

Task<bool> ask_whether_directory(std::filesystem::path link, const char* operation) {
  const auto work = [&](const StopFlag&) { return leads_to_directory(link); };
  co_return co_await on_file_lane(operation, link.native(), work);
}

/// A walk under way: what a generator's body asks for, in steps that it awaits.
class Walk {
 public:
  explicit Walk(WalkOptions options) : options_(std::move(options)) {}

  /// Enters the directory where the walk begins. Throws IoError.
  Task<void> begin(std::filesystem::path path) {
    std::error_code error;
    LevelPointer first = co_await open_level(path, walking, true, &error);
    if (error) throw_file_error(error, walking, path.native());
    levels_.push_back(std::move(first));
  }

  /// The next entry; empty at the end. Enters the entry before, if that is to be.
  Task<std::optional<DirectoryEntry>> next() {
    if (entering_) {
      const DirectoryEntry last = std::move(*std::exchange(entering_, std::nullopt));
      std::optional<DirectoryEntry> refused = co_await enter(last);
      if (refused) co_return refused;
    }
    while (!levels_.empty()) {
      WalkLevel& level = *levels_.back();
      if (level.next < level.names.size()) co_return co_await deliver(&level);
      if (!level.reader) {
        levels_.pop_back();
        continue;
      }
      const std::error_code error = co_await refill_level(&level, walking);
      const bool ended = error || level.names.empty();
      if (!ended) continue;
      std::optional<DirectoryEntry> failed;
      if (error) failed = failure(level.path, error, levels_.size() - 1);
      levels_.pop_back();
      if (failed) co_return failed;
    }
    co_return std::nullopt;
  }

 private:
  static constexpr const char* walking = "walk";

  /// The next name of the innermost level.
  Task<std::optional<DirectoryEntry>> deliver(WalkLevel* level) {
    const DirectoryName& name = level->names[level->next];
    std::optional<DirectoryEntry> entry = entry_of(*level, name, levels_.size() - 1);
    bool is_directory = name.type == FileType::directory;
    if (options_.follows && name.type == FileType::link) {
      is_directory = co_await ask_whether_directory(entry->path, walking);
    }
    ++level->next;  // no cancel comes between this and the delivery
    if (is_directory && levels_.size() <= options_.deepest &&
        (!options_.enters || options_.enters(*entry))) {
      entering_ = entry;
    }
    co_return entry;
  }

  /// Enters a directory. What is wrong with it is an entry.
  Task<std::optional<DirectoryEntry>> enter(DirectoryEntry directory) {
    if (levels_.size() >= most_open_of_walk) {
      WalkLevel* const above = levels_.back().get();
      if (above->reader) co_await finish_reading(above, walking);
    }
    std::error_code error;
    LevelPointer level = co_await open_level(directory.path, walking, options_.follows, &error);
    const bool leads_back = !error && std::ranges::any_of(levels_, [&](const LevelPointer& one) {
      return is_same(*one, *level);
    });
    if (leads_back) error = make_error_code(std::errc::too_many_symbolic_link_levels);
    std::optional<DirectoryEntry> refused;
    if (error) {
      refused = failure(directory.path, error, directory.depth);
    } else {
      levels_.push_back(std::move(level));
    }
    co_return refused;
  }

  static DirectoryEntry failure(const std::filesystem::path& path, std::error_code error,
                                std::size_t depth) {
    DirectoryEntry entry;
    entry.path = path;
    entry.type = FileType::directory;
    entry.depth = depth;
    entry.error = error;
    return entry;
  }

  WalkOptions options_;
  std::vector<LevelPointer> levels_;
  std::optional<DirectoryEntry> entering_;  // it was delivered, and is to be entered next
};

}  // namespace

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

AsyncGenerator<DirectoryEntry> read_directory(std::filesystem::path path) {
  constexpr const char* reading = "read_directory";
  std::error_code error;
  const detail::LevelPointer level = co_await detail::open_level(path, reading, true, &error);
  while (!error && !level->names.empty()) {
    for (const detail::DirectoryName& name : level->names) {
      DirectoryEntry entry = detail::entry_of(*level, name, 0);
      co_yield std::move(entry);
    }
    error = co_await detail::refill_level(level.get(), reading);
  }
  if (error) detail::throw_file_error(error, reading, path.native());
}

AsyncGenerator<DirectoryEntry> walk(std::filesystem::path path, WalkOptions options) {
  detail::Walk under_way(std::move(options));
  co_await under_way.begin(std::move(path));
  for (;;) {
    std::optional<DirectoryEntry> entry = co_await under_way.next();
    if (!entry) co_return;
    co_yield std::move(*entry);
  }
}

}  // namespace weft::inline v0_1
