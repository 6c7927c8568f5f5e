// Directories and paths: what stands in a directory, trees, names, links.
//
//   auto entries = weft::walk("src");
//   while (auto entry = co_await entries.next()) {
//     if (entry->error) report(entry->path, entry->error);
//     else if (entry->type == weft::FileType::regular) use(entry->path);
//   }
//   co_await weft::remove_all("build");
//
// Each function is one job on a thread for files (see <weft/file.hpp>), however many system calls
// it takes; a stream of entries takes one for some hundred entries. Awaiting it returns its value
// or throws IoError, whose text names function and path: "rename a -> b: no such file or
// directory".
//
// Names are bytes: what is no valid text in any encoding is kept as it is (path::native()).
//
// Cancel: a job that has not begun is taken back; remove_all() and the streams stop between two
// entries, and what was done until then stays done; a single step is waited for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <utility>
#include <weft/async_generator.hpp>
#include <weft/file_metadata.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1 {

// Files by their paths
/// Returns what the system knows of what the path leads to, or, without `follow`, of the link
/// itself if its last part is one. Errors: no_such_file_or_directory, permission_denied …
[[nodiscard]] Task<FileMetadata> metadata(std::filesystem::path path, bool follow = true);
/// Returns whether the path leads to something. Errors: those that leave it open, permission_denied
/// for one.
[[nodiscard]] Task<bool> exists(std::filesystem::path path);
/// Sets the twelve bits of permissions; a link is followed.
[[nodiscard]] Task<void> set_permissions(std::filesystem::path path, std::uint32_t mode);
/// Gives what is at `from` the name `to`, at once, in place of a file that is there. With
/// `keep_existing` that is an error, errc::file_exists. Errors: cross_device_link between file
/// systems, directory_not_empty …
[[nodiscard]] Task<void> rename(std::filesystem::path from, std::filesystem::path to,
                                bool keep_existing = false);
/// Removes a file, link or empty directory. Returns false if there was none.
[[nodiscard]] Task<bool> remove(std::filesystem::path path);
/// Removes a file, or a directory and all that is in it, and returns how many names; 0 if there was
/// none. Never follows a link, not even one that takes a directory's place meanwhile. What is
/// removed by others meanwhile is no error. The first thing that cannot be removed ends it.
[[nodiscard]] Task<std::uint64_t> remove_all(std::filesystem::path path);

// Directories
/// Makes a directory. Returns false if there is one. Errors: not_a_directory if a file has the
/// name.
[[nodiscard]] Task<bool> create_directory(std::filesystem::path path, std::uint32_t mode = 0777);
/// Makes it, and all directories above it that are not there. Returns whether it made any.
[[nodiscard]] Task<bool> create_directories(std::filesystem::path path, std::uint32_t mode = 0777);

// Links
[[nodiscard]] Task<void> symlink(std::filesystem::path target, std::filesystem::path link);
[[nodiscard]] Task<void> hard_link(std::filesystem::path target, std::filesystem::path link);
/// Returns the target of a link as it is written there. Errors: invalid_argument if it is no link.
[[nodiscard]] Task<std::filesystem::path> read_link(std::filesystem::path link);
/// Returns the absolute path without links, "." and "..".
[[nodiscard]] Task<std::filesystem::path> canonical(std::filesystem::path path);

/// What stands in a directory.
class DirectoryEntry {
 public:
  DirectoryEntry() noexcept {}

  std::filesystem::path path;         ///< that of the directory, and the name
  FileType type = FileType::unknown;  ///< of the entry itself: a link is a link
  std::size_t depth = 0;              ///< walk(): 0 in the directory that was asked for
  /// walk(): why what is at this path could not be looked at (it vanished meanwhile, or may not be
  /// read). A directory with an error was delivered once before, without it.
  std::error_code error;
};

/// The entries of one directory, without "." and "..", in the order of the file system. Some
/// hundred are in memory at a time. What is made or removed meanwhile may be among them or not.
/// Throws IoError when awaited.
[[nodiscard]] AsyncGenerator<DirectoryEntry> read_directory(std::filesystem::path path);

/// How walk() walks.
class WalkOptions {
 public:
  WalkOptions() noexcept {}
  /// Directories more than this below the first one are not entered; 0: only that one is.
  WalkOptions& max_depth(std::size_t levels) noexcept {
    deepest = levels;
    return *this;
  }
  /// Links to directories are entered, too; one that leads back above itself is an entry with the
  /// error errc::too_many_symbolic_link_levels.
  WalkOptions& follow_links(bool on = true) noexcept {
    follows = on;
    return *this;
  }
  /// Directories for which `wanted(entry)` is false are delivered, and not entered. Called by the
  /// task that awaits.
  WalkOptions& enter_if(std::function<bool(const DirectoryEntry&)> wanted) noexcept {
    enters = std::move(wanted);
    return *this;
  }

  std::size_t deepest = static_cast<std::size_t>(-1);
  bool follows = false;
  std::function<bool(const DirectoryEntry&)> enters;
};

/// All entries below `path`, each directory before what is in it. In memory are some hundred
/// entries of each level. Throws IoError for `path` itself; what cannot be read below it is an
/// entry with an error, and does not end the walk.
[[nodiscard]] AsyncGenerator<DirectoryEntry> walk(std::filesystem::path path,
                                                  WalkOptions options = WalkOptions());

/// A directory that is removed with all that is in it, at the latest by the destructor. Move-only;
/// one thread at a time.
class TemporaryDirectory {
 public:
  /// Makes a directory that only this user may enter, in `parent` (by default that for temporary
  /// files: $TMPDIR, or /tmp). Its name begins with `prefix`.
  [[nodiscard]] static Task<TemporaryDirectory> create(std::string prefix = "weft-",
                                                       std::filesystem::path parent = {});
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept {
    TemporaryDirectory moved(std::move(other));
    std::swap(path_, moved.path_);
    return *this;
  }
  /// Removes it on this thread, which that blocks; what cannot be removed stays.
  ~TemporaryDirectory();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Removes it without blocking the worker, and says what went wrong. The object has none from
  /// the call on. Cancel, an error, or a task that is not awaited: the rest is removed with the
  /// task, as by the destructor.
  [[nodiscard]] Task<void> remove();
  /// Leaves it to the caller.
  [[nodiscard]] std::filesystem::path keep() noexcept { return std::exchange(path_, {}); }

 private:
  explicit TemporaryDirectory(std::filesystem::path path) noexcept : path_(std::move(path)) {}
  static Task<void> remove_all_of(TemporaryDirectory doomed);
  void reset() noexcept;

  std::filesystem::path path_;  // empty: none
};

}  // namespace weft::inline v0_1
