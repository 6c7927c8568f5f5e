// A value that belongs to a request, seen by all that the request leads to, without a parameter.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

namespace http = weft::http;
using namespace std::chrono_literals;

// [local]
const weft::TaskLocal<std::string> request_id;

/// An ordinary function, far below.
void log(const char* what) {
  const std::string* const id = request_id.find();
  std::printf("[%s] %s\n", id != nullptr ? id->c_str() : "-", what);
}
// [/local]

// [handle]
weft::Task<void> ask_database() {
  co_await weft::sleep_for(5ms);
  log("the database has answered");
}

weft::Task<void> write_audit() {
  co_await weft::sleep_for(10ms);
  log("the audit line is written");
}

weft::Task<void> handle() {
  log("begins");
  co_await weft::when_all(ask_database(), write_audit());  // children inherit it
}

weft::Task<void> program() {
  log("before");
  co_await request_id.with("17", handle());
  log("after");
}
// [/handle]

// [answer]
weft::Task<http::Response> find_page(http::Request& request) {
  if (request.path() != "/") throw std::runtime_error("there is no such page");
  co_await ask_database();
  co_return http::Response::text("hello\n");
}

weft::Task<http::Response> answer_or_explain(http::Request& request) {
  std::string failure;
  try {
    co_return co_await find_page(request);
  } catch (const std::exception& error) {
    failure = error.what();
  }
  log(failure.c_str());  // with the number: the binding is still there
  co_return http::Response::text("failed, request " + *request_id.find() + "\n", 500);
}

weft::Task<http::Response> answer(http::Request& request) {
  static std::atomic<int> count = 40;
  std::string id = std::to_string(++count);
  co_return co_await request_id.with(std::move(id), answer_or_explain(request));
}
// [/answer]

weft::Task<void> ask(std::string url) {
  http::Client client;
  const http::Response response = co_await client.get(std::move(url));
  std::printf("%d: %s", response.status.code(), response.body.c_str());
}

weft::Task<void> service() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  http::Server server({}, answer);
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn([&] { return server.serve(listener); });
    const std::string place = "http://" + listener.local_endpoint().to_string();
    co_await ask(place + "/");
    co_await ask(place + "/no");
    server.drain();
  };
  co_await weft::scope(body);
}

int main() {
  weft::block_on(program());
  weft::block_on(service());
}
