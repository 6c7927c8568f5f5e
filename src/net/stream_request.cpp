// The operations of an open stream: preparing, continuing after a partial transfer, results.
#include <weft/detail/net_request.hpp>

#include <algorithm>
#include <string>

#include "net/socket.hpp"

namespace weft::inline v0_1 {

namespace {

Result<std::size_t> count_of(std::int64_t result) noexcept {
  if (result < 0) return fail(detail::code_of(result));
  return static_cast<std::size_t>(result);
}

IoError error_of(const detail::Socket* socket, std::error_code code, const char* operation) {
  return IoError(code, operation, socket->subject());
}

/// Removes the transferred bytes from the front of `rest`. True: bytes were transferred and bytes
/// are left.
template <class Byte>
bool advance(std::span<Byte>& rest, std::int64_t result) noexcept {
  if (result <= 0) return false;
  rest = rest.subspan(std::min(static_cast<std::size_t>(result), rest.size()));
  return !rest.empty();
}

/// The const_cast is safe: a write operation only reads its buffer.
std::byte* writable(const std::byte* data) noexcept { return const_cast<std::byte*>(data); }

void fill(Operation& op, OperationKind kind, detail::Socket* socket,
          std::span<const std::byte> bytes) noexcept {
  op.kind = kind;
  op.source = &detail::socket_of(socket);
  op.io.buffer = {writable(bytes.data()), bytes.size()};
}

/// Removes `done` bytes from the front of the slices.
void advance_slices(std::span<IoSlice>& rest, std::size_t done) noexcept {
  while (!rest.empty() && done >= rest.front().size) {
    done -= rest.front().size;
    rest = rest.subspan(1);
  }
  if (rest.empty()) return;
  rest.front().data += done;
  rest.front().size -= done;
}

}  // namespace

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

void ReadRequest::prepare(Operation& op) noexcept { fill(op, OperationKind::read, socket, buffer); }
Result<std::size_t> ReadRequest::finish(std::int64_t result) noexcept { return count_of(result); }
IoError ReadRequest::error(std::error_code code) const { return error_of(socket, code, "read"); }

void PeekRequest::prepare(Operation& op) noexcept { fill(op, OperationKind::peek, socket, buffer); }
Result<std::size_t> PeekRequest::finish(std::int64_t result) noexcept { return count_of(result); }
IoError PeekRequest::error(std::error_code code) const { return error_of(socket, code, "peek"); }

void ReadExactRequest::prepare(Operation& op) noexcept {
  fill(op, OperationKind::read, socket, rest);
}
bool ReadExactRequest::again(ReadExactRequest& self, Operation& op) noexcept {
  if (!advance(self.rest, op.result)) return false;
  self.prepare(op);
  return true;
}
Result<void> ReadExactRequest::finish(std::int64_t result) noexcept {
  if (result < 0) return fail(code_of(result));
  if (!rest.empty()) return fail(IoErrc::unexpected_end);
  return {};
}
IoError ReadExactRequest::error(std::error_code code) const {
  return error_of(socket, code, "read");
}

void WriteRequest::prepare(Operation& op) noexcept {
  fill(op, OperationKind::write, socket, buffer);
}
Result<std::size_t> WriteRequest::finish(std::int64_t result) noexcept { return count_of(result); }
IoError WriteRequest::error(std::error_code code) const { return error_of(socket, code, "write"); }

void WriteAllRequest::prepare(Operation& op) noexcept {
  fill(op, OperationKind::write, socket, rest);
}
bool WriteAllRequest::again(WriteAllRequest& self, Operation& op) noexcept {
  if (!advance(self.rest, op.result)) return false;
  self.prepare(op);
  return true;
}
Result<void> WriteAllRequest::finish(std::int64_t result) noexcept { return checked(result); }
IoError WriteAllRequest::error(std::error_code code) const {
  return error_of(socket, code, "write");
}

void VectoredRequest::prepare(Operation& op) noexcept {
  op.kind = kind;
  op.source = &socket_of(socket);
  op.io.slices = {slices.data(), slices.size()};
}
Result<std::size_t> VectoredRequest::finish(std::int64_t result) noexcept {
  return count_of(result);
}
IoError VectoredRequest::error(std::error_code code) const {
  return error_of(socket, code, kind == OperationKind::readv ? "read" : "write");
}

void WriteAllVectoredRequest::prepare(Operation& op) noexcept {
  op.kind = OperationKind::writev;
  op.source = &socket_of(socket);
  op.io.slices = {rest.data(), rest.size()};
}
bool WriteAllVectoredRequest::again(WriteAllVectoredRequest& self, Operation& op) noexcept {
  if (op.result < 0) return false;
  advance_slices(self.rest, static_cast<std::size_t>(op.result));
  if (self.rest.empty()) return false;
  self.prepare(op);
  return true;
}
Result<void> WriteAllVectoredRequest::finish(std::int64_t result) noexcept {
  return checked(result);
}
IoError WriteAllVectoredRequest::error(std::error_code code) const {
  return error_of(socket, code, "write");
}

void ReadyRequest::prepare(Operation& op) noexcept {
  op.kind = OperationKind::poll;
  op.source = source;
  op.io.interests = interests;
}
Result<void> ReadyRequest::finish(std::int64_t result) noexcept { return checked(result); }
IoError ReadyRequest::error(std::error_code code) const {
  return IoError(code, "wait", "handle " + std::to_string(source->handle()));
}

}  // namespace weft::inline v0_1::detail
