// Server-sent events (the HTML standard, 9.2): a response that goes on, and its reader. Part of
// <weft/http.hpp>.
//
//   auto ticks = [](http::Request&) {
//     return http::event_stream([](http::EventWriter& events) -> Task<void> {
//       for (int i = 0;; ++i) {
//         co_await events.send(std::to_string(i));
//         co_await sleep_for(1s);
//       }
//     });
//   };
//
// The producer is cancelled when the client has left. Between events, EventWriter::heartbeat()
// sends a comment, which keeps proxies from closing the connection, and finds out that a client has
// left that the system does not report.
#pragma once

#include <weft/http/body.hpp>
#include <weft/http/message.hpp>
#include <weft/io.hpp>
#include <weft/task.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::http {

/// One event.
struct ServerEvent {
  ServerEvent() = default;
  explicit ServerEvent(std::string its_data, std::string its_type = {}, std::string its_id = {})
      : data(std::move(its_data)), type(std::move(its_type)), id(std::move(its_id)) {}

  std::string data;  ///< any number of lines
  std::string type;  ///< the name of the event; empty: "message"
  /// What the client sends as Last-Event-ID when it connects again. As it is received: the last one
  /// that the stream has set.
  std::string id;
  /// After how long the client is to connect again. As it is received: null unless it was set since
  /// the event before.
  std::optional<std::chrono::milliseconds> retry;
};

/// Returns an event as the stream has it. Line ends of all kinds within data become new lines of
/// it. Throws std::invalid_argument for a type or id with a line end, and an id with a NUL.
[[nodiscard]] std::string to_text(const ServerEvent& event);

/// Writes events. One task at a time uses it. Each call ends when the connection has taken the
/// event; so a client that reads slowly stops its producer.
class EventWriter {
 public:
  explicit EventWriter(BodyWriter& out) noexcept : out_(&out) {}

  /// Sends an event. Errors: those of the connection; std::invalid_argument as to_text(). Cancel:
  /// the event may have been sent in part, which ends the stream.
  [[nodiscard]] Task<void> send(ServerEvent event);
  /// Does the same with data alone.
  [[nodiscard]] Task<void> send(std::string data) { return send(ServerEvent(std::move(data))); }
  /// Sends a comment, which clients drop. Line ends in it become spaces.
  [[nodiscard]] Task<void> comment(std::string text);
  [[nodiscard]] Task<void> heartbeat() { return comment({}); }
  /// Waits until the server drains: end the stream then, and the client connects to another server.
  /// Any task may wait beside the one that sends. Cancel: stops waiting.
  [[nodiscard]] Task<void> draining() { return out_->draining(); }

 private:
  [[nodiscard]] Task<void> write(std::string text);
  BodyWriter* out_;
};

namespace detail {

template <class P>
class EventProducer {
 public:
  explicit EventProducer(P producer) : producer_(std::move(producer)) {}
  Task<void> operator()(BodyWriter& out) { return produce(producer_, out); }

 private:
  static Task<void> produce(P& producer, BodyWriter& out) {
    EventWriter events(out);
    co_await out.flush();  // the head: the client knows that it is connected
    co_await producer(events);
  }
  P producer_;
};

}  // namespace detail

/// Sets the fields of a stream of events: text/event-stream, not cached, not transformed or
/// gathered by proxies.
void set_event_stream_fields(Headers& headers);

/// Returns a response whose body is what `producer` sends: a callable that takes an EventWriter&
/// and returns a Task<void>. The stream ends when that returns; a client then connects again.
template <class P>
[[nodiscard]] Response event_stream(P producer) {
  Response response = Response::stream(detail::EventProducer<P>(std::move(producer)));
  set_event_stream_fields(response.headers);
  return response;
}

/// Parses a stream of events, however it is cut. A value; one thread at a time.
class EventParser {
 public:
  /// `limit`: bytes of one event, and of one line.
  explicit EventParser(std::size_t limit = std::size_t{1024} * 1024) noexcept : limit_(limit) {}

  /// Takes bytes of the stream. Throws IoError (IoErrc::limit_exceeded) beyond the limit.
  void push(std::span<const std::byte> bytes);
  void push(std::string_view text);
  /// Returns the next event that is complete; null: there is none yet. What stands behind the last
  /// empty line at the end of the stream is no event.
  [[nodiscard]] std::optional<ServerEvent> next();
  /// The last id, for Last-Event-ID.
  [[nodiscard]] const std::string& last_id() const noexcept { return last_id_; }
  /// The last time that the server has asked to wait before connecting again.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const noexcept { return retry_; }

 private:
  void take_line();
  void take_field(std::string_view name, std::string_view value);
  void check(std::size_t size) const;

  std::size_t limit_;
  std::string line_;
  bool after_return_ = false;  // a '\n' that follows belongs to the '\r' before
  std::size_t mark_ = 0;       // bytes of a byte order mark that have come
  bool begun_ = false;
  bool has_data_ = false;
  ServerEvent open_;
  std::string last_id_;
  std::optional<std::chrono::milliseconds> retry_;
  std::deque<ServerEvent> complete_;
};

/// Reads events from any ByteReader, which it borrows, or which moves in. One task at a time.
///
///   http::EventReader events(body);
///   while (auto event = co_await events.next()) use(event->data);
template <class R>
  requires ByteReader<std::remove_reference_t<R>>
class EventReader {
 public:
  explicit EventReader(R&& reader, std::size_t limit = std::size_t{1024} * 1024)
      : reader_(std::forward<R>(reader)), parser_(limit) {}

  /// Waits for the next event; null at the end of the stream. Errors: the reader's, and
  /// IoErrc::limit_exceeded. Cancel: nothing is lost.
  [[nodiscard]] Task<std::optional<ServerEvent>> next() {
    for (;;) {
      std::optional<ServerEvent> event = parser_.next();
      if (event) co_return event;
      std::array<std::byte, 4096> buffer;
      const std::size_t size = co_await reader_.read(std::span<std::byte>(buffer));
      if (size == 0) co_return std::nullopt;
      parser_.push(std::span<const std::byte>(buffer).first(size));
    }
  }
  [[nodiscard]] const EventParser& parser() const noexcept { return parser_; }

 private:
  R reader_;  // an object or a reference
  EventParser parser_;
};

template <class R>
EventReader(R&&) -> EventReader<R>;
template <class R>
EventReader(R&&, std::size_t) -> EventReader<R>;

}  // namespace weft::inline v0_1::http
