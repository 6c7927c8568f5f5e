#include "net/native_address.hpp"

#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

namespace weft::inline v0_1::detail {
namespace {

static_assert(Endpoint::longest_path + 1 == sizeof(sockaddr_un::sun_path));
static_assert(Endpoint::longest_abstract == sizeof(sockaddr_un::sun_path));

socklen_t fill_ipv4(sockaddr_storage& storage, const Endpoint& endpoint) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port());
  std::memcpy(&address.sin_addr, endpoint.ip_bytes().data(), sizeof address.sin_addr);
  std::memcpy(&storage, &address, sizeof address);
  return sizeof address;
}

socklen_t fill_ipv6(sockaddr_storage& storage, const Endpoint& endpoint) noexcept {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(endpoint.port());
  address.sin6_scope_id = endpoint.scope();
  std::memcpy(&address.sin6_addr, endpoint.ip_bytes().data(), sizeof address.sin6_addr);
  std::memcpy(&storage, &address, sizeof address);
  return sizeof address;
}

socklen_t fill_unix(sockaddr_storage& storage, std::string_view path) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path);
  const bool abstract = path.starts_with('@');
  if (abstract) address.sun_path[0] = '\0';
  std::memcpy(&storage, &address, sizeof address);
  // The size of a path includes its terminating zero; an abstract name has none.
  const std::size_t name = path.empty() || abstract ? path.size() : path.size() + 1;
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name);
}

Endpoint unix_from_native(const sockaddr_un& address, std::size_t size) {
  const std::size_t room =
      std::min(size - offsetof(sockaddr_un, sun_path), sizeof address.sun_path);
  std::string path(address.sun_path, room);
  if (path.starts_with('\0')) {
    path[0] = '@';
  } else {
    path.resize(std::min(path.find('\0'), path.size()));
  }
  // A path of another program may fill the room, without a terminating zero. It is shown as
  // unnamed.
  return Endpoint::unix_path(path.size() > Endpoint::longest_path && !path.starts_with('@')
                                 ? std::string_view()
                                 : std::string_view(path))
      .value();
}

}  // namespace

NativeAddress::NativeAddress(const Endpoint& endpoint) noexcept {
  if (endpoint.is_ipv4()) {
    size = fill_ipv4(storage, endpoint);
  } else if (endpoint.is_ipv6()) {
    size = fill_ipv6(storage, endpoint);
  } else if (endpoint.is_unix()) {
    size = fill_unix(storage, endpoint.path());
  }
}

Endpoint endpoint_from_native(const void* address, std::size_t size) {
  sa_family_t family{};
  if (size < sizeof family) return {};
  std::memcpy(&family, address, sizeof family);  // on Linux, the first member of sockaddr
  if (family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in ip{};
    std::memcpy(&ip, address, sizeof ip);
    Endpoint::Ipv4 bytes;
    std::memcpy(bytes.data(), &ip.sin_addr, bytes.size());
    return Endpoint::ipv4(bytes, ntohs(ip.sin_port));
  }
  if (family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 ip{};
    std::memcpy(&ip, address, sizeof ip);
    Endpoint::Ipv6 bytes;
    std::memcpy(bytes.data(), &ip.sin6_addr, bytes.size());
    return Endpoint::ipv6(bytes, ntohs(ip.sin6_port), ip.sin6_scope_id);
  }
  if (family == AF_UNIX && size >= offsetof(sockaddr_un, sun_path)) {
    sockaddr_un name{};
    std::memcpy(&name, address, std::min(size, sizeof name));
    return unix_from_native(name, size);
  }
  return {};
}

}  // namespace weft::inline v0_1::detail
