// Session: one Server::serve() or serve_connection(): the accept loop, the list of its connections,
// the sweep of their deadlines and of peers that have left, and the drain. ServerCore: shared by
// all sessions of a server.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include <weft/atomic.hpp>
#include <weft/http/server.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/net.hpp>
#include <weft/scope.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include "http/connection.hpp"
#include "http/peer_watch.hpp"
#include "http/pool.hpp"
#include "http/request_buffers.hpp"
#include "http/signal.hpp"

namespace weft::inline v0_1::http {

class ServerCore {
 public:
  ServerCore(ServerOptions server_options, std::unique_ptr<RequestHandler> request_handler)
      : options(std::move(server_options)),
        handler(std::move(request_handler)),
        is_immediate(handler->is_immediate()),
        is_streamed(handler->is_streamed()),
        limits_handlers(options.handler_timeout != Nanoseconds::max()),
        slots(options.limits) {}

  void add(Session& session) noexcept;
  void remove(Session& session) noexcept;
  void drain() noexcept;
  /// The Server is destroyed: as drain(), with no time to finish. Sessions keep this object.
  void abandon() noexcept {
    abandoned_.store(true, std::memory_order_relaxed);  // drain() orders it before what it wakes
    drain();
  }
  [[nodiscard]] bool abandoned() const noexcept {
    return abandoned_.load(std::memory_order_relaxed);
  }

  const ServerOptions options;
  const std::unique_ptr<RequestHandler> handler;
  const bool is_immediate;
  const bool is_streamed;
  const bool limits_handlers;
  Pool<RequestBuffers> slots;
  Atomic<std::size_t> connections{0};  // relaxed: a statistic, and a limit
  // Relaxed: the RequestBuffers held by waiting connections; see serve_pipelined().
  Atomic<std::size_t> warm_slots{0};
  // Relaxed: the bytes of all request bodies, a limit; see ServerOptions::max_bodies.
  Atomic<std::size_t> body_bytes{0};

 private:
  ThreadMutex mutex_;
  Session* sessions_ = nullptr;  // guarded by mutex_
  bool draining_ = false;        // guarded by mutex_
  Atomic<bool> abandoned_{false};
};

class Session {
 public:
  explicit Session(ServerCore& core) noexcept : core_(core) { core_.add(*this); }
  ~Session() { core_.remove(*this); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The body of serve(): accepts until drain(), then waits for the connections to end. L is
  /// SocketListener or AnyListener.
  template <class L>
  [[nodiscard]] Task<void> run(Scope& scope, L& listener);
  /// The body of serve_connection(): serves one, until its end or drain(). Throws std::bad_alloc.
  [[nodiscard]] Task<void> run_one(Scope& scope, Transport transport);

  [[nodiscard]] ServerCore& core() const noexcept { return core_; }
  [[nodiscard]] const ServerOptions& options() const noexcept { return core_.options; }
  /// Whether responses must have "Connection: close". Relaxed: one response more or less.
  [[nodiscard]] bool draining() const noexcept { return draining_.load(std::memory_order_relaxed); }
  void drain() noexcept;
  /// Set when it drains. For connections that have left HTTP.
  [[nodiscard]] ManualResetEvent& drain_begun() noexcept { return drain_begun_; }
  /// Starts take_leave() for the stream of a dismissed connection; closes it if memory is short.
  void see_out(Transport transport, Leave how, std::string received,
               std::uint8_t empty_line_bytes) noexcept;

 private:
  friend class Admission;
  friend class Connection;
  friend class ServerCore;

  void admit() noexcept;
  void end_admission() noexcept;

  void add(Connection& connection) noexcept;
  void remove(Connection& connection) noexcept;
  /// Returns when no probe of a connection is under way; none begins, as it is in phase busy.
  void wait_for_probe() noexcept { std::lock_guard lock(mutex_); }
  template <class L>
  [[nodiscard]] Task<void> accept_loop(Scope& scope, L& listener);
  void start(Scope& scope, Transport transport);
  [[nodiscard]] bool try_start(Scope& scope, Transport transport) noexcept;
  [[nodiscard]] Task<void> sweep_loop();
  [[nodiscard]] Task<void> see_off(Scope& scope);
  [[nodiscard]] TimePoint sweep(TimePoint now) noexcept;
  void expire(Connection& connection) noexcept;
  void attend(Connection& connection, std::int64_t now) noexcept;
  void take_event(const Event& event) noexcept;
  void probe(Connection& connection, std::int64_t now) noexcept;
  void dismiss(Connection& connection, Connection::Phase from, Connection::Phase to) noexcept;
  void dismiss_idle() noexcept;
  [[nodiscard]] bool stop_sweeping_if_nobody_is_left() noexcept;

  ServerCore& core_;
  Session* next_ = nullptr;      // guarded by the core's mutex
  Session* previous_ = nullptr;  // guarded by the core's mutex
  Signal drain_wanted_;
  ManualResetEvent drain_begun_;
  Signal all_ended_;  // when admitted_ becomes 0 for the first time
  Atomic<bool> draining_{false};
  mutable ThreadMutex mutex_;
  Connection* first_ = nullptr;  // guarded by mutex_
  std::size_t admitted_ = 0;     // guarded by mutex_: connections that have not ended
  bool sweeping_ = false;        // guarded by mutex_
  bool ends_with_last_ = false;  // set before there is a connection
  PeerWatch peers_;              // guarded by mutex_, except the queue: the sweep's
  Scope* scope_ = nullptr;       // set before there is a connection
};

}  // namespace weft::inline v0_1::http
