// Messages of Unix sockets that pass handles and credentials.
#include <weft/detail/unix_request.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "net/message.hpp"
#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

static_assert(CMSG_SPACE(most_handles * sizeof(int)) + CMSG_SPACE(sizeof(ucred)) <=
              handles_control_size);

/// Calls `each(handle)` for every handle that came with a message.
template <class Each>
void for_each_handle(const msghdr& header, Each each) {
  for_each_control(header, [&](int level, int type, const std::byte* data, std::size_t size) {
    if (level != SOL_SOCKET || type != SCM_RIGHTS) return;
    for (std::size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
      int handle = -1;
      std::memcpy(&handle, data + at, sizeof handle);
      each(handle);
    }
  });
}

void close_handles(const msghdr& header) noexcept {
  for_each_handle(header, [](int handle) { static_cast<void>(Syscalls::close(handle)); });
}

std::size_t count_handles(const msghdr& header) noexcept {
  std::size_t count = 0;
  for_each_handle(header, [&count](int) { ++count; });
  return count;
}

std::optional<PeerCredentials> credentials_in(const msghdr& header) noexcept {
  std::optional<PeerCredentials> found;
  for_each_control(header, [&](int level, int type, const std::byte* data, std::size_t size) {
    if (level != SOL_SOCKET || type != SCM_CREDENTIALS || size < sizeof(ucred)) return;
    ucred from{};
    std::memcpy(&from, data, sizeof from);
    found = PeerCredentials{.process = from.pid, .user = from.uid, .group = from.gid};
  });
  return found;
}

}  // namespace

ReceiveHandlesRequest::~ReceiveHandlesRequest() {
  if (operation != nullptr && operation->result >= 0) close_handles(header_of(room));
}

void* ReceiveHandlesRequest::fill() noexcept {
  static_cast<void>(socket_of(socket));
  msghdr& header = new_header(room);
  set_slice(header, room, buffer);
  set_receive_room(header, room, room.control.size());
  // A stream understands MSG_TRUNC differently: it would discard the bytes.
  header.msg_flags = MSG_CMSG_CLOEXEC | (stream ? 0 : MSG_TRUNC);
  return &header;
}

void ReceiveHandlesRequest::prepare(Operation& op) noexcept {
  op.kind = OperationKind::receive_message;
  op.source = &socket_of(socket);
  op.io.message = fill();
  op.result = -ECANCELED;  // nothing has been received
  operation = &op;
}

Result<UnixMessage> ReceiveHandlesRequest::finish(std::int64_t result) noexcept {
  operation = nullptr;  // from here on this function closes or delivers the handles
  if (result < 0) return fail(code_of(result));
  const msghdr& header = header_of(room);
  UnixMessage message;
  try {
    message.handles.reserve(std::min(count_handles(header), most_wanted));
    message.sender = endpoint_from_native(header.msg_name, header.msg_namelen);
  } catch (const std::bad_alloc&) {
    close_handles(header);
    return fail(std::errc::not_enough_memory);
  }
  message.full_size = static_cast<std::size_t>(result);
  message.data = buffer.first(std::min(message.full_size, buffer.size()));
  message.handles_lost = (header.msg_flags & MSG_CTRUNC) != 0;
  message.credentials = credentials_in(header);
  for_each_handle(header, [&](int handle) {
    OwnedHandle owned(handle);
    if (message.handles.size() < most_wanted) {
      message.handles.push_back(std::move(owned));  // within what was reserved
    } else {
      message.handles_lost = true;
    }
  });
  return message;
}

IoError ReceiveHandlesRequest::error(std::error_code code) const {
  return IoError(code, "receive", subject_of_message_socket(socket));
}

Result<UnixMessage> receive_handles_now(ReceiveHandlesRequest request) noexcept {
  auto* const header = static_cast<msghdr*>(request.fill());
  return with_handle(request.socket, [&](int handle) {
    return request.finish(Syscalls::recvmsg(handle, header, header->msg_flags | MSG_DONTWAIT));
  });
}

void* SendHandlesRequest::fill() noexcept {
  const Socket& on = socket_of(socket);
  // A stream has no message without bytes to which the handles could belong.
  if (handles.size() > most_handles || (stream && data.empty() && !handles.empty())) {
    failure = std::make_error_code(std::errc::invalid_argument);
    return nullptr;
  }
  msghdr& header = new_header(room);
  set_slice(header, room, data);
  set_address(header, room, address_for(on, to));
  if (!handles.empty()) {
    ControlWriter control(room.control);
    control.add(SOL_SOCKET, SCM_RIGHTS, handles.data(), handles.size_bytes());
    header.msg_control = room.control.data();
    header.msg_controllen = control.size();
  }
  return &header;
}

void SendHandlesRequest::prepare(Operation& op) noexcept {
  void* const header = fill();
  if (header == nullptr) return end_at_once(op);
  op.kind = OperationKind::send_message;
  op.source = &socket_of(socket);
  op.io.message = header;
}

Result<std::size_t> SendHandlesRequest::finish(std::int64_t result) noexcept {
  if (failure) return fail(failure);
  if (result < 0) return fail(code_of(result));
  return static_cast<std::size_t>(result);
}

IoError SendHandlesRequest::error(std::error_code code) const {
  return IoError(code, "send", subject_of_message_socket(socket, to));
}

Result<std::size_t> send_handles_now(SendHandlesRequest request) noexcept {
  const auto* const header = static_cast<const msghdr*>(request.fill());
  if (header == nullptr) return request.finish(0);
  return with_handle(request.socket,
                     [&](int handle) { return request.finish(Syscalls::sendmsg(handle, header)); });
}

}  // namespace weft::inline v0_1::detail
