// RequestBody: the body of a request that a streamed handler reads: what its BodyReader reads from.
// Made for each such request, and shared with the readers, which may live longer.
//
// Reads go from the connection's stream through the parser, on whatever task asks: the handler's, a
// child of it, or one that the handler has given the reader to. Connection, buffers and parser are
// the serving task's, and it may use them only when no read is under way: close() sees to that. It
// is called, and awaited, on each path on which an exchange ends, also that of a cancel. The word
// use_ decides whether a read comes before the close:
//
//   idle → reading    a read begins (acquire: it sees what the read before it has left)
//   reading → idle    it has ended (release)
//   idle → closed     close(): each later read fails
//   reading → closed  close() during a read of a task that is not the handler's: it is told to end
//                     by stop_, and sets ended_reading_
//
// A read of the handler's own task is never under way when the handler has ended. Only the reads of
// other tasks wait for stop_ as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <weft/atomic.hpp>
#include <weft/endpoint.hpp>
#include <weft/http/body_reader.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/net.hpp>

#include "http/connection.hpp"
#include "http/request_buffers.hpp"

namespace weft::inline v0_1::http {

template <class S>
class RequestBody final : public BodySource {
 public:
  /// The parser has read the head. `input`: what was read behind it, and is left to parse; the rest
  /// when it is closed.
  RequestBody(Connection& connection, RequestBuffers& slot, std::string_view& input) noexcept;

  // For readers
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) override;
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept override { return length_; }
  [[nodiscard]] const Headers& trailers() const noexcept override { return trailers_; }
  void give_up(std::error_code why) noexcept override;
  [[nodiscard]] std::string subject() const override;

  // For the serving task, and what it awaits
  /// While there is one, the reads of `task` need not be told to end: it is awaited before close().
  class Owner {
   public:
    Owner(RequestBody& body, const TaskHeader& task) noexcept : body_(body) {
      body.owner_.store(&task, std::memory_order_relaxed);
    }
    ~Owner() { body_.owner_.store(nullptr, std::memory_order_relaxed); }
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;

   private:
    RequestBody& body_;
  };
  /// Ends a read that is under way, and lets no other one begin.
  [[nodiscard]] Task<void> close();
  /// Waits until an interim response can be written, and lets no read write one. `asks`: it asks
  /// for the body, as the first read would. False: the connection can carry none any more.
  [[nodiscard]] Task<bool> begin_inform(bool asks);
  void end_inform() noexcept;
  /// Called before a final response: from then on no interim one is written.
  [[nodiscard]] Task<void> end_interim();

  // For the serving task when it is closed, or no task reads
  [[nodiscard]] bool complete() const noexcept { return complete_; }
  /// Why it cannot be read any further.
  [[nodiscard]] std::error_code failure() const noexcept { return failure_; }
  /// Whether the client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool is_awaited() const noexcept {
    const Interim interim = interim_.load(std::memory_order_relaxed);
    return interim == Interim::owed || interim == Interim::informing_owed;
  }
  /// The bytes of the body that have not been read, as far as they are known.
  [[nodiscard]] std::uint64_t known_rest() const noexcept { return slot_.parser.body_left(); }

 private:
  enum class Use : std::uint8_t { idle, reading, closed };
  /// The "100 Continue" of this request, which a read writes, and the handler's interim responses.
  enum class Interim : std::uint8_t {
    none,
    owed,
    writing,         ///< a read writes it
    informing,       ///< the handler writes another one
    informing_owed,  ///< the same, while it is owed
  };

  class Reading;
  class Asking;

  [[nodiscard]] std::size_t take(std::span<std::byte> buffer);
  [[nodiscard]] std::size_t take_parsed(std::span<std::byte> buffer);
  [[nodiscard]] Task<void> ask_for_body(bool by_owner);
  [[nodiscard]] Task<void> until_informed(bool by_owner);
  [[nodiscard]] Task<Result<void>> write_or_stop(std::string_view text);
  [[nodiscard]] Task<void> receive(std::span<std::byte> room, bool by_owner);
  [[nodiscard]] Task<Result<std::size_t>> receive_or_stop(std::span<std::byte> room);
  [[noreturn]] void fail(std::error_code why);

  Connection& connection_;
  RequestBuffers& slot_;
  std::string_view& input_;
  const std::optional<std::uint64_t> length_;
  const std::optional<Endpoint> peer_;
  Headers trailers_;
  std::error_code failure_;
  bool complete_ = false;
  Atomic<Use> use_{Use::idle};
  Atomic<Interim> interim_{Interim::none};
  Atomic<const TaskHeader*> owner_{nullptr};  // relaxed: a task compares it with itself alone
  ManualResetEvent stop_;
  ManualResetEvent ended_reading_;
  ManualResetEvent interim_written_;
  ManualResetEvent informed_;
};

extern template class RequestBody<StreamSocket>;
extern template class RequestBody<TransportStream>;

}  // namespace weft::inline v0_1::http
