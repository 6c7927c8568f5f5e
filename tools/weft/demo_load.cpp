#include "demo_load.hpp"

#include <algorithm>
#include <exception>
#include <utility>
#include <weft/http/client.hpp>
#include <weft/net.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>

#include "progress.hpp"
#include "values.hpp"

namespace weft::tool {

namespace {

using Clock = std::chrono::steady_clock;

// Connections opened before the server is known to have accepted them. Well below the 4,096 that a
// listener's queue usually holds; beyond that a connection waits a second for the next attempt.
constexpr std::size_t wave = 1000;
constexpr std::chrono::seconds grace{60};

http::ClientOptions client_options(std::chrono::milliseconds delay) {
  http::ClientOptions options;
  options.timeout = delay + grace;
  options.connect_timeout = grace;
  options.max_idle_per_host = 0;  // a socket of its own for every request
  options.user_agent.clear();
  return options;
}

}  // namespace

// The tasks of a load. Everything runs on one worker: no member needs a lock.
class DemoFetcher {
 public:
  DemoFetcher(DemoLoad& load, const std::string& address, unsigned count,
              std::chrono::milliseconds delay, std::size_t at_once)
      : load_(load),
        address_(address),
        prefix_("http://" + address + "/" + std::to_string(delay.count()) + "/"),
        count_(count),
        at_once_(at_once),
        progress_("fetching", count),
        client_(client_options(delay)) {}

  Task<void> run() {
    co_await scope([this](Scope& tasks) -> Task<void> {
      for (std::size_t started = 0; started < at_once_; ++started) {
        if (started % wave == wave - 1) co_await wait_until_accepted();
        tasks.spawn([this] { return work(); }).detach();
      }
    });
  }

 private:
  // A listener's queue is first-in, first-out: once a new connection has been answered, all that
  // were opened before it have been accepted.
  Task<void> wait_until_accepted() {
    co_await yield_now();  // lets the spawned tasks run first
    auto probe = co_await StreamSocket::connect(address_);
    co_await probe.write_all("GET /0/ HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n");
    std::byte answer[64];
    co_await probe.read(answer);
  }

  Task<void> work() {
    while (next_ < count_) {
      const std::size_t number = next_++;
      load_.most_at_once_ = std::max(load_.most_at_once_, ++under_way_);
      const auto begin = Clock::now();
      auto failure = co_await fetch(number);
      load_.latency_.record(static_cast<std::uint64_t>((Clock::now() - begin).count()));
      --under_way_;
      progress_.step(!failure.empty());
      ++load_.requests_;
      if (failure.empty()) continue;
      if (load_.failures_++ == 0) load_.first_failure_ = printable(failure);
    }
  }

  // Returns the error; nothing if the echo is right.
  Task<std::string> fetch(std::size_t number) {
    const std::string text = "text-" + std::to_string(number);
    try {
      auto response = co_await client_.get(prefix_ + text);
      if (response.status.code() != 200) {
        co_return text + ": status " + std::to_string(response.status.code());
      }
      if (response.body != text) co_return text + ": the answer was '" + response.body + "'";
    } catch (const std::exception& error) {
      co_return text + ": " + error.what();
    }
    co_return std::string();
  }

  DemoLoad& load_;
  const std::string address_;
  const std::string prefix_;
  const std::size_t count_;
  const std::size_t at_once_;
  std::size_t next_ = 0;
  std::size_t under_way_ = 0;
  Progress progress_;
  http::Client client_;
};

void DemoLoad::run(const std::string& address, unsigned count, std::chrono::milliseconds delay,
                   std::size_t at_once, StopSignals& signals) {
  DemoFetcher fetcher(*this, address, count, delay, at_once);
  const auto begin = Clock::now();
  interrupted_ = block_on([&]() -> Task<bool> {
    auto first = co_await select(fetcher.run(), signals.next());
    co_return first.index() == 1;
  });
  wall_ = Clock::now() - begin;
}

}  // namespace weft::tool
