// Happy Eyeballs: attempts to connect that run beside each other, each a child of one scope. The
// first success ends the others; the scope waits for their ends.
#include "net/connect_race.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <weft/channel.hpp>
#include <weft/scope.hpp>
#include <weft/time.hpp>
#include <weft/timeout.hpp>

namespace weft::inline v0_1::detail {

namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds shortest_delay = 10ms;

/// The end of one attempt.
struct Attempted {
  Attempted(std::size_t which, Result<StreamSocket> got) noexcept
      : index(which), stream(std::move(got)) {}
  std::size_t index;
  Result<StreamSocket> stream;
};

/// Connects, and says what became of it. A stream that comes too late is closed with the channel.
Task<void> attempt_one(Sender<Attempted> ended, std::size_t index, Endpoint address,
                       ConnectOptions options) {
  Result<StreamSocket> stream =
      co_await StreamSocket::connect(std::move(address), options).attempt();
  static_cast<void>(ended.try_send(Attempted(index, std::move(stream))));
}

/// One error for all attempts: "connect localhost:80 ([::1]:80: connection refused;
/// 127.0.0.1:80: no route to host): no route to host".
IoError failure_of(const std::string& name, const std::vector<Endpoint>& addresses,
                   const std::vector<std::error_code>& reasons, std::error_code last) {
  if (addresses.size() == 1) {
    const std::string only = addresses.front().to_string();
    return IoError(last, "connect", name.empty() ? only : name + " (" + only + ")");
  }
  std::string tried;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // Each as in an error of its own: "127.0.0.1:80: no route to host".
    const IoError one(reasons[i], addresses[i].to_string());
    tried.append(i == 0 ? "" : "; ").append(one.what());
  }
  return IoError(last, "connect", name.empty() ? tried : name + " (" + tried + ")");
}

/// The attempts, for their scope's body.
class Race {
 public:
  Race(std::vector<Endpoint> addresses, const ConnectOptions& options)
      : addresses_(std::move(addresses)),
        options_(options),
        delay_(std::max<Nanoseconds>(options.attempt_delay, shortest_delay)),
        reasons_(addresses_.size()),
        channel_(channel<Attempted>(addresses_.size())) {}

  /// Gives the first stream that is connected, or null if all attempts have failed.
  Task<std::optional<StreamSocket>> run(Scope& attempts) {
    TimePoint next = now();
    std::size_t failed = 0;
    while (failed < addresses_.size()) {
      if (started_ < addresses_.size() && now() >= next) {
        start_one(attempts);
        next = later(now(), delay_);
      }
      std::optional<Attempted> ended = co_await next_end(next);
      if (!ended) continue;  // the next one is due
      if (ended->stream) {
        attempts.cancel_children();
        co_return std::move(*ended->stream);
      }
      last_ = reasons_[ended->index] = ended->stream.error();
      ++failed;
      next = now();
    }
    co_return std::nullopt;
  }

  [[nodiscard]] IoError failure(const std::string& name) const {
    return failure_of(name, addresses_, reasons_, last_);
  }

 private:
  void start_one(Scope& attempts) {
    const std::size_t index = started_++;
    auto& [sender, receiver] = channel_;
    attempts.spawn(&attempt_one, sender, index, addresses_[index], options_);
  }

  /// The next attempt that has ended; null if `limit` has come before, and there is one to start.
  Task<std::optional<Attempted>> next_end(TimePoint limit) {
    auto& [sender, receiver] = channel_;
    if (started_ == addresses_.size()) limit = TimePoint::max();
    IoResult<std::optional<Attempted>> ended =
        co_await timeout_at(receiver.receive(), limit).attempt();
    if (!ended) co_return std::nullopt;
    co_return std::move(*ended);
  }

  const std::vector<Endpoint> addresses_;
  const ConnectOptions options_;
  const Nanoseconds delay_;
  std::vector<std::error_code> reasons_;  // of the attempts that have failed
  std::error_code last_;
  std::size_t started_ = 0;
  Channel<Attempted> channel_;
};

/// One address after the other.
Task<StreamSocket> connect_in_order(std::string name, std::vector<Endpoint> addresses,
                                    ConnectOptions options) {
  std::vector<std::error_code> reasons;
  for (const Endpoint& address : addresses) {
    Result<StreamSocket> stream = co_await StreamSocket::connect(address, options).attempt();
    if (stream) co_return std::move(*stream);
    reasons.push_back(stream.error());
  }
  throw failure_of(name, addresses, reasons, reasons.back());
}

}  // namespace

std::vector<Endpoint> interleaved(std::vector<Endpoint> addresses) {
  std::vector<Endpoint> of_first;
  std::vector<Endpoint> others;
  for (Endpoint& each : addresses) {
    const bool same = of_first.empty() || each.is_ipv6() == of_first.front().is_ipv6();
    (same ? of_first : others).push_back(std::move(each));
  }
  std::vector<Endpoint> all;
  for (std::size_t i = 0; i < std::max(of_first.size(), others.size()); ++i) {
    if (i < of_first.size()) all.push_back(std::move(of_first[i]));
    if (i < others.size()) all.push_back(std::move(others[i]));
  }
  return all;
}

Task<StreamSocket> connect_race(std::string name, std::vector<Endpoint> addresses,
                                ConnectOptions options) {
  if (addresses.empty()) {
    throw IoError(std::make_error_code(std::errc::invalid_argument), "connect", name);
  }
  addresses = interleaved(std::move(addresses));
  if (addresses.size() == 1 || !options.happy_eyeballs) {
    StreamSocket stream = co_await connect_in_order(std::move(name), std::move(addresses), options);
    co_return stream;
  }
  Race race(std::move(addresses), options);
  auto body = [&race](Scope& attempts) { return race.run(attempts); };
  std::optional<StreamSocket> winner = co_await scope(std::move(body));
  if (!winner) throw race.failure(name);
  co_return std::move(*winner);
}

}  // namespace weft::inline v0_1::detail
