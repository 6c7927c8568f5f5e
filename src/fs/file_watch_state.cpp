#include "fs/file_watch_state.hpp"

#include <weft/file.hpp>

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "fs/directory_reader.hpp"
#include "fs/error.hpp"
#include "os/file_syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr const char* watching = "watch";
constexpr std::uint32_t wanted = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE |
                                 IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

std::error_code code_of_watch(std::int64_t result) noexcept {
  return result == -ENOSPC ? make_error_code(FileErrc::no_watch_left) : code_of_file(result);
}

bool is_within(const std::filesystem::path& path, const std::filesystem::path& directory) {
  const std::string& whole = path.native();
  const std::string& front = directory.native();
  return whole.starts_with(front) && (whole.size() == front.size() || whole[front.size()] == '/');
}

}  // namespace

// Watching

bool FileWatchState::watch_one(const std::filesystem::path& path, const Scan& scan, bool is_first) {
  const bool is_root = is_first && scan.is_root;
  const std::uint32_t follow = is_root ? 0 : IN_DONT_FOLLOW;
  const std::lock_guard lock(mutex_);
  const std::int64_t number = FileSyscalls::inotify_add_watch(source_->handle(), path.c_str(),
                                                              wanted | IN_EXCL_UNLINK | follow);
  const bool may_be_gone = !is_first || scan.reason != Reason::asked;
  if (may_be_gone && (number == -ENOENT || number == -ENOTDIR)) return false;
  if (number < 0) throw_file_error(code_of_watch(number), watching, path.native());
  Watch& watch = watches_[static_cast<int>(number)];
  watch.path = path;
  watch.recursive |= scan.recursive;
  watch.is_root |= is_root;
  return true;
}

void FileWatchState::add(const Scan& scan, const StopFlag& stop) {
  const bool reports = scan.reason == Reason::appeared;
  std::vector<std::filesystem::path> directories{scan.path};
  std::deque<FileEvent> found;
  for (bool is_first = true; !directories.empty(); is_first = false) {
    stop.check();
    const std::filesystem::path directory = std::move(directories.back());
    directories.pop_back();
    if (!watch_one(directory, scan, is_first) || (!scan.recursive && !reports)) continue;
    const int follow = is_first && scan.is_root ? 0 : O_NOFOLLOW;
    DirectoryReader reader(Fd(static_cast<int>(FileSyscalls::openat(
        AT_FDCWD, directory.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | follow, 0))));
    if (!reader) continue;  // a file; or it has vanished, which is an event
    std::vector<DirectoryName> names;
    while (reader.next(names) > 0) stop.check();
    for (const DirectoryName& name : names) {
      FileEvent event;
      event.change = FileChange::created;
      event.path = directory / name.name;
      event.is_directory = name.type == FileType::directory;
      if (event.is_directory && scan.recursive) directories.push_back(event.path);
      if (reports) found.push_back(std::move(event));
    }
  }
  const std::lock_guard lock(mutex_);
  for (FileEvent& event : found) events_.push_back(std::move(event));
}

void FileWatchState::add_root(const std::filesystem::path& path, bool recursive) {
  const std::lock_guard lock(mutex_);
  roots_.push_back({path, recursive, true, Reason::again});
}

// Records

void FileWatchState::take(std::span<const std::byte> records) {
  const std::lock_guard lock(mutex_);
  while (records.size() >= sizeof(inotify_event)) {
    inotify_event record{};
    std::memcpy(&record, records.data(), sizeof record);
    // SAFETY: the kernel pads each name with NULs, one at least.
    std::string name;
    if (record.len != 0) name = reinterpret_cast<const char*>(records.data() + sizeof record);
    records = records.subspan(sizeof record + record.len);
    take_one(record, std::move(name));
  }
}

void FileWatchState::take_one(const inotify_event& record, std::string name) {
  if ((record.mask & IN_Q_OVERFLOW) != 0) {
    drop_held_move();
    push(FileChange::rescan, {}, false);
    // Directories that were made meanwhile are not watched yet.
    for (const Scan& root : roots_) scans_.push_back(root);
    return;
  }
  const auto found = watches_.find(record.wd);
  if (found == watches_.end()) return;  // an old event of what is not watched any more
  if ((record.mask & IN_IGNORED) != 0) {
    watches_.erase(found);
    return;
  }
  const Watch watch = found->second;
  if (name.empty()) {
    take_of_itself(record, watch);
  } else {
    take_named(record, watch, std::move(name));
  }
}

