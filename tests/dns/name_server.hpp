// NameServer: a name server on weft's own sockets that follows a script, at a free port of
// 127.0.0.1, by datagrams and by TCP.
#pragma once

#include <weft/manual_reset_event.hpp>
#include <weft/net.hpp>
#include <weft/scope.hpp>
#include <weft/task.hpp>
#include <weft/udp.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dns/answer.hpp"

namespace weft::test {

using dns::RecordType;

/// A record as it is sent: `data` is in the format of the protocol.
struct ScriptedRecord {
  std::string owner;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::string data;
};
[[nodiscard]] ScriptedRecord a_record(std::string owner, std::string_view address,
                                      std::uint32_t ttl = 300);
[[nodiscard]] ScriptedRecord aaaa_record(std::string owner, std::string_view address,
                                         std::uint32_t ttl = 300);
[[nodiscard]] ScriptedRecord cname_record(std::string owner, std::string_view target,
                                          std::uint32_t ttl = 300);
[[nodiscard]] ScriptedRecord ptr_record(std::string owner, std::string_view target,
                                        std::uint32_t ttl = 300);
struct Service {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
};
[[nodiscard]] ScriptedRecord srv_record(std::string owner, Service service, std::string_view target,
                                        std::uint32_t ttl = 300);
[[nodiscard]] ScriptedRecord txt_record(std::string owner, std::vector<std::string> parts,
                                        std::uint32_t ttl = 300);
/// A name as the protocol writes it.
[[nodiscard]] std::string encoded_name(std::string_view name);

/// What the server does with a query.
struct Script {
  unsigned code = 0;  // 3: no such name …
  std::vector<ScriptedRecord> answers;
  std::optional<std::uint32_t> negative_ttl;  // of a start of authority
  bool is_silent = false;
  bool is_truncated = false;         // by datagram: no records, and the bit that says so
  bool begins_with_lies = false;     // datagrams with another id, another name, and too short ones
  bool closes = false;               // by TCP: closes the connection in place of an answer
  std::string garbage;               // behind the header, in place of questions and records
  ManualResetEvent* hold = nullptr;  // answers when this is set
};

struct Query {
  std::string name;  // in lower case
  std::uint16_t type = 0;
  std::uint16_t id = 0;
  bool by_tcp = false;
  std::size_t number = 0;  // of those for this name and type, from 1
  friend bool operator==(const Query&, const Query&) = default;
};

class NameServer {
 public:
  using Decide = std::function<Script(const Query&)>;

  explicit NameServer(Decide decide);
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;
  ~NameServer() = default;

  [[nodiscard]] const Endpoint& at() const noexcept { return at_; }
  /// Answers until it is cancelled.
  [[nodiscard]] Task<void> serve();
  /// Stops listening: queries are refused by the system from now on.
  void close() noexcept;

  /// "example.org A", "example.org A tcp" … in the order of their coming.
  [[nodiscard]] std::vector<std::string> asked() const;
  [[nodiscard]] std::size_t times_asked() const;

 private:
  [[nodiscard]] Task<void> serve_datagrams();
  [[nodiscard]] Task<void> serve_connections();
  [[nodiscard]] Task<void> serve_connection(StreamSocket stream);
  [[nodiscard]] Task<void> answer_datagram(std::string message, Endpoint to);
  [[nodiscard]] Query note(std::string_view message, bool by_tcp);

  const Decide decide_;
  SocketListener listener_;
  Endpoint at_;
  UdpSocket socket_;
  mutable std::mutex mutex_;
  std::vector<Query> queries_;  // guarded by mutex_
};

/// Runs `visit()` beside a server.
template <class V>
Task<void> beside(NameServer& server, V visit) {
  co_await scope([&](Scope& children) -> Task<void> {
    children.spawn(server.serve()).detach();
    co_await visit();
    children.cancel_children();
  });
}
template <class V>
Task<void> beside(NameServer& first, NameServer& second, V visit) {
  co_await scope([&](Scope& children) -> Task<void> {
    children.spawn(first.serve()).detach();
    children.spawn(second.serve()).detach();
    co_await visit();
    children.cancel_children();
  });
}

}  // namespace weft::test
