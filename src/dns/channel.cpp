#include "dns/channel.hpp"

#include <ares.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include <weft/event_queue.hpp>
#include <weft/timeout.hpp>

#include "net/native_address.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::dns {
namespace {

using detail::Syscalls;

constexpr int query_class = 1;
constexpr int day_ms = 24 * 60 * 60 * 1000;

/// ares_library_init() is not thread-safe.
void init_library() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  if (status == ARES_ENOMEM) throw std::bad_alloc();
  if (status != ARES_SUCCESS) throw std::runtime_error(ares_strerror(status));
}

/// For c-ares: -1 and errno in place of -errno.
std::int64_t with_errno(std::int64_t result) noexcept {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

/// Called by c-ares when a query ends. One that was cancelled has no reply: it may be gone.
void on_end(void* argument, int status, int /*timeouts*/, unsigned char* message, int size) {
  if (status == ARES_ECANCELLED || status == ARES_EDESTRUCTION) return;
  // SAFETY: Channel::ask() passes a Reply, which outlives the query.
  Reply& reply = *static_cast<Reply*>(argument);
  reply.has_ended = true;
  reply.status = status;
  try {
    reply.message.clear();
    if (message != nullptr && size > 0) reply.message.assign(message, message + size);
  } catch (const std::bad_alloc&) {
    reply.status = ARES_ENOMEM;
  }
}

}  // namespace

/// What c-ares calls for its sockets. User data: the Channel.
struct SocketFunctions {
  static Channel& channel_of(void* data) noexcept { return *static_cast<Channel*>(data); }

  static ares_socket_t open(int domain, int type, int protocol, void* data) noexcept {
    Channel& channel = channel_of(data);
    const std::int64_t handle = Syscalls::socket(domain, type | SOCK_NONBLOCK, protocol);
    if (handle < 0) {
      channel.socket_error_ = os_error(static_cast<int>(-handle));
      return static_cast<ares_socket_t>(with_errno(handle));
    }
    const int socket = static_cast<int>(handle);
    if (type == SOCK_STREAM) {
      const int on = 1;  // a query must not wait; without the option it is only slower
      static_cast<void>(Syscalls::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    }
    try {
      channel.sockets_.push_back(std::make_unique<Channel::Socket>(socket));
      return socket;
    } catch (const std::bad_alloc&) {
      static_cast<void>(Syscalls::close(socket));
      channel.socket_error_ = std::make_error_code(std::errc::not_enough_memory);
      errno = ENOMEM;
      return -1;
    }
  }

  static int close(ares_socket_t socket, void* data) noexcept {
    // The Pollable goes before its handle.
    std::erase_if(channel_of(data).sockets_,
                  [socket](const auto& each) { return each->handle == socket; });
    return static_cast<int>(with_errno(Syscalls::close(socket)));
  }

  static int connect(ares_socket_t socket, const sockaddr* address, ares_socklen_t size,
                     void* data) noexcept {
    if (address->sa_family != AF_INET6 || size < sizeof(sockaddr_in6)) {
      return static_cast<int>(with_errno(Syscalls::connect(socket, address, size)));
    }
    sockaddr_in6 with_scope{};
    std::memcpy(&with_scope, address, sizeof with_scope);
    for (const Endpoint& server : channel_of(data).servers_) {
      const bool is_it = server.is_ipv6() && server.port() == ntohs(with_scope.sin6_port) &&
                         std::memcmp(&with_scope.sin6_addr, server.ip_bytes().data(), 16) == 0;
      if (is_it) with_scope.sin6_scope_id = server.scope();
    }
    return static_cast<int>(with_errno(Syscalls::connect(
        socket, reinterpret_cast<const sockaddr*>(&with_scope), sizeof with_scope)));
  }

  static ares_ssize_t receive(ares_socket_t socket, void* buffer, size_t size, int /*flags*/,
                              sockaddr* from, ares_socklen_t* from_size, void* /*data*/) noexcept {
    iovec slice{buffer, size};
    msghdr message{};
    message.msg_iov = &slice;
    message.msg_iovlen = 1;
    message.msg_name = from;
    message.msg_namelen = from_size != nullptr ? *from_size : 0;
    const std::int64_t result = Syscalls::recvmsg(socket, &message);
    if (from_size != nullptr) *from_size = message.msg_namelen;
    return static_cast<ares_ssize_t>(with_errno(result));
  }

  static ares_ssize_t send(ares_socket_t socket, const iovec* slices, int count,
                           void* /*data*/) noexcept {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(slices);  // sendmsg(2) does not write to it
    message.msg_iovlen = static_cast<std::size_t>(count);
    std::int64_t result = Syscalls::sendmsg(socket, &message);
    // The error of an earlier query, whose reply would be waited for in vain if this took it away.
    if (result == -ECONNREFUSED) result = Syscalls::sendmsg(socket, &message);
    return static_cast<ares_ssize_t>(with_errno(result));
  }

  /// Called when c-ares waits for something else. (0, 0) comes before a close.
  static void on_interest(void* data, ares_socket_t socket, int reads, int writes) noexcept {
    Channel::Socket* const known = channel_of(data).find(socket);
    if (known == nullptr) return;
    known->reads = reads != 0;
    known->writes = writes != 0;
  }
};

Channel::Channel(bool tcp) {
  static const ares_socket_functions functions{&SocketFunctions::open, &SocketFunctions::close,
                                               &SocketFunctions::connect, &SocketFunctions::receive,
                                               &SocketFunctions::send};
  init_library();
  std::string lookups = "b";  // what is set here, c-ares does not look for in files
  ares_options options{};
  // c-ares would try the next server by itself, and then not say what this one has answered.
  options.flags = ARES_FLAG_NOCHECKRESP | (tcp ? ARES_FLAG_USEVC : 0);
  options.timeout = day_ms;
  options.tries = 1;
  options.ndots = 1;
  options.lookups = lookups.data();
  options.sock_state_cb = &SocketFunctions::on_interest;
  options.sock_state_cb_data = this;
  constexpr int set = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                      ARES_OPT_LOOKUPS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST |
                      ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;
  const int status = ares_init_options(&channel_, &options, set);
  if (status == ARES_ENOMEM) throw std::bad_alloc();
  if (status != ARES_SUCCESS) throw std::runtime_error(ares_strerror(status));
  ares_set_socket_functions(channel_, &functions, this);
}

Channel::~Channel() { ares_destroy(channel_); }

void Channel::use_servers(std::span<const Endpoint> servers, std::size_t first) {
  socket_error_ = std::error_code();
  std::vector<Endpoint> in_order;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    in_order.push_back(servers[(first + i) % servers.size()]);
  }
  if (in_order == servers_) return;
  std::vector<ares_addr_port_node> nodes(in_order.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Endpoint& server = in_order[i];
    nodes[i].next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    nodes[i].family = server.is_ipv4() ? AF_INET : AF_INET6;
    std::memcpy(&nodes[i].addr, server.ip_bytes().data(), server.is_ipv4() ? 4 : 16);
    nodes[i].udp_port = nodes[i].tcp_port = server.port();
  }
  // What else it refuses is a channel with queries.
  if (ares_set_servers_ports(channel_, nodes.data()) != ARES_SUCCESS) throw std::bad_alloc();
  servers_ = std::move(in_order);
}

