// FileWatch: what changes in files and directories, as a stream (inotify(7)).
//
//   const auto options = weft::FileWatchOptions().recursive();
//   weft::FileWatch changes = co_await weft::FileWatch::on("src", options);
//   while (auto event = co_await changes.next()) {
//     if (event->change == weft::FileChange::rescan) reread_everything();
//     else use(event->path);
//   }
//
// The system keeps a bounded number of events. If more come than are taken, it drops some and says
// so: that is the event `rescan`, after which a program must look at everything itself. Equal
// events in a row may come as one. Changes made through another machine's mount, and through
// mmap(2), are not seen.
//
// A recursive watch is one of each directory, as the system has no other. Directories that are made
// or moved in are watched from the moment at which the event about them is taken; what was made in
// them before that is reported as `created`, maybe twice.
//
// Waiting holds no thread: it is a read on the worker's reactor. Cancel, of next(): no event is
// lost.
//
// Thread-safety: one task at a time calls next(); add() may come from another one meanwhile. Moves
// and destruction: when no call is under way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <weft/task.hpp>

namespace weft::inline v0_1 {

enum class FileChange : std::uint8_t {
  created,   ///< made here, linked, or moved here from where it was not watched
  modified,  ///< the contents
  written,   ///< closed by a program that could write to it
  metadata,  ///< permissions, owner, times, number of names
  moved,     ///< from one watched name to another: `from` and `path`
  removed,   ///< or moved to where it is not watched; the watch of what is gone has ended
  rescan,    ///< events were lost; `path` is empty
};

class FileEvent {
 public:
  FileEvent() noexcept {}

  FileChange change = FileChange::rescan;
  std::filesystem::path path;  ///< the watched path, and within a directory the name
  std::filesystem::path from;  ///< moved: where it was
  bool is_directory = false;
};

class FileWatchOptions {
 public:
  FileWatchOptions() noexcept {}
  /// Directories below are watched, too. Links to directories are not followed.
  FileWatchOptions& recursive(bool on = true) noexcept {
    is_recursive = on;
    return *this;
  }

  bool is_recursive = false;
};

namespace detail {
class FileWatchState;
struct FileWatchStateDeleter {
  void operator()(FileWatchState* state) const noexcept;
};
}  // namespace detail

class FileWatch {
 public:
  /// Watches a file, or a directory and what stands in it. Errors: FileErrc::no_watch_left if the
  /// user has as many watches as fs.inotify.max_user_watches allows; too_many_files_open (there is
  /// also fs.inotify.max_user_instances); no_such_file_or_directory, permission_denied.
  [[nodiscard]] static Task<FileWatch> on(std::filesystem::path path,
                                          FileWatchOptions options = FileWatchOptions());
  /// Watches a further path. After an error in the middle of a recursive one, a part is watched.
  [[nodiscard]] Task<void> add(std::filesystem::path path,
                               FileWatchOptions options = FileWatchOptions());
  /// Waits for the next event. Empty: all that was watched is gone. Throws IoError, FileErrc::
  /// no_watch_left among the codes: a new directory could not be watched.
  [[nodiscard]] Task<std::optional<FileEvent>> next();
  /// Directories and files that are watched now.
  [[nodiscard]] std::size_t watches() const noexcept;

  FileWatch(FileWatch&&) noexcept = default;
  FileWatch& operator=(FileWatch&&) noexcept = default;
  ~FileWatch() = default;

 private:
  explicit FileWatch(
      std::unique_ptr<detail::FileWatchState, detail::FileWatchStateDeleter> state) noexcept
      : state_(std::move(state)) {}

  std::unique_ptr<detail::FileWatchState, detail::FileWatchStateDeleter> state_;
};

}  // namespace weft::inline v0_1
