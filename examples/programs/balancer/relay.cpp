#include "relay.hpp"

#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <weft/http.hpp>

#include "../silence.hpp"

using namespace std::chrono_literals;

namespace balancer {

namespace {

/// A connection to a backend, and its place there.
struct Joined {
  Joined(weft::StreamSocket to, Place at) : stream(std::move(to)), place(std::move(at)) {}
  weft::StreamSocket stream;
  Place place;
};

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
    co_await programs::join_within(client, joined.stream, settings.idle);
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
