// A server that finishes what it has begun when it is told to end.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

weft::Task<weft::http::Response> answer_slowly(weft::http::Request&) {
  co_await weft::sleep_for(200ms);
  co_return weft::http::Response::text("finished");
}

// [serve]
weft::Task<void> serve(weft::SocketListener& listener, weft::Task<int> stop) {
  weft::http::ServerOptions options;
  options.drain_timeout = 5s;  // what a request under way is given
  weft::http::Server server(options, answer_slowly);
  co_await server.serve_until(listener, std::move(stop));
  std::puts("all requests are answered");
}
// [/serve]

// [try]
/// Stands for a client, and for an operator that ends the program while the client waits.
weft::Task<std::string> ask_and_end(std::string url) {
  weft::http::Client client;
  auto request = weft::spawn(client.get(std::move(url)));
  co_await weft::sleep_for(50ms);
  std::raise(SIGTERM);
  weft::http::Response response = co_await std::move(request);
  co_return std::to_string(response.status.code()) + " " + response.body;
}

int main() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::Task<int> stop = weft::stop_requested();  // from here on a signal is a request to end
  weft::Runtime runtime;  // after what its tasks use, and so destroyed before
  auto client = runtime.spawn(ask_and_end, "http://" + listener.local_endpoint().to_string() + "/");
  runtime.block_on(serve(listener, std::move(stop)));
  std::printf("the client got: %s\n", runtime.block_on(std::move(client)).c_str());
}
// [/try]
