// ReceiveBatch and SendBatch, and the operations that fill and send them.
#include "net/datagram_batch.hpp"

#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "net/message.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// Describes the datagrams that are left, at most as many as there are slots. Returns how many.
std::size_t describe(SendBatchState& batch, const Socket& on) noexcept {
  const std::size_t count = std::min(batch.left(), SendBatchState::at_once);
  for (std::size_t i = 0; i < count; ++i) {
    const SendBatchState::Entry& entry = batch.entries[batch.first + i];
    BatchSlot<send_control_size>& slot = batch.slots[i];
    msghdr& header = batch.headers[i].msg_hdr;
    header = msghdr{};
    set_slice(header, slot.room, entry.data);
    set_address(header, slot.room, address_for(on, entry.to));
    ControlWriter control(slot.room.control);
    write_details(control, on, entry.details, 0);
    if (control.size() == 0) continue;
    header.msg_control = slot.room.control.data();
    header.msg_controllen = control.size();
  }
  return count;
}

/// Gives all slots to the system again.
void describe(ReceiveBatchState& batch, const Socket& on, int flags) noexcept {
  const bool is_ip = !on.name.is_unix();
  batch.received = 0;
  for (std::size_t i = 0; i < batch.headers.size(); ++i) {
    BatchSlot<receive_control_size>& slot = batch.slots[i];
    msghdr& header = batch.headers[i].msg_hdr;
    header = msghdr{};
    set_slice(header, slot.room, slot.buffer);
    // Handles that a peer passes are not wanted: see ReceiveMessageRequest::fill().
    set_receive_room(header, slot.room, is_ip ? slot.room.control.size() : 0);
    header.msg_flags = flags;
  }
}

constexpr int receive_flags = MSG_TRUNC | MSG_CMSG_CLOEXEC;

}  // namespace

ReceiveBatchState::ReceiveBatchState(std::size_t count, std::size_t size_each)
    : memory(count * size_each), slots(count), headers(count), datagrams(count) {
  for (std::size_t i = 0; i < count; ++i) {
    slots[i].buffer = std::span(memory).subspan(i * size_each, size_each);
  }
}

void SendBatchState::drop(std::size_t count) noexcept {
  first += std::min(count, left());
  if (first < entries.size()) return;
  entries.clear();
  first = 0;
}

void ReceiveBatchRequest::prepare(Operation& op) noexcept {
  op.kind = OperationKind::receive_messages;
  op.source = &socket_of(socket);
  describe(*batch, *socket, receive_flags);
  op.io.messages = {batch->headers.data(), batch->headers.size()};
}

Result<std::size_t> ReceiveBatchRequest::finish(std::int64_t result) noexcept try {
  if (result < 0) return fail(code_of(result));
  const auto count = static_cast<std::size_t>(result);
  for (std::size_t i = 0; i < count; ++i) {
    const mmsghdr& message = batch->headers[i];
    read_message(message.msg_hdr, batch->slots[i].buffer, message.msg_len, batch->datagrams[i]);
  }
  batch->received = count;
  return count;
} catch (const std::bad_alloc&) {  // the name of a Unix sender
  return fail(std::errc::not_enough_memory);
}

IoError ReceiveBatchRequest::error(std::error_code code) const {
  return IoError(code, "receive", subject_of_message_socket(socket));
}

Result<std::size_t> receive_batch_now(ReceiveBatchRequest request) noexcept {
  ReceiveBatchState& batch = *request.batch;
  describe(batch, socket_of(request.socket), receive_flags);
  return with_handle(request.socket, [&](int handle) {
    return request.finish(Syscalls::recvmmsg(handle, batch.headers.data(), batch.headers.size(),
                                             receive_flags | MSG_DONTWAIT));
  });
}

void SendBatchRequest::prepare(Operation& op) noexcept {
  const Socket& on = socket_of(socket);
  const std::size_t count = describe(*batch, on);
  if (count == 0) return end_at_once(op);
  op.kind = OperationKind::send_messages;
  op.source = socket;
  op.io.messages = {batch->headers.data(), count};
}

bool SendBatchRequest::again(SendBatchRequest& self, Operation& op) noexcept {
  if (op.kind == OperationKind::timer || op.result < 0) return false;
  const auto count = static_cast<std::size_t>(op.result);
  self.sent += count;
  self.batch->drop(count);
  if (self.batch->left() == 0) return false;
  self.prepare(op);
  return true;
}

Result<std::size_t> SendBatchRequest::finish(std::int64_t result) noexcept {
  if (result < 0 && sent == 0) return fail(code_of(result));
  return sent;
}

IoError SendBatchRequest::error(std::error_code code) const {
  const bool any = batch->left() != 0;
  return IoError(code, "send",
                 any ? subject_of_message_socket(socket, batch->entries[batch->first].to)
                     : subject_of_message_socket(socket));
}

Result<std::size_t> send_batch_now(SendBatchRequest request) noexcept {
  SendBatchState& batch = *request.batch;
  return with_handle(request.socket, [&](int handle) -> Result<std::size_t> {
    while (const std::size_t count = describe(batch, *request.socket)) {
      const std::int64_t result = Syscalls::sendmmsg(handle, batch.headers.data(), count);
      if (result < 0) return request.finish(result);
      request.sent += static_cast<std::size_t>(result);
      batch.drop(static_cast<std::size_t>(result));
    }
    return request.sent;
  });
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

ReceiveBatch::ReceiveBatch(std::size_t count, std::size_t size_each)
    : state_(std::make_unique<detail::ReceiveBatchState>(std::clamp(count, std::size_t{1}, most),
                                                         size_each)) {}
ReceiveBatch::ReceiveBatch(ReceiveBatch&&) noexcept = default;
ReceiveBatch& ReceiveBatch::operator=(ReceiveBatch&&) noexcept = default;
ReceiveBatch::~ReceiveBatch() = default;

std::size_t ReceiveBatch::capacity() const noexcept { return state_->headers.size(); }
std::span<const ReceivedDatagram> ReceiveBatch::datagrams() const noexcept {
  return std::span(state_->datagrams).first(state_->received);
}

SendBatch::SendBatch() : state_(std::make_unique<detail::SendBatchState>()) {}
SendBatch::SendBatch(SendBatch&&) noexcept = default;
SendBatch& SendBatch::operator=(SendBatch&&) noexcept = default;
SendBatch::~SendBatch() = default;

void SendBatch::add(std::span<const std::byte> data, Endpoint to, SendDetails details) {
  state_->entries.emplace_back(data, std::move(to), std::move(details));
}
std::size_t SendBatch::size() const noexcept { return state_->left(); }
void SendBatch::drop_first() noexcept { state_->drop(1); }
void SendBatch::clear() noexcept { state_->drop(size()); }

Result<std::uint32_t> interface_index(const char* name) noexcept {
  const unsigned index = ::if_nametoindex(name);
  if (index == 0) return fail(os_error(errno));
  return index;
}

}  // namespace weft::inline v0_1
