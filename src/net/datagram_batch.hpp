// The memory of batches of datagrams: what recvmmsg(2) and sendmmsg(2) read and write.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <span>
#include <vector>
#include <weft/datagram.hpp>
#include <weft/detail/message_request.hpp>

namespace weft::inline v0_1::detail {

/// What is in place for one message of a batch. Not moved once the system's headers point to it.
template <std::size_t ControlSize>
struct BatchSlot {
  std::span<std::byte> buffer;
  MessageRoom<ControlSize> room;  // its header is in the array of the batch, and not used here
};

/// Invariant: all vectors have one element a datagram of the capacity.
struct ReceiveBatchState {
  ReceiveBatchState(std::size_t count, std::size_t size_each);

  std::vector<std::byte> memory;
  std::vector<BatchSlot<receive_control_size>> slots;
  std::vector<mmsghdr> headers;
  std::vector<ReceivedDatagram> datagrams;
  std::size_t received = 0;  // the first so many of datagrams
};

struct SendBatchState {
  /// The datagrams that one system call sends at most.
  static constexpr std::size_t at_once = 64;

  struct Entry {
    Entry(std::span<const std::byte> bytes, Endpoint where, SendDetails how) noexcept
        : data(bytes), to(std::move(where)), details(std::move(how)) {}
    std::span<const std::byte> data;
    Endpoint to;
    SendDetails details;
  };

  [[nodiscard]] std::size_t left() const noexcept { return entries.size() - first; }
  void drop(std::size_t count) noexcept;

  std::vector<Entry> entries;
  std::size_t first = 0;  // of those that are left
  std::array<BatchSlot<send_control_size>, at_once> slots;
  std::array<mmsghdr, at_once> headers{};
};

}  // namespace weft::inline v0_1::detail
