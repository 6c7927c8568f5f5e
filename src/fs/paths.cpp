// What is done to a file by its path: metadata, names, links, directories. One job each.
#include <weft/directory.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <string>
#include <vector>

#include "fs/error.hpp"
#include "fs/lane_call.hpp"
#include "fs/metadata.hpp"
#include "fs/path_text.hpp"
#include "os/file_syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// Calls `call(path)`, one system call, on the lane.
template <class Call>
Task<void> on_path(const char* operation, std::filesystem::path path, Call call) {
  const auto work = [&](const StopFlag&) {
    or_throw(call(path_text(path, operation)), operation, path.native());
  };
  co_await on_file_lane(operation, path.native(), work);
}

/// Calls `call(from, to)`.
template <class Call>
Task<void> on_paths(const char* operation, std::filesystem::path from, std::filesystem::path to,
                    Call call) {
  const std::string names = two_paths(from, to);
  const auto work = [&](const StopFlag&) {
    or_throw(call(path_text(from, operation), path_text(to, operation)), operation, names);
  };
  co_await on_file_lane(operation, names, work);
}

bool is_directory(const char* path) noexcept {
  struct ::statx found{};
  return FileSyscalls::statx(AT_FDCWD, path, 0, STATX_TYPE, &found) == 0 && S_ISDIR(found.stx_mode);
}

/// Makes one directory. False: it is there.
bool make_one(const std::filesystem::path& path, mode_t mode, const char* operation) {
  std::int64_t result = FileSyscalls::mkdirat(AT_FDCWD, path_text(path, operation), mode);
  if (result == -EEXIST) {
    if (is_directory(path.c_str())) return false;
    result = -ENOTDIR;
  }
  or_throw(result, operation, path.native());
  return true;
}

/// Makes it, and what is missing above it. Others may make or remove some of it meanwhile.
bool make_all(const std::filesystem::path& path, mode_t mode, const StopFlag& stop) {
  constexpr const char* operation = "create_directories";
  stop.check();
  const std::filesystem::path given = path.has_filename() ? path : path.parent_path();
  const std::int64_t result = FileSyscalls::mkdirat(AT_FDCWD, path_text(given, operation), mode);
  const std::filesystem::path above = given.parent_path();
  if (result != -ENOENT || above.empty() || above == given) {
    if (result == 0) return true;
    if (result == -EEXIST && is_directory(given.c_str())) return false;
    or_throw(result == -EEXIST ? -ENOTDIR : result, operation, given.native());
  }
  make_all(above, mode, stop);
  return make_one(given, mode, operation);
}

std::filesystem::path target_of(const std::filesystem::path& link) {
  constexpr const char* operation = "read_link";
  std::string room(PATH_MAX, '\0');
  const std::int64_t size =
      or_throw(FileSyscalls::readlink(path_text(link, operation), room.data(), room.size()),
               operation, link.native());
  room.resize(static_cast<std::size_t>(size));
  return room;
}

Task<FileMetadata> metadata_at(std::filesystem::path path, bool follow) {
  constexpr const char* operation = "metadata";
  const auto work = [&](const StopFlag&) {
    struct ::statx found{};
    const int flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
    or_throw(
        FileSyscalls::statx(AT_FDCWD, path_text(path, operation), flags, metadata_mask, &found),
        operation, path.native());
    return metadata_from(found);
  };
  co_return co_await on_file_lane(operation, path.native(), work);
}

}  // namespace

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

Task<FileMetadata> metadata(std::filesystem::path path, bool follow) {
  return detail::metadata_at(std::move(path), follow);
}

Task<bool> exists(std::filesystem::path path) {
  const auto work = [&](const detail::StopFlag&) {
    struct ::statx found{};
    const std::int64_t result = detail::FileSyscalls::statx(
        AT_FDCWD, detail::path_text(path, "exists"), 0, STATX_TYPE, &found);
    if (result == -ENOENT || result == -ENOTDIR) return false;
    detail::or_throw(result, "exists", path.native());
    return true;
  };
  co_return co_await detail::on_file_lane("exists", path.native(), work);
}

Task<void> set_permissions(std::filesystem::path path, std::uint32_t mode) {
  return detail::on_path("set_permissions", std::move(path), [mode](const char* at) {
    return detail::FileSyscalls::fchmodat(AT_FDCWD, at, static_cast<mode_t>(mode));
  });
}

Task<void> rename(std::filesystem::path from, std::filesystem::path to, bool keep_existing) {
  const unsigned flags = keep_existing ? RENAME_NOREPLACE : 0;
  return detail::on_paths("rename", std::move(from), std::move(to),
                          [flags](const char* old, const char* fresh) {
                            return detail::FileSyscalls::rename(old, fresh, flags);
                          });
}

Task<bool> remove(std::filesystem::path path) {
  const auto work = [&](const detail::StopFlag&) {
    const char* const name = detail::path_text(path, "remove");
    std::int64_t result = detail::FileSyscalls::unlinkat(AT_FDCWD, name, 0);
    if (result == -EISDIR || result == -EPERM) {
      const std::int64_t as_directory =
          detail::FileSyscalls::unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
      if (as_directory != -ENOTDIR) result = as_directory;
    }
    if (result == -ENOENT) return false;
    detail::or_throw(result, "remove", path.native());
    return true;
  };
  co_return co_await detail::on_file_lane("remove", path.native(), work);
}

Task<bool> create_directory(std::filesystem::path path, std::uint32_t mode) {
  constexpr const char* operation = "create_directory";
  const auto work = [&](const detail::StopFlag&) {
    return detail::make_one(path, static_cast<mode_t>(mode), operation);
  };
  co_return co_await detail::on_file_lane(operation, path.native(), work);
}

Task<bool> create_directories(std::filesystem::path path, std::uint32_t mode) {
  const auto work = [&](const detail::StopFlag& stop) {
    return detail::make_all(path, static_cast<mode_t>(mode), stop);
  };
  co_return co_await detail::on_file_lane("create_directories", path.native(), work);
}

Task<void> symlink(std::filesystem::path target, std::filesystem::path link) {
  return detail::on_paths("symlink", std::move(target), std::move(link),
                          &detail::FileSyscalls::symlink);
}

Task<void> hard_link(std::filesystem::path target, std::filesystem::path link) {
  return detail::on_paths("hard_link", std::move(target), std::move(link),
                          [](const char* old, const char* fresh) {
                            return detail::FileSyscalls::linkat(AT_FDCWD, old, fresh, 0);
                          });
}

Task<std::filesystem::path> read_link(std::filesystem::path link) {
  const auto work = [&](const detail::StopFlag&) { return detail::target_of(link); };
  co_return co_await detail::on_file_lane("read_link", link.native(), work);
}

Task<std::filesystem::path> canonical(std::filesystem::path path) {
  const auto work = [&](const detail::StopFlag&) {
    std::error_code error;
    detail::path_text(path, "canonical");
    std::filesystem::path found = std::filesystem::canonical(path, error);
    if (error) {
      detail::throw_file_error(os_error(error.value()), "canonical", path.native());
    }
    return found;
  };
  co_return co_await detail::on_file_lane("canonical", path.native(), work);
}

}  // namespace weft::inline v0_1
