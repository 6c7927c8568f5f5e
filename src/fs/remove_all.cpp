// remove_all(): a tree is removed from its leaves up, each name relative to the open directory in
// which it stands. So a directory that is replaced by a link meanwhile is not followed: the link is
// opened with O_NOFOLLOW, which fails, and is removed as a name.
//
// Levels keep their directory open up to a depth, as handles are few. Below that a level closes it
// when it goes down, and comes back by "..". The directory that is found there must be the one that
// was left: if the tree was moved meanwhile, nothing of another place is removed.
#include "fs/remove_all.hpp"

#include <weft/directory.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "fs/directory_reader.hpp"
#include "fs/error.hpp"
#include "fs/path_text.hpp"
#include "os/file_syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr std::size_t most_open_levels = 64;

struct RemovalLevel {
  DirectoryReader reader;
  std::string name;  // within the level above
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  std::vector<DirectoryName> names;  // of the last batch, not removed yet
  int rounds_without_end = 0;
};

class TreeRemoval {
 public:
  TreeRemoval(const std::filesystem::path& path, const char* operation, const StopFlag& stop)
      : path_(path), operation_(operation), stop_(stop) {}

  std::uint64_t run() {
    if (!remove_name(AT_FDCWD, path_text(path_, operation_))) enter(AT_FDCWD, path_.native());
    while (!levels_.empty()) {
      stop_.check();
      step();
    }
    return removed_;
  }

 private:
  void step();
  void enter(int directory, const std::string& name);
  void leave();
  void reopen(Fd below);
  [[nodiscard]] bool remove_name(int directory, const char* name);
  [[noreturn]] void fail_with(std::int64_t result) const;
  [[nodiscard]] std::filesystem::path here() const;

  const std::filesystem::path& path_;
  const char* const operation_;
  const StopFlag& stop_;
  std::vector<RemovalLevel> levels_;
  std::uint64_t removed_ = 0;
};

std::filesystem::path TreeRemoval::here() const {
  std::filesystem::path path = path_;
  for (std::size_t i = 1; i < levels_.size(); ++i) path /= levels_[i].name;
  return path;
}

void TreeRemoval::fail_with(std::int64_t result) const {
  throw_file_error(code_of_file(result), operation_, here().native());
}

/// Removes a name that is no directory's. False: it is one, or seems so.
bool TreeRemoval::remove_name(int directory, const char* name) {
  const std::int64_t result = FileSyscalls::unlinkat(directory, name, 0);
  if (result == 0) {
    ++removed_;
    return true;
  }
  if (result == -ENOENT) return true;
  // Linux says EISDIR for a directory, POSIX EPERM.
  if (result == -EISDIR || result == -EPERM) return false;
  throw_file_error(code_of_file(result), operation_,
                   (levels_.empty() ? std::filesystem::path(name) : here() / name).native());
}

void TreeRemoval::enter(int directory, const std::string& name) {
  std::int64_t opened = FileSyscalls::openat(directory, name.c_str(),
                                             O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK, 0);
  if (opened == -ENOENT) return;
  if (opened == -ENOTDIR || opened == -ELOOP) {
    // Another kind of file has taken its place; or it is none, and may not be removed.
    if (remove_name(directory, name.c_str())) return;
    opened = -EPERM;
  }
  if (opened < 0) {
    throw_file_error(code_of_file(opened), operation_,
                     (levels_.empty() ? path_ : here() / name).native());
  }
  RemovalLevel level;
  level.reader = DirectoryReader(Fd(static_cast<int>(opened)));
  level.name = name;
  struct ::statx found{};
  const std::int64_t known =
      FileSyscalls::statx(level.reader.handle(), "", AT_EMPTY_PATH, STATX_INO | STATX_TYPE, &found);
  if (known < 0) fail_with(known);
  level.inode = found.stx_ino;
  level.device = (std::uint64_t{found.stx_dev_major} << 32) | found.stx_dev_minor;
  if (levels_.size() > most_open_levels) levels_.back().reader.close();
  levels_.push_back(std::move(level));
}

/// Removes one name of the innermost directory, or reads more names, or leaves it.
void TreeRemoval::step() {
  RemovalLevel& level = levels_.back();
  if (level.names.empty()) {
    const std::int64_t read = level.reader.next(level.names);
    if (read < 0) fail_with(read);
    if (read == 0) leave();
    return;
  }
  const DirectoryName next = std::move(level.names.back());
  level.names.pop_back();
  const int directory = level.reader.handle();
  if (next.type != FileType::directory && remove_name(directory, next.name.c_str())) return;
  enter(directory, next.name);
}

void TreeRemoval::leave() {
  // Entries may have been made behind the reader, or have moved while others were removed.
  constexpr int most_rounds = 16;
  RemovalLevel done = std::move(levels_.back());
  levels_.pop_back();
  int directory = AT_FDCWD;
  if (!levels_.empty()) {
    if (!levels_.back().reader) {
      levels_.push_back(std::move(done));
      const std::int64_t above = FileSyscalls::openat(levels_.back().reader.handle(), "..",
                                                      O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
      if (above < 0) fail_with(above);
      done = std::move(levels_.back());
      levels_.pop_back();
      reopen(Fd(static_cast<int>(above)));
    }
    directory = levels_.back().reader.handle();
  }
  const char* const name = levels_.empty() ? path_.c_str() : done.name.c_str();
  const std::int64_t result = FileSyscalls::unlinkat(directory, name, AT_REMOVEDIR);
  if (result == 0) {
    ++removed_;
  } else if ((result == -ENOTEMPTY || result == -EEXIST) &&
             ++done.rounds_without_end < most_rounds) {
    done.reader.rewind();
    levels_.push_back(std::move(done));
  } else if (result != -ENOENT) {
    levels_.push_back(std::move(done));
    fail_with(result);
  }
}

/// `above` is what ".." of the level below leads to: that must be the innermost level now.
void TreeRemoval::reopen(Fd above) {
  struct ::statx found{};
  const std::int64_t known =
      FileSyscalls::statx(above.get(), "", AT_EMPTY_PATH, STATX_INO | STATX_TYPE, &found);
  if (known < 0) fail_with(known);
  RemovalLevel& level = levels_.back();
  const std::uint64_t device = (std::uint64_t{found.stx_dev_major} << 32) | found.stx_dev_minor;
  if (found.stx_ino != level.inode || device != level.device) fail_with(-ESTALE);
  level.reader = DirectoryReader(std::move(above));
}

}  // namespace

std::uint64_t remove_tree(const std::filesystem::path& path, const char* operation,
                          const StopFlag& stop) {
  return TreeRemoval(path, operation, stop).run();
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

Task<std::uint64_t> remove_all(std::filesystem::path path) {
  const auto work = [&](const detail::StopFlag& stop) {
    return detail::remove_tree(path, "remove_all", stop);
  };
  co_return co_await detail::on_file_lane("remove_all", path.native(), work);
}

}  // namespace weft::inline v0_1
