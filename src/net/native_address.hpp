// NativeAddress: an Endpoint as the system's sockaddr, and back. Used by the net operations.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <weft/endpoint.hpp>

namespace weft::inline v0_1::detail {

struct NativeAddress {
  NativeAddress() noexcept = default;
  /// Precondition: `endpoint` can be connected to or listened on. An empty one gives size 0.
  explicit NativeAddress(const Endpoint& endpoint) noexcept;

  [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  [[nodiscard]] int family() const noexcept { return storage.ss_family; }

  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// The Endpoint of the `size` bytes that the system wrote at `address`; empty for other families
/// and for invalid sizes. Throws std::bad_alloc (Unix paths only).
[[nodiscard]] Endpoint endpoint_from_native(const void* address, std::size_t size);

}  // namespace weft::inline v0_1::detail
