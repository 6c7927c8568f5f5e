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

Result<std::size_t> size_of(Result<int> size) noexcept {
  if (!size) return fail(size.error());
  return static_cast<std::size_t>(*size);
}

Result<std::size_t> transferred(std::int64_t result) noexcept {
  if (result < 0) return fail(detail::code_of(result));
  return static_cast<std::size_t>(result);
}

}  // namespace

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

SocketUser::operator bool() const noexcept {
  return socket_ != nullptr && !socket_->is_closed(socket_.get_deleter().directions);
}
const Endpoint& SocketUser::peer_endpoint() const noexcept { return socket_of(socket_.get()).name; }
NativeHandle SocketUser::native_handle() const noexcept {
  const Socket& socket = socket_of(socket_.get());
  return *this ? socket.handle() : invalid_handle;
}
Source* SocketUser::source() const noexcept { return &socket_of(socket_.get()); }

void SocketUser::close() noexcept {
  if (socket_ != nullptr) socket_->close(socket_.get_deleter().directions);
}

Result<Endpoint> SocketUser::local_endpoint() const {
  return with_handle(socket_.get(), &local_endpoint_of);
}

Result<std::size_t> SocketUser::write_now(std::span<const std::byte> data) noexcept {
  return with_handle(socket_.get(), [data](NativeHandle handle) {
    return transferred(Syscalls::send(handle, data.data(), data.size()));
  });
}

Result<std::size_t> SocketUser::read_now(std::span<std::byte> buffer) noexcept {
  return with_handle(socket_.get(), [buffer](NativeHandle handle) {
    return transferred(Syscalls::recv(handle, buffer.data(), buffer.size()));
  });
}

Result<void> SocketUser::shutdown(Shutdown how) noexcept {
  const int system_how = how == Shutdown::read    ? SHUT_RD
                         : how == Shutdown::write ? SHUT_WR
                                                  : SHUT_RDWR;
  return with_handle(socket_.get(), [system_how](NativeHandle handle) {
    return checked(Syscalls::shutdown(handle, system_how));
  });
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

StreamSocket::Halves StreamSocket::split() && noexcept {
  detail::socket_of(socket_.get()).add_owner();
  WriteHalf writer(detail::SocketOwner(socket_.get(), detail::SocketCloser{interest::writable}));
  ReadHalf reader(detail::SocketOwner(socket_.release(), detail::SocketCloser{interest::readable}));
  return Halves(std::move(reader), std::move(writer));
}

Result<void> StreamSocket::set_no_delay(bool on) noexcept {
  return set(IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}

Result<bool> StreamSocket::no_delay() const noexcept {
  const Result<int> value = get(IPPROTO_TCP, TCP_NODELAY);
  if (!value) return fail(value.error());
  return *value != 0;
}

Result<void> StreamSocket::set_keep_alive(std::optional<std::chrono::seconds> idle) noexcept {
  if (idle) {
    const int seconds = std::max(int_of(*idle), 1);
    constexpr int probes = 3;
    for (const auto& [name, value] :
         {std::pair(TCP_KEEPIDLE, seconds), {TCP_KEEPINTVL, seconds}, {TCP_KEEPCNT, probes}}) {
      const Result<void> done = set(IPPROTO_TCP, name, value);
      if (!done) return done;
    }
  }
  return set(SOL_SOCKET, SO_KEEPALIVE, idle ? 1 : 0);
}

Result<void> StreamSocket::set_receive_buffer(std::size_t size_bytes) noexcept {
  return set(SOL_SOCKET, SO_RCVBUF, int_of(size_bytes));
}
Result<void> StreamSocket::set_send_buffer(std::size_t size_bytes) noexcept {
  return set(SOL_SOCKET, SO_SNDBUF, int_of(size_bytes));
}
Result<std::size_t> StreamSocket::receive_buffer() const noexcept {
  return size_of(get(SOL_SOCKET, SO_RCVBUF));
}
Result<std::size_t> StreamSocket::send_buffer() const noexcept {
  return size_of(get(SOL_SOCKET, SO_SNDBUF));
}

Result<void> StreamSocket::set_linger(std::optional<std::chrono::seconds> limit) noexcept {
  linger value{};
  value.l_onoff = limit ? 1 : 0;
  value.l_linger = limit ? int_of(*limit) : 0;
  return detail::with_handle(socket_.get(), [&value](NativeHandle handle) {
    return detail::checked(
        detail::Syscalls::setsockopt(handle, SOL_SOCKET, SO_LINGER, &value, sizeof value));
  });
}

Result<void> StreamSocket::set(int level, int name, int value) noexcept {
  return detail::with_handle(socket_.get(), [=](NativeHandle handle) {
    return detail::set_option(handle, level, name, value);
  });
}

Result<int> StreamSocket::get(int level, int name) const noexcept {
  return detail::with_handle(
      socket_.get(), [=](NativeHandle handle) { return detail::get_option(handle, level, name); });
}

Pollable::Pollable(NativeHandle handle) : source_(new Source(handle, Source::Handle::borrowed)) {}

Task<void> wait_readable(NativeHandle handle) {
  Source source(handle, Source::Handle::borrowed);  // outlives the wait: it is in its frame
  co_await IoOp<detail::ReadyRequest>(detail::ReadyRequest(&source, interest::readable));
}

Task<void> wait_writable(NativeHandle handle) {
  Source source(handle, Source::Handle::borrowed);
  co_await IoOp<detail::ReadyRequest>(detail::ReadyRequest(&source, interest::writable));
}

}  // namespace weft::inline v0_1
