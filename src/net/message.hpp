// The system's messages: control data to send and as received, and what the requests of message
// sockets have in common. Used by the operations of UDP and Unix sockets.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <weft/datagram.hpp>
#include <weft/detail/message_request.hpp>

#include "net/native_address.hpp"
#include "net/socket.hpp"

namespace weft::inline v0_1::detail {

/// Appends control messages to a room.
class ControlWriter {
 public:
  explicit ControlWriter(std::span<std::byte> room) noexcept : room_(room) {}
  /// Precondition: it fits.
  void add(int level, int type, const void* data, std::size_t size) noexcept;
  template <class T>
  void add(int level, int type, const T& value) noexcept {
    add(level, type, &value, sizeof value);
  }
  [[nodiscard]] std::size_t size() const noexcept { return used_; }

 private:
  std::span<std::byte> room_;
  std::size_t used_ = 0;
};

/// Calls `each(level, type, data, size)` for every control message of a received message.
template <class Each>
void for_each_control(const msghdr& header, Each each) {
  auto* const whole = const_cast<msghdr*>(&header);  // the macros want it; nothing is written
  for (cmsghdr* one = CMSG_FIRSTHDR(whole); one != nullptr; one = CMSG_NXTHDR(whole, one)) {
    const auto* const data = reinterpret_cast<const std::byte*>(CMSG_DATA(one));
    each(one->cmsg_level, one->cmsg_type, data, one->cmsg_len - CMSG_LEN(0));
  }
}

/// The address at which `on` reaches `to`: a socket of IPv6 reaches IPv4 by mapped addresses.
[[nodiscard]] NativeAddress address_for(const Socket& on, const Endpoint& to) noexcept;

/// Writes what `details` ask for, on a socket of that family, and the size of segments if not 0.
void write_details(ControlWriter& control, const Socket& on, const SendDetails& details,
                   std::uint16_t segment_size) noexcept;

/// Fills `into` with what was received into `buffer`: `size` is the message's full size. Throws
/// std::bad_alloc (the name of a Unix sender).
void read_message(const msghdr& header, std::span<std::byte> buffer, std::size_t size,
                  ReceivedDatagram& into);

/// The msghdr of a room, which begins to live here.
template <std::size_t ControlSize>
[[nodiscard]] msghdr& new_header(MessageRoom<ControlSize>& room) noexcept {
  static_assert(sizeof(msghdr) <= sizeof room.header && alignof(msghdr) <= 8);
  return *::new (static_cast<void*>(room.header.data())) msghdr{};
}
template <std::size_t ControlSize>
[[nodiscard]] msghdr& header_of(MessageRoom<ControlSize>& room) noexcept {
  // SAFETY: for rooms in which new_header() has made one.
  return *std::launder(reinterpret_cast<msghdr*>(room.header.data()));
}
/// Lets the message of `room` have this one piece of memory. It is only read when it is sent.
template <std::size_t ControlSize>
void set_slice(msghdr& header, MessageRoom<ControlSize>& room,
               std::span<const std::byte> bytes) noexcept {
  static_assert(sizeof(IoSlice) == sizeof(iovec));
  room.slice = IoSlice{const_cast<std::byte*>(bytes.data()), bytes.size()};
  header.msg_iov = reinterpret_cast<iovec*>(&room.slice);  // SAFETY: the layouts are the same
  header.msg_iovlen = 1;
}
/// Lets the message go to that address; to the connected peer if it is empty.
template <std::size_t ControlSize>
void set_address(msghdr& header, MessageRoom<ControlSize>& room,
                 const NativeAddress& address) noexcept {
  if (address.size == 0) return;
  std::memcpy(room.address.data(), &address.storage, sizeof address.storage);
  header.msg_name = room.address.data();
  header.msg_namelen = address.size;
}
/// Lets a message be received with its address, and with that many bytes of control data.
template <std::size_t ControlSize>
void set_receive_room(msghdr& header, MessageRoom<ControlSize>& room,
                      std::size_t control_size) noexcept {
  header.msg_name = room.address.data();
  header.msg_namelen = sizeof room.address;
  header.msg_control = room.control.data();
  header.msg_controllen = control_size;
}

/// What an error of a message socket names: the destination, or else the peer that it is connected
/// to, or else its own address.
[[nodiscard]] std::string subject_of_message_socket(const Socket* socket, const Endpoint& to = {});

/// Asks the system for the address of the connected peer.
[[nodiscard]] Result<Endpoint> peer_endpoint_of(int handle);

/// Lets `op` end at once: for a request that has failed in prepare(), which cannot fail itself.
void end_at_once(Operation& op) noexcept;

}  // namespace weft::inline v0_1::detail
