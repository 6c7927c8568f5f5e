// FileWatchState: the watches of a FileWatch by their numbers, and its events from the system's
// records to what next() delivers. It makes no call that waits for a disk, but add(), which belongs
// on a thread for files.
//
// Moves. The system reports two halves, with the same number (cookie), as a rule one after the
// other. The first half is held back until the second comes; take_back_move() gives up on it.
//
// Paths. A watch is of what the path led to, and stays with that when it is moved. So a directory
// that is moved within what is watched gives new paths to all watches in it.
//
// Thread-safety: any thread. A lock guards everything; add() holds it over one system call at a
// time, so that no event is read before its watch is known.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/operation.hpp>
#include <weft/file_watch.hpp>

#include <sys/inotify.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fs/lane_call.hpp"
#include "os/fd.hpp"

namespace weft::inline v0_1::detail {

class FileWatchState {
 public:
  explicit FileWatchState(Fd inotify) : source_(new Source(inotify.get())) {
    static_cast<void>(inotify.release());
  }
  ~FileWatchState() { source_->drop_owner(); }
  FileWatchState(const FileWatchState&) = delete;
  FileWatchState& operator=(const FileWatchState&) = delete;

  [[nodiscard]] Source& source() noexcept { return *source_; }

  /// Why a path is to be watched.
  enum class Reason : std::uint8_t {
    asked,     ///< by the user: a link is followed, and what is not there is an error
    appeared,  ///< what stands in it is reported as created
    again,     ///< its watches may be incomplete
  };
  struct Scan {
    std::filesystem::path path;
    bool recursive;
    bool is_root;  ///< it was asked for, and not found below what was
    Reason reason;
  };

  /// Watches a path, and, if it is recursive, the directories below it. Throws IoError, Abandoned.
  void add(const Scan& scan, const StopFlag& stop);
  /// Notes that `path` was asked for by the user: it is watched again after a loss of events.
  void add_root(const std::filesystem::path& path, bool recursive);

  /// Takes what was read from the source.
  void take(std::span<const std::byte> records);
  /// The first half of a move has waited long enough: it is a removal.
  void take_back_move();
  [[nodiscard]] bool holds_move() const;
  /// The next event that is complete.
  [[nodiscard]] std::optional<FileEvent> pop();
  /// A directory that is to be watched before the next event; it stays until scanned().
  [[nodiscard]] std::optional<Scan> next_scan() const;
  void scanned();
  [[nodiscard]] std::size_t watches() const;

 private:
  struct Watch {
    std::filesystem::path path;
    bool recursive = false;
    bool is_root = false;
  };
  struct HeldMove {
    std::uint32_t cookie;
    std::filesystem::path path;
    bool is_directory;
  };

  // With the lock held
  void take_one(const inotify_event& record, std::string name);
  void take_named(const inotify_event& record, const Watch& watch, std::string name);
  void take_of_itself(const inotify_event& record, const Watch& watch);
  void take_moved_to(const inotify_event& record, const Watch& watch,
                     const std::filesystem::path& path);
  void drop_held_move();
  void forget_below(const std::filesystem::path& path);
  void rename_below(const std::filesystem::path& from, const std::filesystem::path& to);
  void push(FileChange change, std::filesystem::path path, bool is_directory);
  void scan_later(const std::filesystem::path& path, const Watch& watch, bool is_directory);
  /// Watches one path. False: it is not there any more, which is an error of what was asked for.
  [[nodiscard]] bool watch_one(const std::filesystem::path& path, const Scan& scan, bool is_first);

  Source* const source_;
  mutable ThreadMutex mutex_;  // guards what follows
  std::map<int, Watch> watches_;
  std::vector<Scan> roots_;
  std::deque<FileEvent> events_;
  std::deque<Scan> scans_;
  std::optional<HeldMove> held_;
};

}  // namespace weft::inline v0_1::detail
