// A server that finishes what it has begun when it is told to end.
#include <sys/signalfd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [signals]
/// SIGINT and SIGTERM as something to await. Make it before the runtime: threads inherit what it
/// blocks.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    handle_ = signalfd(-1, &signals_, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  ~EndSignals() { close(handle_); }
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  /// Ends when one has come. Cancel: stops waiting.
  weft::Task<void> wait() { return weft::wait_readable(handle_); }

 private:
  sigset_t signals_;
  int handle_;
};
// [/signals]

weft::Task<weft::http::Response> answer_slowly(weft::http::Request&) {
  co_await weft::sleep_for(200ms);
  co_return weft::http::Response::text("finished");
}

// [serve]
weft::Task<void> drain_at_end(EndSignals& signals, weft::http::Server& server) {
  co_await signals.wait();
  std::puts("asked to end: no more connections");
  server.drain();
}

weft::Task<void> serve(EndSignals& signals, weft::SocketListener& listener) {
  weft::http::ServerOptions options;
  options.drain_timeout = 5s;  // what a request under way is given
  weft::http::Server server(options, answer_slowly);
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn(drain_at_end, std::ref(signals), std::ref(server));
    co_await server.serve(listener);  // returns after drain(), with the last connection
    scope.cancel_children();
  };
  co_await weft::scope(body);
  std::puts("all requests are answered");
}
// [/serve]

// [try]
/// Stands for a client, and for an operator that ends the program while the client waits.
weft::Task<std::string> ask_and_end(std::string url) {
  weft::http::Client client;
  auto request = weft::spawn(client.get(std::move(url)));
  co_await weft::sleep_for(50ms);
  kill(getpid(), SIGTERM);
  weft::http::Response response = co_await std::move(request);
  co_return std::to_string(response.status.code()) + " " + response.body;
}

int main() {
  EndSignals signals;
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::Runtime runtime;  // after what its tasks use, and so destroyed before
  auto client = runtime.spawn(ask_and_end, "http://" + listener.local_endpoint().to_string() + "/");
  runtime.block_on(serve(signals, listener));
  std::printf("the client got: %s\n", runtime.block_on(std::move(client)).c_str());
}
// [/try]
