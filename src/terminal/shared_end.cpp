// The choice of a way for a handle, and the operations by each of them.
#include "terminal/shared_end.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>
#include <weft/extend/io.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fs/lane_call.hpp"
#include "io/pipe_end.hpp"
#include "net/socket.hpp"
#include "os/fd.hpp"
#include "os/file_syscalls.hpp"
#include "os/syscalls.hpp"
#include "terminal/foreground.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// Whether the system can say when the handle is ready: it can of all but files and some devices.
Result<bool> has_readiness(NativeHandle handle) noexcept {
  const std::int64_t made = Syscalls::epoll_create();
  if (made < 0) return fail(code_of(made));
  const Fd poller(static_cast<int>(made));
  epoll_event event{};
  const std::int64_t added = Syscalls::epoll_ctl(poller.get(), EPOLL_CTL_ADD, handle, &event);
  if (added == -EPERM) return false;
  if (added < 0) return fail(code_of(added));
  return true;
}

/// The controlling side of a pseudo-terminal: to open its path again makes another one.
bool is_controlling_side(NativeHandle handle) noexcept {
  int number = 0;
  return ::ioctl(handle, TIOCGPTN, &number) == 0;
}

/// Whether the handle is open for that use. O_PATH: for none.
bool is_open_for(int flags, SharedEnd::Use use) noexcept {
  if ((flags & O_PATH) != 0) return false;
  const int access = flags & O_ACCMODE;
  return access == O_RDWR || access == (use == SharedEnd::Use::reads ? O_RDONLY : O_WRONLY);
}

