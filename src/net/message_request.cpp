// The operations of message sockets: preparing, continuing, results; and the same without waiting.
#include <weft/detail/message_request.hpp>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "net/message.hpp"
#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

// What the system splits at most: UDP_MAX_SEGMENTS, and the largest datagram of IPv4.
constexpr std::size_t most_segments = 64;
constexpr std::size_t most_bytes = 65'507;

/// Whether the system splits datagrams for this socket, as far as is known. It is asked once.
bool can_segment(Socket& socket) noexcept {
  // Relaxed: each thread may find out by itself.
  Segmentation known = socket.segmentation.load(std::memory_order_relaxed);
  if (known == Segmentation::unknown) {
    const Result<int> size = with_handle(
        &socket, [](int handle) { return get_option(handle, IPPROTO_UDP, UDP_SEGMENT); });
    if (!size && size.error() == std::errc::operation_canceled) return false;  // closed
    known = size ? Segmentation::works : Segmentation::refused;
    socket.segmentation.store(known, std::memory_order_relaxed);
  }
  return known == Segmentation::works;
}

/// Whether a send was refused because the system or its device cannot split this datagram.
bool concerns_segmentation(std::int64_t result) noexcept {
  return result == -EIO || result == -EINVAL || result == -EMSGSIZE;
}

}  // namespace

// Receiving

void* ReceiveMessageRequest::fill() noexcept {
  msghdr& header = new_header(room);
  set_slice(header, room, buffer);
  // A Unix socket's control data may be handles. Without room for them the system closes them.
  const bool is_ip = !socket_of(socket).name.is_unix();
  set_receive_room(header, room, is_ip ? room.control.size() : 0);
  // MSG_TRUNC: the result is the full size of the message.
  header.msg_flags = MSG_TRUNC | MSG_CMSG_CLOEXEC | (peeks ? MSG_PEEK : 0);
  return &header;
}

void ReceiveMessageRequest::prepare(Operation& op) noexcept {
  op.kind = OperationKind::receive_message;
  op.source = &socket_of(socket);
  op.io.message = fill();
}

Result<ReceivedDatagram> ReceiveMessageRequest::finish(std::int64_t result) noexcept try {
  if (result < 0) return fail(code_of(result));
  ReceivedDatagram datagram;
  read_message(header_of(room), buffer, static_cast<std::size_t>(result), datagram);
  return datagram;
} catch (const std::bad_alloc&) {  // the name of a Unix sender
  return fail(std::errc::not_enough_memory);
}

IoError ReceiveMessageRequest::error(std::error_code code) const {
  return IoError(code, peeks ? "peek" : "receive", subject_of_message_socket(socket));
}

Result<ReceivedDatagram> receive_now(ReceiveMessageRequest request) noexcept {
  auto* const header = static_cast<msghdr*>(request.fill());
  return with_handle(request.socket, [&](int handle) {
    return request.finish(Syscalls::recvmsg(handle, header, header->msg_flags | MSG_DONTWAIT));
  });
}

// Sending

void* SendMessageRequest::fill() noexcept {
  const Socket& on = socket_of(socket);
  msghdr& header = new_header(room);
  set_slice(header, room, data);
  set_address(header, room, address_for(on, to));
  ControlWriter control(room.control);
  write_details(control, on, details, segment_size);
  if (control.size() != 0) {
    header.msg_control = room.control.data();
    header.msg_controllen = control.size();
  }
  return &header;
}

void SendMessageRequest::prepare(Operation& op) noexcept {
  op.kind = OperationKind::send_message;
  op.source = &socket_of(socket);
  op.io.message = fill();
}

Result<void> SendMessageRequest::finish(std::int64_t result) noexcept { return checked(result); }

IoError SendMessageRequest::error(std::error_code code) const {
  return IoError(code, "send", subject_of_message_socket(socket, to));
}

Result<void> send_now(SendMessageRequest request) noexcept {
  const auto* const header = static_cast<const msghdr*>(request.fill());
  return with_handle(request.socket,
                     [&](int handle) { return checked(Syscalls::sendmsg(handle, header)); });
}

// Many datagrams of one size

/// The next part: as many segments as the system splits at once, or one.
void SendSegmentsRequest::choose_part() noexcept {
  std::size_t count = 1;
  if (!one_each && segment_size <= most_bytes && can_segment(*part.socket)) {
    count = std::min(most_segments, most_bytes / segment_size);
  }
  part.data = rest.first(std::min(rest.size(), count * segment_size));
  // A single datagram needs no splitting, which some devices would refuse.
  const bool is_split = part.data.size() > segment_size;
  part.segment_size = is_split ? static_cast<std::uint16_t>(segment_size) : std::uint16_t{0};
}

void SendSegmentsRequest::prepare(Operation& op) noexcept {
  static_cast<void>(socket_of(part.socket));
  is_invalid = segment_size == 0;
  if (is_invalid || rest.empty()) return end_at_once(op);
  choose_part();
  part.prepare(op);
}

bool SendSegmentsRequest::again(SendSegmentsRequest& self, Operation& op) noexcept {
  if (op.kind == OperationKind::timer) return false;
  if (op.result >= 0) {
    if (self.suspects_segmentation) {
      self.suspects_segmentation = false;
      // Relaxed: as in can_segment().
      self.part.socket->segmentation.store(Segmentation::refused, std::memory_order_relaxed);
    }
    self.sent += self.part.data.size();
    self.rest = self.rest.subspan(self.part.data.size());
    if (self.rest.empty()) return false;
  } else if (self.part.segment_size != 0 && concerns_segmentation(op.result)) {
    // A device may refuse what worked before: a route has changed, or a checksum is not offloaded.
    // Or the error has another cause: then one datagram alone fails as well.
    self.one_each = true;
    self.suspects_segmentation = op.result != -EMSGSIZE;
  } else {
    return false;
  }
  self.choose_part();
  self.part.prepare(op);
  return true;
}

Result<std::size_t> SendSegmentsRequest::finish(std::int64_t result) noexcept {
  if (is_invalid) return fail(std::errc::invalid_argument);
  if (result < 0 && sent == 0) return fail(code_of(result));
  return sent;
}

IoError SendSegmentsRequest::error(std::error_code code) const { return part.error(code); }

}  // namespace weft::inline v0_1::detail
