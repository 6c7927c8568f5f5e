// Channel: queries to name servers by c-ares, whose sockets are those of weft's reactor. c-ares
// makes and reads packets, meets truncation with TCP, and ignores answers with wrong ids. It does
// not time: its timeouts are a day, so the clock of a look-up is the runtime's. It reads no files.
//
// Owned and used by one look-up at a time, on any threads: a Channel has no lock. c-ares has no
// cancel of one query, so a look-up has a channel to itself, and cancel() ends all that it asked. A
// pool keeps some (channel_pool.hpp).
//
// A channel of c-ares must not be destroyed within a callback of its own; the callbacks here only
// store what they are given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>
#include <weft/endpoint.hpp>
#include <weft/pollable.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include "dns/answer.hpp"

struct ares_channeldata;

namespace weft::inline v0_1::dns {

/// What becomes of one query. Must stay in place until it has ended or the channel was cancelled.
struct Reply {
  explicit Reply(RecordType its_type) noexcept : type(its_type) {}

  RecordType type;
  bool has_ended = false;
  int status = 0;                     // of c-ares, once it has ended
  std::vector<std::uint8_t> message;  // empty if the status is that of c-ares itself
};

class Channel {
 public:
  /// Throws std::bad_alloc, and std::runtime_error if c-ares does not work at all.
  explicit Channel(bool tcp);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Asks these, beginning with number `first`, from now on. No query is under way. Throws
  /// std::bad_alloc.
  void use_servers(std::span<const Endpoint> servers, std::size_t first);
  /// Sends a query for an absolute name. The reply may end within the call.
  void ask(const std::string& name, Reply& reply) noexcept;
  /// Ends all queries that are under way, and closes the sockets. The replies of such queries stay
  /// as they are.
  void cancel() noexcept;

  /// Waits until a socket is ready and serves it. False: `deadline` has passed. Throws IoError.
  /// Cancel: nothing was read.
  [[nodiscard]] Task<bool> serve(TimePoint deadline);

  /// Why a socket could not be made, if one could not since use_servers().
  [[nodiscard]] std::error_code socket_error() const noexcept { return socket_error_; }

 private:
  friend struct SocketFunctions;

  /// A socket that c-ares has open, and what it waits for.
  struct Socket {
    explicit Socket(int its_handle) noexcept : handle(its_handle) {}
    int handle;
    bool reads = false;
    bool writes = false;
    std::unique_ptr<Pollable> pollable;  // made when it is waited for alone
  };

  [[nodiscard]] Socket* find(int handle) noexcept;
  [[nodiscard]] Task<bool> serve_one(Socket& socket, TimePoint deadline);
  [[nodiscard]] Task<bool> serve_several(TimePoint deadline);
  void process(int readable, int writable) noexcept;

  ares_channeldata* channel_ = nullptr;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<Endpoint> servers_;  // as c-ares has them; it knows no scopes
  std::error_code socket_error_;
};

}  // namespace weft::inline v0_1::dns