void Channel::ask(const std::string& name, Reply& reply) noexcept {
  ares_query(channel_, name.c_str(), query_class, static_cast<int>(reply.type), &on_end, &reply);
}

void Channel::cancel() noexcept { ares_cancel(channel_); }

Channel::Socket* Channel::find(int handle) noexcept {
  const auto found =
      std::ranges::find_if(sockets_, [handle](const auto& each) { return each->handle == handle; });
  return found != sockets_.end() ? found->get() : nullptr;
}

void Channel::process(int readable, int writable) noexcept {
  ares_process_fd(channel_, readable, writable);
}

Task<bool> Channel::serve(TimePoint deadline) {
  const bool is_simple = sockets_.size() == 1 && !sockets_.front()->writes;
  if (is_simple) {
    const bool served = co_await serve_one(*sockets_.front(), deadline);
    co_return served;
  }
  const bool served = co_await serve_several(deadline);
  co_return served;
}

/// The usual case: one server, and datagrams.
Task<bool> Channel::serve_one(Socket& socket, TimePoint deadline) {
  if (socket.pollable == nullptr) socket.pollable = std::make_unique<Pollable>(socket.handle);
  IoResult<void> ready = co_await timeout_at(socket.pollable->readable(), deadline).attempt();
  if (!ready) {
    if (ready.error() == std::errc::timed_out) co_return false;
    throw IoError(ready.error().code(), "wait", "name server");
  }
  process(socket.handle, ARES_SOCKET_BAD);
  co_return true;
}

Task<bool> Channel::serve_several(TimePoint deadline) {
  Result<EventQueue> queue = EventQueue::create();
  if (!queue) throw IoError(queue.error(), "wait", "name servers");
  for (const auto& socket : sockets_) {
    const Interest interest =
        socket->writes ? (socket->reads ? Interest::both : Interest::writable) : Interest::readable;
    const Result<void> added = queue->add(socket->handle, 0, interest);
    if (!added) throw IoError(added.error(), "wait", "name servers");
  }
  std::array<Event, 2 * 16> room;
  const Events events = co_await wait_for_events(*queue, room, deadline);
  if (events.empty()) co_return now() < deadline;
  // Serving one may close others, whose numbers may be used again: by the next query, to which an
  // event too many does no harm.
  for (const Event& event : events) {
    process(event.readable ? event.handle : ARES_SOCKET_BAD,
            event.writable ? event.handle : ARES_SOCKET_BAD);
  }
  co_return true;
}

}  // namespace weft::inline v0_1::dns
