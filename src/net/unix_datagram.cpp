// UnixDatagram: opening, connecting, and sending to a receiver whose queue may be full.
#include <weft/unix.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <utility>
#include <weft/timeout.hpp>

#include "net/message.hpp"
#include "net/message_socket.hpp"
#include "net/socket.hpp"
#include "net/socket_file.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1 {

namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds first_retry_after = 1ms;
constexpr Nanoseconds last_retry_after = 32ms;

/// Whether the socket itself has room to send; a closed one counts as such.
bool has_room(detail::Socket* socket) noexcept {
  const Result<bool> room = detail::with_handle(socket, [](int handle) -> Result<bool> {
    const std::int64_t events = detail::Syscalls::poll_now(handle, POLLOUT);
    return events != 0;
  });
  return room.value_or(true);
}

/// Waits until the socket is closed or shut down, but no longer than `pause`.
Task<void> wait_briefly(detail::Socket* socket, Nanoseconds pause) {
  constexpr std::uint32_t errors_alone = 0;
  IoOp<detail::ReadyRequest, false> end =
      IoOp<detail::ReadyRequest>(detail::ReadyRequest(socket, errors_alone)).attempt();
  static_cast<void>(co_await timeout(std::move(end), pause));
}

}  // namespace

Result<UnixDatagram> UnixDatagram::open(const Endpoint& at, const UnixBindOptions& options) {
  Result<detail::BoundUnix> bound =
      detail::bind_unix(at, SOCK_DGRAM, options.remove_stale, options.mode);
  if (!bound) return fail(bound.error());
  Result<detail::SocketOwner> socket = detail::named_socket(std::move(bound->handle));
  if (!socket) return fail(socket.error());
  if (!options.remove_at_end) bound->leave_file();
  return UnixDatagram(std::move(*socket), detail::OwnedSocketFile(bound->file.release()));
}

UnixDatagram UnixDatagram::bind(std::string_view path, const UnixBindOptions& options) {
  const Result<Endpoint> at = Endpoint::unix_path(path);
  if (!at) throw IoError(at.error(), "bind", "unix:" + std::string(path));
  Result<UnixDatagram> socket = open(*at, options);
  if (!socket) throw IoError(socket.error(), "bind", at->to_string());
  return std::move(*socket);
}

Result<UnixDatagram> UnixDatagram::open_anywhere() {
  // An address without a name: the system chooses one (unix(7), autobind).
  return open(Endpoint::unix_path({}).value());
}

Result<UnixDatagram> UnixDatagram::unbound() {
  Result<detail::Fd> handle = detail::open_socket(AF_UNIX, SOCK_DGRAM);
  if (!handle) return fail(handle.error());
  Result<detail::SocketOwner> socket = detail::named_socket(std::move(*handle));
  if (!socket) return fail(socket.error());
  return UnixDatagram(std::move(*socket));
}

Result<UnixDatagram> UnixDatagram::adopt(NativeHandle handle) noexcept {
  Result<detail::SocketOwner> socket = detail::adopt_socket(handle, {AF_UNIX}, SOCK_DGRAM);
  if (!socket) return fail(socket.error());
  return UnixDatagram(std::move(*socket));
}

Result<void> UnixDatagram::connect(const Endpoint& peer) noexcept {
  if (!peer.is_unix() || peer.path().empty()) return fail(std::errc::invalid_argument);
  const detail::NativeAddress address(peer);
  return detail::with_handle(socket_.get(), [&](int handle) {
    return detail::checked(detail::Syscalls::connect(handle, address.get(), address.size));
  });
}

Result<void> UnixDatagram::connect(std::string_view path) {
  const Result<Endpoint> peer = Endpoint::unix_path(path);
  if (!peer) return fail(peer.error());
  return connect(*peer);
}

Result<void> UnixDatagram::try_send_to(std::span<const std::byte> data, Endpoint to) noexcept {
  return detail::send_now(
      detail::SendMessageRequest(socket_.get(), data, std::move(to), SendDetails()));
}
Result<void> UnixDatagram::try_send_to(std::string_view text, Endpoint to) noexcept {
  return try_send_to(bytes_of(text), std::move(to));
}

// A sender that is not connected to the receiver gets EAGAIN if the receiver's queue is full, while
// poll(2) says that the sender may write: the system notes no wish to be woken. An event of the
// sender's own comes only when one of its own datagrams is received.
Task<void> UnixDatagram::send_to(std::span<const std::byte> data, Endpoint to) {
  detail::Socket* const socket = socket_.get();
  // Its use keeps the socket, should this object go during the wait.
  struct Use {
    explicit Use(detail::Socket& on) noexcept : source(on) {
      static_cast<void>(source.begin_use(0));
    }
    ~Use() { source.end_use(); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    Source& source;
  };
  const Use use(detail::socket_of(socket));
  for (Nanoseconds pause = first_retry_after;; pause = std::min(pause * 2, last_retry_after)) {
    const Result<void> sent =
        detail::send_now(detail::SendMessageRequest(socket, data, to, SendDetails()));
    if (sent) co_return;
    if (sent.error() != std::errc::operation_would_block) {
      throw IoError(sent.error(), "send", to.to_string());
    }
    if (has_room(socket)) {
      co_await wait_briefly(socket, pause);
    } else {
      IoOp<detail::ReadyRequest, false> room =
          IoOp<detail::ReadyRequest>(detail::ReadyRequest(socket, interest::writable)).attempt();
      static_cast<void>(co_await std::move(room));
    }
  }
}

Task<void> UnixDatagram::send_to(std::string_view text, Endpoint to) {
  return send_to(bytes_of(text), std::move(to));
}

void UnixDatagram::close() noexcept {
  if (file_ != nullptr) file_->remove();
  MessageUser::close();
}

}  // namespace weft::inline v0_1
