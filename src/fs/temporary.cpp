// temporary_file() and TemporaryDirectory.
#include <weft/directory.hpp>
#include <weft/file.hpp>

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "fs/error.hpp"
#include "fs/file_handle.hpp"
#include "fs/path_text.hpp"
#include "fs/remove_all.hpp"
#include "fs/whole_file.hpp"
#include "os/file_syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr const char* making_file = "temporary_file";
constexpr const char* making_directory = "temporary_directory";

Fd open_temporary(const std::filesystem::path& directory) {
  constexpr mode_t own_only = 0600;
  const std::int64_t unnamed = FileSyscalls::openat(AT_FDCWD, path_text(directory, making_file),
                                                    O_RDWR | O_TMPFILE, own_only);
  if (unnamed >= 0) return Fd(static_cast<int>(unnamed));
  // EISDIR: a kernel that does not know the flag.
  if (unnamed != -EOPNOTSUPP && unnamed != -EISDIR)
    or_throw(unnamed, making_file, directory.native());
  std::filesystem::path made;
  Fd handle = open_new_in(directory, O_RDWR, own_only,
                          FileOperation(making_file, directory.native()), made);
  const NameGuard removed(std::move(made));
  return handle;
}

std::filesystem::path make_directory(const std::filesystem::path& parent,
                                     const std::string& prefix) {
  constexpr int most_attempts = 100;
  constexpr mode_t own_only = 0700;
  std::filesystem::path made;
  std::int64_t result = -EEXIST;
  for (int attempt = 0; result == -EEXIST && attempt < most_attempts; ++attempt) {
    made = parent / temporary_name(prefix);
    result = FileSyscalls::mkdirat(AT_FDCWD, path_text(made, making_directory), own_only);
  }
  or_throw(result, making_directory, made.native());
  return made;
}

}  // namespace

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

Task<File> temporary_file(std::filesystem::path directory) {
  if (directory.empty()) directory = detail::temporary_directory();
  const auto work = [&](const detail::StopFlag&) {
    Result<detail::FileOwner> file = detail::make_file(
        detail::open_temporary(directory), (directory / "(temporary file)").native(), false);
    if (!file) throw IoError(file.error(), detail::making_file, directory.native());
    return File(std::move(*file));
  };
  co_return co_await detail::on_file_lane(detail::making_file, directory.native(), work);
}

Task<TemporaryDirectory> TemporaryDirectory::create(std::string prefix,
                                                    std::filesystem::path parent) {
  if (parent.empty()) parent = detail::temporary_directory();
  const auto work = [&](const detail::StopFlag&) {
    return TemporaryDirectory(detail::make_directory(parent, prefix));
  };
  co_return co_await detail::on_file_lane(detail::making_directory, parent.native(), work);
}

TemporaryDirectory::~TemporaryDirectory() { reset(); }

/// Without a lane: a destructor cannot wait for one.
void TemporaryDirectory::reset() noexcept {
  if (path_.empty()) return;
  try {
    const detail::StopFlag never;
    detail::remove_tree(path_, "remove_all", never);
  } catch (...) {  // what cannot be removed stays
  }
  path_.clear();
}

Task<void> TemporaryDirectory::remove_all_of(TemporaryDirectory doomed) {
  co_await weft::remove_all(doomed.path());
  static_cast<void>(doomed.keep());
}

Task<void> TemporaryDirectory::remove() { return remove_all_of(std::move(*this)); }

}  // namespace weft::inline v0_1
