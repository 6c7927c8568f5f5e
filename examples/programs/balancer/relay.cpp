#include "relay.hpp"

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <set>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <weft/http.hpp>

using namespace std::chrono_literals;

namespace balancer {

namespace {

/// A connection to a backend, and its place there.
struct Joined {
  Joined(weft::StreamSocket to, Place at) : stream(std::move(to)), place(std::move(at)) {}
  weft::StreamSocket stream;
  Place place;
};

/// Notes when something has moved, and waits for a time in which nothing does. Thread-safe: both
/// directions of a connection use it, each on any worker.
class Activity {
 public:
  void moved() { last_.store(weft::now(), std::memory_order_relaxed); }
  /// Ends when nothing has moved for as long as `limit`.
  weft::Task<void> silence(weft::Nanoseconds limit) const {
    for (;;) {
      const weft::TimePoint due = last_.load(std::memory_order_relaxed) + limit;
      if (weft::now() >= due) co_return;
      co_await weft::sleep_until(due);
    }
  }

 private:
  std::atomic<weft::TimePoint> last_{weft::now()};
};

/// A stream whose reads and writes are noted.
class NotedStream {
 public:
  NotedStream(weft::StreamSocket& stream, Activity& activity)
      : stream_(stream), activity_(activity) {}

  weft::Task<std::size_t> read(std::span<std::byte> buffer) {
    const std::size_t size = co_await stream_.read(buffer);
    activity_.moved();
    co_return size;
  }
  weft::Task<std::size_t> write(std::span<const std::byte> data) {
    const std::size_t size = co_await stream_.write(data);
    activity_.moved();
    co_return size;
  }
  auto readable() { return stream_.readable(); }  // so that a copy holds no buffer while it waits
  auto shutdown() { return stream_.shutdown(); }

 private:
  weft::StreamSocket& stream_;
  Activity& activity_;
};

/// Joins the two until both directions have ended. Throws std::runtime_error if nothing has moved
/// for as long as `limit`.
weft::Task<void> join_within(weft::StreamSocket& client, weft::StreamSocket& server,
                             std::chrono::milliseconds limit) {
  Activity activity;
  NotedStream a(client, activity);
  NotedStream b(server, activity);
  auto first = co_await weft::select(weft::copy_bidirectional(a, b), activity.silence(limit));
  if (!first.has<0>()) {
    throw std::runtime_error("nothing has moved for " + std::to_string(limit.count()) + " ms");
  }
}

void found_down(Backend& backend, const std::string& why) {
  if (backend.set_up(false)) report(backend.address() + " is down: " + why);
}

/// One attempt, at a backend that was not tried before. When all were, it begins anew.
weft::Task<Joined> join_one(const Backends& backends, std::set<BackendRef>& tried,
                            std::chrono::milliseconds limit) {
  Place place = backends.choose(tried);
  if (!place.backend) {
    tried.clear();
    throw weft::IoError(std::make_error_code(std::errc::resource_unavailable_try_again),
                        "choose a backend");
  }
  Backend& backend = *place.backend;
  auto connecting = weft::timeout(weft::StreamSocket::connect(backend.address()), limit,
                                  "connect " + backend.address());
  auto stream = co_await weft::attempt(std::move(connecting));
  if (!stream) {
    found_down(backend, stream.error().what());
    tried.insert(place.backend);
    throw stream.error();
  }
  co_return Joined(std::move(*stream), std::move(place));
}

weft::Task<void> connect_once(std::string address) {
  co_await weft::StreamSocket::connect(std::move(address));
}

weft::Task<void> get_once(weft::http::Client& client, std::string url) {
  const weft::http::Response response = co_await client.get(std::move(url));
  const auto code = response.status.code();
  if (code < 200 || code >= 400) throw std::runtime_error("status " + std::to_string(code));
}

/// Never fails: what goes wrong is the backend's state.
weft::Task<void> check_one(BackendRef backend, weft::http::Client& client,
                           const Settings& settings) {
  try {
    auto check = settings.check_path.empty()
                     ? connect_once(backend->address())
                     : get_once(client, "http://" + backend->address() + settings.check_path);
    co_await weft::timeout(std::move(check), settings.check, "check " + backend->address());
    if (backend->set_up(true)) report(backend->address() + " is up");
  } catch (const std::exception& error) {
    found_down(*backend, error.what());
  }
}

}  // namespace

void report(const std::string& text) { std::cerr << "balancer: " + text + "\n"; }

weft::Task<void> relay(weft::StreamSocket client, const Backends& backends,
                       const Settings& settings) {
  std::set<BackendRef> tried;
  weft::RetryPolicy policy;
  policy.attempts(settings.attempts).pauses(20ms, 500ms).jitter(weft::Jitter::equal);
  policy.retry_errors_if([](const std::exception_ptr&) { return true; });
  const auto one = [&] { return join_one(backends, tried, settings.connect); };
  Joined joined = co_await weft::retry(policy, one);
  // A peer that vanishes without a word is noticed by probes.
  static_cast<void>(client.set_keep_alive(60s));
  static_cast<void>(joined.stream.set_keep_alive(60s));
  if (settings.idle > 0ms) {
    co_await join_within(client, joined.stream, settings.idle);
  } else {
    co_await weft::copy_bidirectional(client, joined.stream);  // by splice(2), without a copy
  }
}

weft::Task<void> check_health(const Backends& backends, const Settings& settings) {
  weft::http::ClientOptions options;
  options.max_idle_per_host = 0;  // a connection that is kept would prove less than a new one
  weft::http::Client client(options);
  auto check_all = [&](weft::Scope& scope) -> weft::Task<void> {
    for (const BackendRef& backend : backends.all()) {
      scope.spawn(check_one, backend, std::ref(client), std::cref(settings));
    }
    co_return;
  };
  for (;;) {
    co_await weft::scope(check_all);
    co_await weft::sleep_for(settings.check);
  }
}

weft::Task<void> load(Backends& backends, const Settings& settings) {
  const std::string text = co_await weft::read_text(settings.file);
  const std::vector<std::string> addresses = parse_backends(settings.file, text);
  backends.replace(addresses);
}

weft::Task<void> reload_on(weft::SignalListener& hangups, Backends& backends,
                           const Settings& settings) {
  while (const auto number = co_await hangups.next()) {
    static_cast<void>(number);
    try {
      co_await load(backends, settings);
      report("now " + std::to_string(backends.all().size()) + " backends");
    } catch (const std::runtime_error& error) {
      report("the backends stay as they were: " + std::string(error.what()));
    }
  }
}

}  // namespace balancer
