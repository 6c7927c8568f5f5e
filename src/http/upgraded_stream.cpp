#include <weft/http/upgraded_stream.hpp>

#include <algorithm>
#include <cstring>
#include <system_error>

#include <weft/sleep.hpp>

#include "http/text_of.hpp"

namespace weft::inline v0_1::http {

std::size_t UpgradedStream::take(std::span<std::byte> buffer) noexcept {
  const std::size_t size = std::min(buffer.size(), received_.size() - taken_);
  if (size == 0) return 0;
  std::memcpy(buffer.data(), received_.data() + taken_, size);
  taken_ += size;
  if (taken_ == received_.size()) static_cast<void>(take_received());
  return size;
}

std::string UpgradedStream::take_received() noexcept {
  std::string rest;
  rest.swap(received_);
  rest.erase(0, taken_);
  taken_ = 0;
  return rest;
}

Task<std::size_t> UpgradedStream::read(std::span<std::byte> buffer) {
  std::size_t size = take(buffer);
  if (size != 0) co_return size;
  if (transport_.is_socket()) {
    size = co_await transport_.over<StreamSocket>().read(buffer);
  } else {
    size = co_await transport_.over<TransportStream>().read(buffer);
  }
  co_return size;
}

Task<void> UpgradedStream::readable() {
  if (!received_.empty()) co_return;
  if (transport_.is_socket()) {
    co_await transport_.over<StreamSocket>().readable();
  } else {
    co_await transport_.over<TransportStream>().readable();
  }
}

Task<std::size_t> UpgradedStream::write(std::span<const std::byte> data) {
  std::size_t size = 0;
  if (data.empty()) co_return size;
  if (transport_.is_socket()) {
    size = co_await transport_.over<StreamSocket>().write(data);
  } else {
    size = co_await transport_.over<TransportStream>().write(text_of(data));
  }
  co_return size;
}

Task<void> UpgradedStream::write_all(std::span<const std::byte> data) {
  return weft::detail::write_all_of(*this, data);
}

Task<void> UpgradedStream::shutdown() {
  if (!transport_.is_socket()) {
    co_await transport_.over<TransportStream>().end_writing();
    co_return;
  }
  const Result<void> ended = transport_.over<StreamSocket>().shutdown(Shutdown::write);
  // A peer that has gone reads no end.
  if (!ended && ended.error() != std::errc::not_connected) {
    throw IoError(ended.error(), "shutdown", subject());
  }
}

Task<void> UpgradedStream::draining() {
  if (draining_ == nullptr) co_await never();
  co_await draining_->wait();
}

StreamSocket* UpgradedStream::socket() noexcept {
  return transport_.is_socket() ? &transport_.over<StreamSocket>() : nullptr;
}

std::string UpgradedStream::subject() const {
  const Endpoint* const peer = transport_.peer_endpoint();
  return peer != nullptr ? peer->to_string() : std::string();
}

}  // namespace weft::inline v0_1::http
