// ResponseSource: one exchange whose response is read by the user: sends the request, receives the
// head, and is the source of the body's reader. Made for Client::start(), and for requests with a
// streamed body, progress, or limits of a phase; other requests take the shorter way of exchange().
//
// Two tasks take part: the reader's, which is the user's, and the sender's, if the request was not
// sent at once. They share a StreamedExchange. The sender alone writes, to the stream and to the
// fields that are marked so, until it sets `ended`; from then on the reader may use all of it. The
// sender keeps the StreamedExchange and does not know the ResponseSource: so a response can be
// destroyed at any time. The connection is closed with the StreamedExchange, unless it is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/atomic.hpp>
#include <weft/http/body_reader.hpp>
#include <weft/http/client.hpp>
#include <weft/http/transport.hpp>
#include <weft/http/upgraded_stream.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>

#include "http/exchange.hpp"
#include "http/outgoing.hpp"

namespace weft::inline v0_1::http {

class ResponseSource;

/// Where a connection belongs when its exchange has ended. Its end without keep() means that the
/// connection was closed.
class ConnectionHome {
 public:
  ConnectionHome() = default;
  ConnectionHome(const ConnectionHome&) = delete;
  ConnectionHome& operator=(const ConnectionHome&) = delete;
  virtual ~ConnectionHome() = default;
  /// Takes the connection back; returns whether it is kept for another request.
  virtual bool keep(Transport transport) noexcept = 0;
  /// The connection leaves HTTP, and stays open until this ends.
  virtual void let_go() noexcept {}
};

/// What a call needs for a ResponseSource, and gets.
struct Streaming {
  Streaming(std::shared_ptr<ClientCore> its_core, std::shared_ptr<const ClientRequest> its_request,
            Scope* its_owner) noexcept
      : core(std::move(its_core)), request(std::move(its_request)), owner(its_owner) {}

  /// Owns `core`, directly or not.
  std::shared_ptr<ClientCore> core;
  std::shared_ptr<const ClientRequest> request;
  Scope* owner;  // of the sender; null: the runtime
  std::shared_ptr<ResponseSource> source = {};
};

struct StreamedExchange {
  StreamedExchange(const Call& call, std::shared_ptr<ConnectionHome> its_home, Transport stream);
  StreamedExchange(const StreamedExchange&) = delete;
  StreamedExchange& operator=(const StreamedExchange&) = delete;

  const std::shared_ptr<ClientCore> core;
  const std::shared_ptr<const ClientRequest> request;
  const bool streams_body;
  const std::shared_ptr<ConnectionHome> home;
  std::optional<Transport> transport;
  Outgoing out;  // the sender's, but for may_continue
  ManualResetEvent ended;
  Atomic<bool> body_begun{false};  // the producer was called. Relaxed: `ended` orders it
  bool sent = false;               // the sender's
  std::exception_ptr failure;      // the sender's: of the producer
};

/// The part of the sender: begin_sending() writes what the stream takes at once, and sets `ended`
/// if that is all. Errors are in `out.error`, and end the sending as well.
[[nodiscard]] Task<void> begin_sending(std::shared_ptr<StreamedExchange> exchange);
/// Sends the rest: in a task of `owner`, or of the runtime.
[[nodiscard]] JoinHandle<void> spawn_sender(std::shared_ptr<StreamedExchange> exchange,
                                            Scope* owner);

class ResponseSource final : public BodySource {
 public:
  /// Precondition: the call has a Streaming.
  ResponseSource(const Call& call, std::shared_ptr<ConnectionHome> home, Transport transport);
  /// Cancels the sender, and does not wait for it. Keeps the connection if all of the response has
  /// come already.
  ~ResponseSource() override;

  /// Sends the request and receives the head of its response, into call.response. Throws what the
  /// producer of the body throws. Cancel: the object is to be destroyed.
  [[nodiscard]] Task<Result<void>> begin(Call& call);
  /// From now on, reads end at `deadline`.
  void limit(TimePoint deadline) noexcept { deadline_ = deadline; }

  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) override;
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept override { return length_; }
  [[nodiscard]] const Headers& trailers() const noexcept override { return trailers_; }
  [[nodiscard]] std::string subject() const override { return subject_; }

  /// Ends the sender, and drops up to `most` bytes of the body, so that the connection may be kept.
  /// No errors.
  [[nodiscard]] Task<void> drop(std::uint64_t most);
  /// Whether the producer of the request's body was called. The sender has ended.
  [[nodiscard]] bool has_begun_body() const noexcept { return has_begun_body_; }
  /// At the end of the body: whether the connection is kept.
  [[nodiscard]] bool is_kept() const noexcept { return is_kept_; }
  /// After begin(): the connection, if it has left HTTP.
  [[nodiscard]] std::unique_ptr<UpgradedStream> take_upgraded() noexcept {
    return std::move(upgraded_);
  }

 private:
  [[nodiscard]] ResponseParser& parser() const noexcept { return (**slot_).parser; }
  [[nodiscard]] bool is_sending() const noexcept { return !exchange_->ended.is_set(); }
  void begin_parsing() noexcept;
  [[nodiscard]] Task<Result<void>> receive_head(Call& call);
  [[nodiscard]] Result<bool> take_interim();
  [[nodiscard]] bool leaves_http() const noexcept;
  [[nodiscard]] Task<Result<void>> leave_http();
  [[nodiscard]] Task<Result<void>> advance();
  [[nodiscard]] Task<Result<void>> receive();
  [[nodiscard]] Task<Result<std::size_t>> receive_some();
  [[nodiscard]] Task<Result<std::size_t>> read_stream();
  [[nodiscard]] TimePoint next_limit() noexcept;
  [[nodiscard]] Task<void> end_sending();
  [[nodiscard]] Task<void> end();
  void finish() noexcept;
  void note_end();
  void note_received(std::size_t size);

  std::shared_ptr<StreamedExchange> exchange_;  // null: the exchange has ended
  std::optional<Lease<ClientSlot>> slot_;
  std::optional<JoinHandle<void>> sender_;
  Scope* const owner_;
  Response response_;
  const Method method_;
  std::string subject_;
  std::string_view rest_;   // of what was received, behind piece_
  std::string_view piece_;  // of the body, to be read
  std::unique_ptr<UpgradedStream> upgraded_;
  std::optional<std::uint64_t> length_;
  Headers trailers_;
  TimePoint deadline_ = TimePoint::max();
  TimePoint first_byte_limit_ = TimePoint::max();
  std::uint64_t message_bytes_ = 0;  // of the present response
  std::uint64_t interim_bytes_ = 0;  // of the 1xx responses before it
  std::uint64_t received_ = 0;       // of the body
  bool is_dropping_ = false;         // the body is not for the caller: no progress is told
  std::exception_ptr failure_;       // of an earlier read
  bool waits_for_first_ = false;
  bool got_bytes_ = false;
  bool has_head_ = false;
  bool has_all_ = false;  // the message is complete
  bool is_kept_ = false;
  bool has_begun_body_ = false;
};

/// Sends `call` over `transport` and receives the head of its response; call.streaming->source is
/// then the source of its body.
[[nodiscard]] Task<Result<void>> begin_response(Call& call, std::shared_ptr<ConnectionHome> home,
                                                Transport transport);

}  // namespace weft::inline v0_1::http
