// A service over HTTP: routes, shared state, limits, a time limit for what is slow, and errors.
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include <weft/http.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
namespace http = weft::http;

// [service]
/// What it does. One object serves all requests, on several workers at the same time.
class Notes {
 public:
  weft::Task<http::Response> answer(http::Request& request) {
    if (request.path() == "/notes" && request.method == http::Method::get) co_return list();
    if (request.path() == "/notes" && request.method == http::Method::post) co_return add(request);
    if (request.path() == "/search") co_return co_await search(request);
    co_return http::Response::of(404);
  }

 private:
  http::Response list() const {
    std::string text;
    const std::lock_guard lock(mutex_);  // nothing waits under it
    for (const std::string& note : notes_) text += note + "\n";
    return http::Response::text(std::move(text));
  }
  http::Response add(http::Request& request) {
    if (request.body.empty()) return http::Response::of(400);
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(request.body));
    return http::Response::of(201);
  }
  // [/service]

  // [slow]
  /// The limit stands where the slow part is, so that the answer can say what it was.
  static weft::Task<http::Response> search(http::Request& request) {
    try {
      const std::string word = request.query_value("word").value_or("");
      const std::string found = co_await weft::timeout(ask_index(word), 50ms);
      co_return http::Response::text(found);
    } catch (const weft::IoError& error) {
      if (error.code() != std::errc::timed_out) throw;
      co_return http::Response::text("the index is slow\n", 504);
    }
  }
  // [/slow]
  static weft::Task<std::string> ask_index(std::string word) {
    if (word.empty()) throw std::invalid_argument("no word was given");
    co_await weft::sleep_for(word == "slow" ? 10s : 1ms);  // stands for another server
    co_return "found: " + word + "\n";
  }

  mutable std::mutex mutex_;
  std::vector<std::string> notes_;  // guarded by mutex_
};

// [options]
http::ServerOptions limits() {
  http::ServerOptions options;
  options.limits.max_body = 1024;  // a larger body: 413, and the connection is closed
  options.header_timeout = 5s;     // a request that does not come to its end
  options.idle_timeout = 30s;      // between two requests
  options.max_connections = 1000;  // more wait in the system's queue
  options.on_handler_error = [](const http::Request& request, std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& failure) {
      std::printf("%s: %s\n", request.target.c_str(), failure.what());
    } catch (...) {
      std::printf("%s: failed\n", request.target.c_str());
    }
  };
  return options;
}
// [/options]

weft::Task<void> show(http::Client& client, const std::string& base, http::ClientRequest request) {
  const std::string what =
      std::string(to_string(request.method)) + " " + request.url.substr(base.size());
  http::Response response = co_await client.request(std::move(request));
  if (!response.body.ends_with('\n')) response.body += '\n';
  std::printf("%s: %d %s", what.c_str(), response.status.code(), response.body.c_str());
}

weft::Task<void> ask(const std::string& base) {
  http::Client client;
  for (const std::size_t size : {std::size_t{5}, std::size_t{2000}}) {
    http::ClientRequest post(http::Method::post, base + "/notes");
    post.body = std::string(size, 'x');
    co_await show(client, base, std::move(post));
  }
  for (const char* path : {"/notes", "/search?word=tea", "/search?word=slow", "/search", "/no"}) {
    co_await show(client, base, http::ClientRequest(http::Method::get, base + path));
  }
}

// [serve]
weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  Notes notes;  // before the server, which uses it
  http::Server server(limits(), [&](http::Request& request) { return notes.answer(request); });
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn([&] { return server.serve(listener); });
    co_await ask("http://" + listener.local_endpoint().to_string());
    server.drain();  // the scope waits until the last connection has ended
  };
  co_await weft::scope(body);
}
// [/serve]

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
