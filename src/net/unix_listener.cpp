// UnixListener and UnixSeqpacketListener.
#include <weft/unix.hpp>

#include <sys/socket.h>

#include <new>
#include <string>
#include <utility>

#include "net/message_socket.hpp"
#include "net/socket.hpp"
#include "net/socket_file.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1 {

namespace {

template <class L>
Result<L> listen_as(const Endpoint& at, int type, const UnixListenOptions& options) {
  Result<detail::BoundUnix> bound = detail::bind_unix(at, type, options.remove_stale, options.mode);
  if (!bound) return fail(bound.error());
  const Result<void> listens =
      detail::checked(detail::Syscalls::listen(bound->handle.get(), options.backlog));
  if (!listens) return fail(listens.error());
  Result<detail::SocketOwner> socket = detail::named_socket(std::move(bound->handle));
  if (!socket) return fail(socket.error());
  if (!options.remove_at_end) bound->leave_file();
  return L(SocketListener(std::move(*socket)), detail::OwnedSocketFile(bound->file.release()));
}

template <class L>
L bind_as(std::string_view path, const UnixListenOptions& options) {
  const Result<Endpoint> at = Endpoint::unix_path(path);
  if (!at) throw IoError(at.error(), "listen", "unix:" + std::string(path));
  Result<L> listener = L::listen(*at, options);
  if (!listener) throw IoError(listener.error(), "listen", at->to_string());
  return std::move(*listener);
}

}  // namespace

Result<UnixListener> UnixListener::listen(const Endpoint& at, const UnixListenOptions& options) {
  return listen_as<UnixListener>(at, SOCK_STREAM, options);
}
UnixListener UnixListener::bind(std::string_view path, const UnixListenOptions& options) {
  return bind_as<UnixListener>(path, options);
}
IoOp<detail::UnixAcceptRequest<UnixStream>> UnixListener::accept() noexcept {
  return IoOp<detail::UnixAcceptRequest<UnixStream>>(detail::UnixAcceptRequest<UnixStream>(
      detail::AcceptRequest(detail::OptionAccess::socket_of(listener_))));
}

Result<UnixSeqpacketListener> UnixSeqpacketListener::listen(const Endpoint& at,
                                                            const UnixListenOptions& options) {
  return listen_as<UnixSeqpacketListener>(at, SOCK_SEQPACKET, options);
}
UnixSeqpacketListener UnixSeqpacketListener::bind(std::string_view path,
                                                  const UnixListenOptions& options) {
  return bind_as<UnixSeqpacketListener>(path, options);
}
IoOp<detail::UnixAcceptRequest<UnixSeqpacket>> UnixSeqpacketListener::accept() noexcept {
  return IoOp<detail::UnixAcceptRequest<UnixSeqpacket>>(detail::UnixAcceptRequest<UnixSeqpacket>(
      detail::AcceptRequest(detail::OptionAccess::socket_of(listener_))));
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

void SocketFileEnd::operator()(SocketFile* file) const noexcept { delete file; }

void UnixListenerBase::close() noexcept {
  if (file_ != nullptr) file_->remove();
  listener_.close();
}

UnixListenerBase& UnixListenerBase::operator=(UnixListenerBase&& other) noexcept {
  if (this == &other) return *this;
  file_ = std::move(other.file_);
  listener_ = std::move(other.listener_);
  return *this;
}

}  // namespace weft::inline v0_1::detail