/// An event of what is watched itself. What a directory above reports, too, is left to that.
void FileWatchState::take_of_itself(const inotify_event& record, const Watch& watch) {
  const bool is_directory = (record.mask & IN_ISDIR) != 0;
  if ((record.mask & IN_MODIFY) != 0) push(FileChange::modified, watch.path, is_directory);
  if ((record.mask & IN_CLOSE_WRITE) != 0) push(FileChange::written, watch.path, is_directory);
  if (!watch.is_root) return;
  if ((record.mask & IN_ATTRIB) != 0) push(FileChange::metadata, watch.path, is_directory);
  if ((record.mask & IN_DELETE_SELF) != 0) push(FileChange::removed, watch.path, is_directory);
  if ((record.mask & IN_MOVE_SELF) != 0) {
    push(FileChange::removed, watch.path, is_directory);
    forget_below(watch.path);
  }
}

void FileWatchState::take_named(const inotify_event& record, const Watch& watch, std::string name) {
  const std::filesystem::path path = watch.path / name;
  const bool is_directory = (record.mask & IN_ISDIR) != 0;
  if ((record.mask & IN_CREATE) != 0) {
    push(FileChange::created, path, is_directory);
    scan_later(path, watch, is_directory);
  }
  if ((record.mask & IN_MODIFY) != 0) push(FileChange::modified, path, is_directory);
  if ((record.mask & IN_CLOSE_WRITE) != 0) push(FileChange::written, path, is_directory);
  if ((record.mask & IN_ATTRIB) != 0) push(FileChange::metadata, path, is_directory);
  if ((record.mask & IN_DELETE) != 0) push(FileChange::removed, path, is_directory);
  if ((record.mask & IN_MOVED_FROM) != 0) {
    drop_held_move();
    held_ = HeldMove{record.cookie, path, is_directory};
  }
  if ((record.mask & IN_MOVED_TO) != 0) take_moved_to(record, watch, path);
}

void FileWatchState::take_moved_to(const inotify_event& record, const Watch& watch,
                                   const std::filesystem::path& path) {
  const bool is_directory = (record.mask & IN_ISDIR) != 0;
  if (held_ && held_->cookie == record.cookie) {
    FileEvent event;
    event.change = FileChange::moved;
    event.from = std::move(held_->path);
    event.path = path;
    event.is_directory = is_directory;
    held_.reset();
    if (is_directory) {
      // The old watches of what was here before, if it was replaced, end by themselves.
      rename_below(event.from, path);
      if (watch.recursive) scans_.push_back({path, true, false, Reason::again});
    }
    events_.push_back(std::move(event));
    return;
  }
  push(FileChange::created, path, is_directory);
  scan_later(path, watch, is_directory);
}

void FileWatchState::take_back_move() {
  const std::lock_guard lock(mutex_);
  drop_held_move();
}

void FileWatchState::drop_held_move() {
  if (!held_) return;
  const HeldMove held = std::move(*std::exchange(held_, std::nullopt));
  push(FileChange::removed, held.path, held.is_directory);
  if (held.is_directory) forget_below(held.path);
}

/// Ends the watches of what is not where it is watched any more. Their IN_IGNORED takes them out.
void FileWatchState::forget_below(const std::filesystem::path& path) {
  for (const auto& [number, watch] : watches_) {
    if (is_within(watch.path, path)) {
      static_cast<void>(FileSyscalls::inotify_rm_watch(source_->handle(), number));
    }
  }
}

void FileWatchState::rename_below(const std::filesystem::path& from,
                                  const std::filesystem::path& to) {
  for (auto& [number, watch] : watches_) {
    if (!is_within(watch.path, from)) continue;
    watch.path = to.native() + watch.path.native().substr(from.native().size());
  }
}

void FileWatchState::push(FileChange change, std::filesystem::path path, bool is_directory) {
  FileEvent event;
  event.change = change;
  event.path = std::move(path);
  event.is_directory = is_directory;
  events_.push_back(std::move(event));
}

void FileWatchState::scan_later(const std::filesystem::path& path, const Watch& watch,
                                bool is_directory) {
  if (is_directory && watch.recursive) scans_.push_back({path, true, false, Reason::appeared});
}

// What next() asks

bool FileWatchState::holds_move() const {
  const std::lock_guard lock(mutex_);
  return held_.has_value();
}

std::optional<FileEvent> FileWatchState::pop() {
  const std::lock_guard lock(mutex_);
  if (events_.empty()) return std::nullopt;
  std::optional<FileEvent> first = std::move(events_.front());
  events_.pop_front();
  return first;
}

std::optional<FileWatchState::Scan> FileWatchState::next_scan() const {
  const std::lock_guard lock(mutex_);
  if (scans_.empty()) return std::nullopt;
  return scans_.front();
}

void FileWatchState::scanned() {
  const std::lock_guard lock(mutex_);
  if (!scans_.empty()) scans_.pop_front();
}

std::size_t FileWatchState::watches() const {
  const std::lock_guard lock(mutex_);
  return watches_.size();
}

}  // namespace weft::inline v0_1::detail
