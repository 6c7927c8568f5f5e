// The system call of each kind of operation.
#include "reactor/attempt.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>

#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

static_assert(sizeof(IoSlice) == sizeof(iovec) &&
              offsetof(IoSlice, data) == offsetof(iovec, iov_base) &&
              offsetof(IoSlice, size) == offsetof(iovec, iov_len));

constexpr std::uint32_t connect_is_under_way = 1;  // a value of operation.token

const iovec* system_slices(const Operation& operation) noexcept {
  // SAFETY: the layouts are the same (asserted above); the kernel reads the array, and no code
  // reads it as iovec.
  return reinterpret_cast<const iovec*>(operation.io.slices.data);
}

std::int64_t or_would_block(std::int64_t result) noexcept {
  return result == -EAGAIN || result == -EWOULDBLOCK ? would_block : result;
}

std::int64_t try_connect(Operation& operation) noexcept {
  const int handle = operation.source->handle();
  if (operation.token == connect_is_under_way) return Syscalls::socket_error(handle);
  const std::int64_t result = Syscalls::connect(
      handle, static_cast<const sockaddr*>(operation.io.address.data), operation.io.address.size);
  // EAGAIN is final: the queue of a Unix listener is full, and no event would say when it no longer
  // is.
  if (result != -EINPROGRESS) return result;
  operation.token = connect_is_under_way;
  return would_block;
}

std::int64_t try_accept(Operation& operation) noexcept {
  const int handle = operation.source->handle();
  if (operation.io.address.data == nullptr) return Syscalls::accept4(handle, nullptr, nullptr);
  // The size of the room is passed in; the length is stored only by a try that succeeds.
  socklen_t size = operation.io.address.size;
  const std::int64_t result =
      Syscalls::accept4(handle, static_cast<sockaddr*>(operation.io.address.data), &size);
  if (result >= 0) operation.io.address.size = size;
  return result;
}

std::int64_t try_write(const Operation& operation) noexcept {
  const iovec slice{operation.io.buffer.data, operation.io.buffer.size};
  return Syscalls::writev(operation.source->handle(), &slice, 1);
}

std::int64_t try_writev(const Operation& operation, bool& no_socket) noexcept {
  const int handle = operation.source->handle();
  if (!no_socket) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(system_slices(operation));  // sendmsg only reads them
    message.msg_iovlen =
        operation.io.slices.count < UIO_MAXIOV ? operation.io.slices.count : UIO_MAXIOV;
    const std::int64_t result = Syscalls::sendmsg(handle, &message);
    if (result != -ENOTSOCK) return result;
    no_socket = true;
  }
  return Syscalls::writev(handle, system_slices(operation), operation.io.slices.count);
}

std::int64_t try_poll(const Operation& operation) noexcept {
  if (operation.source->handle() < 0) return -EBADF;  // poll(2) ignores such an entry
  short events = 0;
  if (operation.io.interests & interest::readable) events |= POLLIN | POLLRDHUP;
  if (operation.io.interests & interest::writable) events |= POLLOUT;
  const std::int64_t result = Syscalls::poll_now(operation.source->handle(), events);
  if (result < 0) return result;
  if (result == 0) return would_block;
  if (result & POLLNVAL) return -EBADF;
  std::uint32_t ready = 0;
  if (result & (POLLIN | POLLRDHUP)) ready |= interest::readable;
  if (result & POLLOUT) ready |= interest::writable;
  if (result & (POLLERR | POLLHUP)) ready |= interest::readable | interest::writable;
  return ready;
}

/// The flags of a message are those of its call: what the system stores there comes after.
std::int64_t try_receive_message(const Operation& operation) noexcept {
  auto* const message = static_cast<msghdr*>(operation.io.message);
  return Syscalls::recvmsg(operation.source->handle(), message, message->msg_flags);
}

std::int64_t try_send_message(const Operation& operation) noexcept {
  return Syscalls::sendmsg(operation.source->handle(),
                           static_cast<const msghdr*>(operation.io.message));
}

std::int64_t try_messages(const Operation& operation) noexcept {
  const int handle = operation.source->handle();
  auto* const first = static_cast<mmsghdr*>(operation.io.messages.data);
  const std::size_t count = operation.io.messages.count;
  return operation.kind == OperationKind::send_messages
             ? Syscalls::sendmmsg(handle, first, count)
             : Syscalls::recvmmsg(handle, first, count, first->msg_hdr.msg_flags);
}

}  // namespace

std::int64_t attempt(Operation& operation, bool& no_socket) noexcept {
  const int handle = operation.source->handle();
  switch (operation.kind) {
    case OperationKind::read:
      return or_would_block(
          Syscalls::read(handle, operation.io.buffer.data, operation.io.buffer.size));
    case OperationKind::peek:
      return or_would_block(
          Syscalls::peek(handle, operation.io.buffer.data, operation.io.buffer.size));
    case OperationKind::write:
      return or_would_block(try_write(operation));
    case OperationKind::readv:
      return or_would_block(
          Syscalls::readv(handle, system_slices(operation), operation.io.slices.count));
    case OperationKind::writev:
      return or_would_block(try_writev(operation, no_socket));
    case OperationKind::receive_message:
      return or_would_block(try_receive_message(operation));
    case OperationKind::send_message:
      return or_would_block(try_send_message(operation));
    case OperationKind::receive_messages:
    case OperationKind::send_messages:
      return or_would_block(try_messages(operation));
    case OperationKind::accept:
      return or_would_block(try_accept(operation));
    case OperationKind::connect:
      return try_connect(operation);
    case OperationKind::poll:
      return try_poll(operation);
    case OperationKind::timer:  // handled by the reactor
    default:                    // of files: handled by FileCalls
      break;
  }
  return -EINVAL;
}

std::size_t size_of_slices(const Operation& operation) noexcept {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < operation.io.slices.count && i < UIO_MAXIOV; ++i) {
    sum += operation.io.slices.data[i].size;
  }
  return sum;
}

}  // namespace weft::inline v0_1::detail
