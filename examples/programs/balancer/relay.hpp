// What a balancer does: it relays connections, and looks after its backends.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <weft/weft.hpp>

#include "backends.hpp"

namespace balancer {

struct Settings {
  std::string listen = "127.0.0.1:7070";
  std::string file;        // of the backends
  std::string check_path;  // of an HTTP check; empty: a connect is the check
  std::size_t connections = 10'000;
  std::size_t per_backend = 1000;
  std::size_t attempts = 5;
  std::chrono::milliseconds connect = std::chrono::seconds(2);
  std::chrono::milliseconds check = std::chrono::seconds(2);  // between checks, and for each
  std::chrono::milliseconds drain = std::chrono::seconds(10);
  std::chrono::milliseconds idle{0};  // nothing moves for so long: the connection ends. 0: never
};

/// Prints a line that begins with the program's name on standard error.
void report(const std::string& text);

/// Joins the client with a backend: if a connect fails, with another one after a pause. Throws the
/// last error if no attempt succeeds.
weft::Task<void> relay(weft::StreamSocket client, const Backends& backends,
                       const Settings& settings);

/// Checks all backends now, then every `settings.check`, until it is cancelled.
weft::Task<void> check_health(const Backends& backends, const Settings& settings);

/// Reads the file of backends. Throws IoError and BadBackends; then `backends` is as it was.
weft::Task<void> load(Backends& backends, const Settings& settings);

/// Loads again with each SIGHUP, until it is cancelled. A file that is wrong changes nothing.
weft::Task<void> reload_on(weft::SignalListener& hangups, Backends& backends,
                           const Settings& settings);

}  // namespace balancer
