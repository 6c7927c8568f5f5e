// StreamSocket and its halves: the functions that do not wait. The operations are in
// stream_request.cpp and connect.cpp.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <limits>
#include <weft/net.hpp>

#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1 {
namespace {

int int_of(std::size_t size) noexcept {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}
int int_of(std::chrono::seconds span) noexcept {
  return static_cast<int>(std::clamp<std::int64_t>(span.count(), 0, 32767));  // the system's limit
}

Result<std::size_t> buffer_size(int handle, int name) noexcept {
  const Result<int> size = detail::get_option(handle, SOL_SOCKET, name);
  if (!size) return fail(size.error());
  return static_cast<std::size_t>(*size);
}

}  // namespace

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

const Endpoint& SocketUser::peer_endpoint() const noexcept {
  return open_socket(socket_.get()).name;
}
NativeHandle SocketUser::native_handle() const noexcept {
  return open_socket(socket_.get()).source.handle();
}
Source* SocketUser::source() const noexcept { return &open_socket(socket_.get()).source; }

Result<Endpoint> SocketUser::local_endpoint() const { return local_endpoint_of(native_handle()); }

Result<std::size_t> SocketUser::try_send(std::span<const std::byte> data) noexcept {
  const std::int64_t result = Syscalls::send(native_handle(), data.data(), data.size());
  if (result < 0) return fail(code_of(result));
  return static_cast<std::size_t>(result);
}

Result<std::size_t> SocketUser::read_now(std::span<std::byte> buffer) noexcept {
  const std::int64_t result = Syscalls::recv(native_handle(), buffer.data(), buffer.size());
  if (result < 0) return fail(code_of(result));
  return static_cast<std::size_t>(result);
}

Result<void> SocketUser::shutdown(Shutdown how) noexcept {
  const int system_how = how == Shutdown::read    ? SHUT_RD
                         : how == Shutdown::write ? SHUT_WR
                                                  : SHUT_RDWR;
  return checked(Syscalls::shutdown(native_handle(), system_how));
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

StreamSocket::Halves StreamSocket::split() && noexcept {
  ReadHalf reader(socket_);
  WriteHalf writer(std::move(socket_));
  return Halves(std::move(reader), std::move(writer));
}

Result<void> StreamSocket::set_no_delay(bool on) noexcept {
  return detail::set_option(native_handle(), IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}

Result<bool> StreamSocket::no_delay() const noexcept {
  const Result<int> value = detail::get_option(native_handle(), IPPROTO_TCP, TCP_NODELAY);
  if (!value) return fail(value.error());
  return *value != 0;
}

Result<void> StreamSocket::set_keep_alive(std::optional<std::chrono::seconds> idle) noexcept {
  const int handle = native_handle();
  if (idle) {
    const int seconds = std::max(int_of(*idle), 1);
    constexpr int probes = 3;
    for (const auto& [name, value] :
         {std::pair(TCP_KEEPIDLE, seconds), {TCP_KEEPINTVL, seconds}, {TCP_KEEPCNT, probes}}) {
      const Result<void> set = detail::set_option(handle, IPPROTO_TCP, name, value);
      if (!set) return set;
    }
  }
  return detail::set_option(handle, SOL_SOCKET, SO_KEEPALIVE, idle ? 1 : 0);
}

Result<void> StreamSocket::set_receive_buffer(std::size_t size_bytes) noexcept {
  return detail::set_option(native_handle(), SOL_SOCKET, SO_RCVBUF, int_of(size_bytes));
}
Result<void> StreamSocket::set_send_buffer(std::size_t size_bytes) noexcept {
  return detail::set_option(native_handle(), SOL_SOCKET, SO_SNDBUF, int_of(size_bytes));
}
Result<std::size_t> StreamSocket::receive_buffer() const noexcept {
  return buffer_size(native_handle(), SO_RCVBUF);
}
Result<std::size_t> StreamSocket::send_buffer() const noexcept {
  return buffer_size(native_handle(), SO_SNDBUF);
}

Result<void> StreamSocket::set_linger(std::optional<std::chrono::seconds> limit) noexcept {
  linger value{};
  value.l_onoff = limit ? 1 : 0;
  value.l_linger = limit ? int_of(*limit) : 0;
  return detail::checked(
      detail::Syscalls::setsockopt(native_handle(), SOL_SOCKET, SO_LINGER, &value, sizeof value));
}

Task<void> wait_readable(NativeHandle handle) {
  Pollable pollable(handle);
  co_await pollable.readable();
}

Task<void> wait_writable(NativeHandle handle) {
  Pollable pollable(handle);
  co_await pollable.writable();
}

}  // namespace weft::inline v0_1
