// The operations of stream sockets, as requests (see IoRequest in <weft/extend/io.hpp>). Users get
// them from StreamSocket and SocketListener in <weft/net.hpp> and need not name them.
//
// A request points to its socket, which an operation keeps from its start to its end, and to the
// user's buffer, which must outlive the operation.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ranges>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>
#include <weft/bytes.hpp>
#include <weft/endpoint.hpp>
#include <weft/extend/io.hpp>
#include <weft/extend/operation.hpp>
#include <weft/result.hpp>
#include <weft/socket.hpp>

namespace weft::inline v0_1 {
class StreamSocket;
}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

/// A socket and the address that names it in errors: a Source with one owner, or two halves.
/// Defined in src/net/socket.hpp.
struct Socket;

/// Ends one owner of a socket, and of the directions that the owner closes.
struct SocketCloser {
  void operator()(Socket* socket) const noexcept;
  std::uint32_t directions = interest::both;  ///< Which close() closes.
  bool is_borrower = false;                   ///< Whether its end closes nothing.
};
using SocketOwner = std::unique_ptr<Socket, SocketCloser>;

/// read: what is there, at most the buffer's size.
struct ReadRequest {
  using value_type = std::size_t;
  ReadRequest(Socket* on, std::span<std::byte> to) noexcept : socket(on), buffer(to) {}
  void prepare(Operation& op) noexcept;
  Result<std::size_t> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  std::span<std::byte> buffer;
};

/// peek: what read would give, which stays there.
struct PeekRequest {
  using value_type = std::size_t;
  PeekRequest(Socket* on, std::span<std::byte> to) noexcept : socket(on), buffer(to) {}
  void prepare(Operation& op) noexcept;
  Result<std::size_t> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  std::span<std::byte> buffer;
};

/// read_exact: reads until the buffer is full.
struct ReadExactRequest {
  using value_type = void;
  ReadExactRequest(Socket* on, std::span<std::byte> to) noexcept : socket(on), rest(to) {}
  void prepare(Operation& op) noexcept;
  static bool again(ReadExactRequest& self, Operation& op) noexcept;
  Result<void> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  std::span<std::byte> rest;
};

/// write: as much as the system accepts.
struct WriteRequest {
  using value_type = std::size_t;
  WriteRequest(Socket* on, std::span<const std::byte> from) noexcept : socket(on), buffer(from) {}
  void prepare(Operation& op) noexcept;
  Result<std::size_t> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  std::span<const std::byte> buffer;
};

/// write_all: writes until everything is accepted.
struct WriteAllRequest {
  using value_type = void;
  WriteAllRequest(Socket* on, std::span<const std::byte> from) noexcept : socket(on), rest(from) {}
  void prepare(Operation& op) noexcept;
  static bool again(WriteAllRequest& self, Operation& op) noexcept;
  Result<void> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  std::span<const std::byte> rest;
};

/// read_vectored and write_vectored.
struct VectoredRequest {
  using value_type = std::size_t;
  VectoredRequest(Socket* on, OperationKind what, std::span<const IoSlice> in) noexcept
      : socket(on), kind(what), slices(in) {}
  void prepare(Operation& op) noexcept;
  Result<std::size_t> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  OperationKind kind;  // readv or writev
  std::span<const IoSlice> slices;
};

/// write or write_all of a temporary, which moves into the operation.
template <class R, OwningTemporary B>
struct OwningRequest {
  using value_type = typename R::value_type;
  OwningRequest(Socket* on, B&& from) : request(on, {}), data(std::move(from)) {}
  void prepare(Operation& op) noexcept {
    request = R(request.socket, bytes_in(data));  // only now is the data in place
    request.prepare(op);
  }
  static bool again(OwningRequest& self, Operation& op) noexcept
    requires requires(R& r) { R::again(r, op); }
  {
    return R::again(self.request, op);
  }
  Result<value_type> finish(std::int64_t result) noexcept { return request.finish(result); }
  [[nodiscard]] IoError error(std::error_code code) const { return request.error(code); }

  R request;
  B data;
};

/// write_all_vectored: consumes the slices.
struct WriteAllVectoredRequest {
  using value_type = void;
  WriteAllVectoredRequest(Socket* on, std::span<IoSlice> from) noexcept : socket(on), rest(from) {}
  void prepare(Operation& op) noexcept;
  static bool again(WriteAllVectoredRequest& self, Operation& op) noexcept;
  Result<void> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* socket;
  std::span<IoSlice> rest;
};

/// readable and writable.
struct ReadyRequest {
  using value_type = void;
  ReadyRequest(Source* on, std::uint32_t wanted) noexcept : source(on), interests(wanted) {}
  void prepare(Operation& op) noexcept;
  Result<void> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  Source* source;
  std::uint32_t interests;
};

/// Room for any socket address of the system (asserted where it is used).
using AddressRoom = std::array<std::byte, 128>;

/// accept.
struct AcceptRequest {
  using value_type = StreamSocket;
  explicit AcceptRequest(Socket* on) noexcept : listener(on) {}
  void prepare(Operation& op) noexcept;
  static bool again(AcceptRequest& self, Operation& op) noexcept;
  Result<StreamSocket> finish(std::int64_t result);
  [[nodiscard]] IoError error(std::error_code code) const;

  Socket* listener;
  const Operation* operation = nullptr;  // holds the length of the peer's address
  std::uint32_t passed_over = 0;         // connections that failed before they were accepted
  alignas(8) AddressRoom peer{};
};

/// connect.
struct ConnectRequest {
  using value_type = StreamSocket;
  ConnectRequest(Endpoint where, ConnectOptions how) noexcept
      : to(std::move(where)), options(std::move(how)) {}
  void prepare(Operation& op) noexcept;
  Result<StreamSocket> finish(std::int64_t result);
  [[nodiscard]] IoError error(std::error_code code) const;

  Endpoint to;
  ConnectOptions options;
  SocketOwner socket;
  std::error_code failure;  // of the steps before the system's connect
  alignas(8) AddressRoom address{};
};

}  // namespace weft::inline v0_1::detail
