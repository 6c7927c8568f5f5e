// The operations of Unix sockets that others do not have, as requests (see IoRequest in
// <weft/extend/io.hpp>): connecting by path, accepting, and messages that pass handles. Users get
// them from the sockets in <weft/unix.hpp>.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <weft/detail/message_request.hpp>
#include <weft/endpoint.hpp>
#include <weft/native_handle.hpp>
#include <weft/net.hpp>
#include <weft/owned_handle.hpp>
#include <weft/result.hpp>

namespace weft::inline v0_1 {

/// The process at the other end of a Unix socket.
struct PeerCredentials {
  std::int64_t process = 0;  ///< 0: in a namespace that cannot be seen from here
  std::uint32_t user = 0;
  std::uint32_t group = 0;
};

/// A message of a Unix socket that was received with what came along.
struct UnixMessage {
  UnixMessage() noexcept {}

  std::span<std::byte> data;         ///< what arrived: the front of the caller's buffer
  std::size_t full_size = 0;         ///< bytes that were sent; of a stream data.size()
  Endpoint sender;                   ///< of a datagram; empty for a sender without a name
  std::vector<OwnedHandle> handles;  ///< close-on-exec
  bool handles_lost = false;  ///< more were passed than there was room for, here or in the process
  std::optional<PeerCredentials> credentials;  ///< if asked for: set_pass_credentials()

  /// Returns whether bytes were lost, because the buffer was too small.
  [[nodiscard]] bool truncated() const noexcept { return full_size > data.size(); }
};

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

/// The system's limit for one message (SCM_MAX_FD).
inline constexpr std::size_t most_handles = 253;
/// Room for so many, and for credentials (asserted where it is used).
inline constexpr std::size_t handles_control_size = 1072;

/// A connected Unix socket by its path. The part that needs no template.
struct UnixConnect {
  /// `is_stream`: otherwise a sequence of packets. Throws std::bad_alloc.
  UnixConnect(std::string_view path, bool is_stream);
  UnixConnect(Endpoint where, bool is_stream) noexcept : to(std::move(where)), stream(is_stream) {}
  void prepare(Operation& op) noexcept;
  Result<SocketOwner> connected(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Endpoint to;
  std::string bad_path;  // what is no path, for the error
  bool stream;
  SocketOwner socket;
  std::error_code failure;  // of the steps before the system's connect
  alignas(8) AddressRoom address{};
};

template <class S>
struct UnixConnectRequest : UnixConnect {
  using value_type = S;
  using UnixConnect::UnixConnect;
  Result<S> finish(std::int64_t result) noexcept {
    Result<SocketOwner> owner = connected(result);
    if (!owner) return fail(owner.error());
    return S(std::move(*owner));
  }
};

/// accept, with the type of the connections of a Unix listener.
template <class S>
struct UnixAcceptRequest {
  using value_type = S;
  explicit UnixAcceptRequest(AcceptRequest of) noexcept : accept(std::move(of)) {}
  void prepare(Operation& op) noexcept { accept.prepare(op); }
  static bool again(UnixAcceptRequest& self, Operation& op) noexcept {
    return AcceptRequest::again(self.accept, op);
  }
  Result<S> finish(std::int64_t result) {
    Result<StreamSocket> stream = accept.finish(result);
    if (!stream) return fail(stream.error());
    return S(OptionAccess::take(std::move(*stream)));
  }
  [[nodiscard]] IoError error(std::error_code code) const { return accept.error(code); }

  AcceptRequest accept;
};

/// receive_message.
struct ReceiveHandlesRequest {
  using value_type = UnixMessage;
  ReceiveHandlesRequest(Socket* on, std::span<std::byte> to, std::size_t most,
                        bool of_stream) noexcept
      : socket(on), buffer(to), most_wanted(most), stream(of_stream) {}
  ReceiveHandlesRequest(ReceiveHandlesRequest&&) noexcept = default;
  ReceiveHandlesRequest& operator=(ReceiveHandlesRequest&&) noexcept = default;
  /// Closes handles that were received and not delivered.
  ~ReceiveHandlesRequest();
  void* fill() noexcept;
  void prepare(Operation& op) noexcept;
  Result<UnixMessage> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  std::span<std::byte> buffer;
  std::size_t most_wanted;
  bool stream;                           // which has no full size
  const Operation* operation = nullptr;  // has received into the room if its result is no error
  MessageRoom<handles_control_size> room;
};

/// send_message: with handles.
struct SendHandlesRequest {
  using value_type = std::size_t;
  SendHandlesRequest(Socket* on, std::span<const std::byte> from,
                     std::span<const NativeHandle> passed, Endpoint where, bool of_stream) noexcept
      : socket(on), data(from), handles(passed), to(std::move(where)), stream(of_stream) {}
  /// Null, and a failure, if there are too many handles or too few bytes.
  void* fill() noexcept;
  void prepare(Operation& op) noexcept;
  Result<std::size_t> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  std::span<const std::byte> data;
  std::span<const NativeHandle> handles;
  Endpoint to;
  bool stream;
  std::error_code failure;
  MessageRoom<handles_control_size> room;
};

[[nodiscard]] Result<UnixMessage> receive_handles_now(ReceiveHandlesRequest request) noexcept;
[[nodiscard]] Result<std::size_t> send_handles_now(SendHandlesRequest request) noexcept;

}  // namespace weft::inline v0_1::detail