std::int64_t receive_now(NativeHandle socket, std::span<std::byte> buffer) noexcept {
  iovec slice{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &slice;
  message.msg_iovlen = 1;
  return Syscalls::recvmsg(socket, &message, MSG_DONTWAIT);
}

std::int64_t send_now(NativeHandle socket, std::span<const std::byte> data) noexcept {
  // SAFETY: sendmsg(2) only reads the memory.
  iovec slice{const_cast<std::byte*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &slice;
  message.msg_iovlen = 1;
  return Syscalls::sendmsg(socket, &message, MSG_DONTWAIT);
}

}  // namespace

SharedEnd::SharedEnd(NativeHandle handle, std::string name, std::shared_ptr<void> keeps)
    : handle_(handle),
      name_(std::move(name)),
      keeps_(std::move(keeps)),
      readiness_(new Source(handle, Source::Handle::borrowed)) {}

SharedEnd::~SharedEnd() { readiness_->drop_owner(); }

Result<std::shared_ptr<SharedEnd>> SharedEnd::make(NativeHandle handle, Use use, std::string name,
                                                   std::shared_ptr<void> keeps) {
  if (name.empty()) name = "handle " + std::to_string(handle);
  std::shared_ptr<SharedEnd> end(new SharedEnd(handle, std::move(name), std::move(keeps)));
  const Result<void> chosen = end->choose(use);
  if (!chosen) return fail(chosen.error());
  return end;
}

Result<void> SharedEnd::choose(Use use) {
  const int flags = ::fcntl(handle_, F_GETFL);
  struct stat status{};
  if (flags < 0 || ::fstat(handle_, &status) < 0) return fail(os_error(errno));
  if (!is_open_for(flags, use)) return fail(std::errc::bad_file_descriptor);
  is_terminal_ = ::isatty(handle_) == 1;
  is_pipe_ = S_ISFIFO(status.st_mode);
  if (S_ISSOCK(status.st_mode)) {
    way_ = Way::socket;
    return {};
  }
  const Result<bool> waits = has_readiness(handle_);
  if (!waits) return fail(waits.error());
  if (!*waits) return use_as_file();
  const bool opens_again = is_pipe_ || (is_terminal_ && !is_controlling_side(handle_));
  way_ = opens_again && open_again(use) ? Way::own : Way::lane;
  return {};
}

Result<void> SharedEnd::use_as_file() {
  Fd copy(::fcntl(handle_, F_DUPFD_CLOEXEC, 3));
  if (!copy) return fail(os_error(errno));
  const bool is_direct = (::fcntl(handle_, F_GETFL) & O_DIRECT) != 0;
  file_.emplace(FileOwner(new FileSource(copy.get(), name_, is_direct)));
  static_cast<void>(copy.release());
  way_ = Way::file;
  return {};
}

/// False: the system refuses. It may: another user's pipe, a pipe without a reader, no /proc.
bool SharedEnd::open_again(Use use) {
  const int access = use == Use::reads ? O_RDONLY : O_WRONLY;
  const std::string path = "/proc/self/fd/" + std::to_string(handle_);
  std::int64_t opened = Syscalls::open_pipe(path.c_str(), access);
  if (opened < 0 && is_terminal_ && ::tcgetsid(handle_) == ::getsid(0)) {
    opened = Syscalls::open_pipe("/dev/tty", access);
  }
  if (opened < 0) return false;
  Result<SocketOwner> end = make_pipe_end(Fd(static_cast<int>(opened)), name_);
  if (!end) return false;
  own_ = std::move(*end);
  return true;
}

void SharedEnd::close() noexcept {
  closed_.store(true, std::memory_order_release);
  readiness_->close();
  if (own_ != nullptr) own_->close();
  if (file_) file_->file()->close();
}

Result<void> SharedEnd::shutdown() noexcept {
  if (closed()) return fail(std::errc::operation_canceled);
  std::int64_t result = 0;
  if (way_ == Way::socket) {
    result = Syscalls::shutdown(handle_, SHUT_WR);
  } else if (is_pipe_) {
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    // As a standard stream it is to be inherited.
    if (null < 0 || ::dup2(null, handle_) < 0) result = -errno;
    if (null >= 0) ::close(null);
  }
  close();
  return checked(result);
}

IoError SharedEnd::error(std::error_code code, const char* operation) const {
  if (is_terminal_ && code == std::errc::io_error && is_in_background(handle_)) {
    return IoError(code, operation, name_ + " (in the background)");
  }
  return IoError(code, operation, name_);
}

/// Throws IoError.
Task<void> SharedEnd::wait(std::uint32_t interests) {
  const Result<void> ready =
      co_await attempt(IoOp<ReadyRequest>(ReadyRequest(readiness_, interests)));
  if (ready) co_return;
  const char* const operation = interests == interest::readable ? "read" : "write";
  throw error(ready.error(), operation);
}

/// After the handle was ready: -EAGAIN if it is no more.
Task<std::int64_t> SharedEnd::read_once(std::span<std::byte> buffer) {
  if (way_ == Way::socket) co_return receive_now(handle_, buffer);
  const iovec slice{buffer.data(), buffer.size()};
  const std::int64_t result = FileSyscalls::preadv2(handle_, &slice, 1, -1, RWF_NOWAIT);
  if (result != -EOPNOTSUPP && result != -ENOSYS) co_return result;
  auto call = [&](const StopFlag&) {
    return Syscalls::read(handle_, buffer.data(), buffer.size());
  };
  const std::int64_t read = co_await on_file_lane("read", name_, call);
  co_return read;
}

Task<std::int64_t> SharedEnd::write_once(std::span<const std::byte> data) {
  if (way_ == Way::socket) co_return send_now(handle_, data);
  // SAFETY: writev(2) only reads the memory.
  const iovec slice{const_cast<std::byte*>(data.data()), std::min(data.size(), most_on_lane)};
  auto call = [&](const StopFlag&) { return Syscalls::writev(handle_, &slice, 1); };
  const std::int64_t written = co_await on_file_lane("write", name_, call);
  co_return written;
}

Task<std::size_t> SharedEnd::read(std::shared_ptr<SharedEnd> end, std::span<std::byte> buffer) {
  if (buffer.empty()) co_return 0;
  if (end->way_ == Way::file) {
    const std::size_t size = co_await end->file_->read(buffer);
    co_return size;
  }
  if (end->way_ == Way::own) {
    const Result<std::size_t> size =
        co_await attempt(IoOp<ReadRequest>(ReadRequest(end->own_.get(), buffer)));
    if (!size) throw end->error(size.error(), "read");
    co_return *size;
  }
  const MutexGuard turn = co_await end->turn_.lock();
  for (;;) {
    co_await end->wait(interest::readable);
    const std::int64_t size = co_await end->read_once(buffer);
    if (size >= 0) co_return static_cast<std::size_t>(size);
    if (size != -EAGAIN) throw end->error(code_of(size), "read");
  }
}

Task<std::size_t> SharedEnd::write(std::shared_ptr<SharedEnd> end,
                                   std::span<const std::byte> data) {
  if (data.empty()) co_return 0;
  if (end->way_ == Way::file) {
    const std::size_t size = co_await end->file_->write(data);
    co_return size;
  }
  if (end->way_ == Way::own) {
    const Result<std::size_t> size =
        co_await attempt(IoOp<WriteRequest>(WriteRequest(end->own_.get(), data)));
    if (!size) throw end->error(size.error(), "write");
    co_return *size;
  }
  const MutexGuard turn = co_await end->turn_.lock();
  for (;;) {
    co_await end->wait(interest::writable);
    const std::int64_t size = co_await end->write_once(data);
    if (size >= 0) co_return static_cast<std::size_t>(size);
    if (size != -EAGAIN) throw end->error(code_of(size), "write");
  }
}

Task<void> SharedEnd::write_all(std::shared_ptr<SharedEnd> end, std::span<const std::byte> data) {
  while (!data.empty()) {
    const std::size_t size = co_await write(end, data);
    if (size == 0) throw IoError(IoErrc::nothing_written, "write", end->name_);
    data = data.subspan(size);
  }
}

Task<void> SharedEnd::ready(std::shared_ptr<SharedEnd> end, std::uint32_t interests) {
  if (end->way_ != Way::file) co_await end->wait(interests);
}

}  // namespace weft::inline v0_1::detail
