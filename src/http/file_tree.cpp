#include "http/file_tree.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <weft/blocking.hpp>

namespace weft::inline v0_1::http {
namespace {

constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr std::uint64_t kCached = 0x20;  // RESOLVE_CACHED of Linux 5.12

/// Returns a handle, or -1 and errno.
int open_at2(int root, const char* path, std::uint64_t more) noexcept {
  open_how how = {};
  how.flags = kFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | more;
  return static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
}

/// Without openat2(2): a segment at a time, and no link is followed.
int open_by_segments(int root, const std::string& path) noexcept {
  OwnedHandle at;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t slash = path.find('/', begin);
    const bool last = slash == std::string::npos;
    const int flags = last ? kFlags : O_PATH | O_DIRECTORY | O_CLOEXEC;
    const int from = at ? at.get() : root;
    const std::string segment = path.substr(begin, slash - begin);
    if (segment == "..") {  // the caller lets none through; here it would leave the root
      errno = EXDEV;
      return -1;
    }
    const int next = ::openat(from, segment.c_str(), flags | O_NOFOLLOW);
    if (next < 0 || last) return next;
    at.reset(next);
    begin = slash + 1;
  }
}

/// `cached`: only if that needs no device. Errors: resource_unavailable_try_again if it does.
Result<FoundFile> open_beneath(int root, const std::string& path, bool cached) {
  int handle = open_at2(root, path.c_str(), cached ? kCached : 0);
  // Before 5.6 there is no such call, and filters of calls may not know it.
  const bool is_missing = handle < 0 && (errno == ENOSYS || errno == EPERM);
  const bool knows_no_cached = handle < 0 && errno == EINVAL;  // before 5.12
  if (cached && (is_missing || knows_no_cached)) return fail(os_error(EAGAIN));
  if (is_missing) handle = open_by_segments(root, path);
  if (handle < 0) return fail(os_error(errno));
  FoundFile found;
  found.handle.reset(handle);
  found.facts = facts_of(handle, path);
  found.path = path;
  return found;
}

[[nodiscard]] FileFacts::Time time_of(const timespec& time) noexcept {
  return FileFacts::Time(std::chrono::seconds(time.tv_sec) +
                         std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

FileFacts facts_of(NativeHandle handle, const std::string& name) {
  struct stat status = {};
  if (::fstat(handle, &status) != 0) throw IoError(os_error(errno), "stat", name);
  FileFacts facts;
  facts.kind = S_ISREG(status.st_mode)   ? FileFacts::Kind::file
               : S_ISDIR(status.st_mode) ? FileFacts::Kind::directory
                                         : FileFacts::Kind::other;
  facts.size = static_cast<std::uint64_t>(status.st_size);
  facts.modified = time_of(status.st_mtim);
  facts.changed = time_of(status.st_ctim);
  return facts;
}

FileTree::FileTree(const std::filesystem::path& root, StaticFilesOptions options)
    : options_(std::move(options)) {
  const int handle = ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) throw IoError(os_error(errno), "open", root.native());
  root_.reset(handle);
  if (!options_.cache_control.empty()) Headers().add("Cache-Control", options_.cache_control);
}

Task<Result<FoundFile>> FileTree::open(std::string path) const {
  Result<FoundFile> found = open_beneath(root_.get(), path, true);
  if (found || found.error() != std::errc::resource_unavailable_try_again) co_return found;
  auto job = [root = root_.get(), path] { return open_beneath(root, path, false); };
  found = co_await blocking(std::move(job));
  co_return found;
}

}  // namespace weft::inline v0_1::http
