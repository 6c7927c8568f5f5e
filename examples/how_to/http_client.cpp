// Fetches many pages at once over pooled connections.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>
#include <weft/http.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
namespace streams = weft::streams;

// [get]
weft::Task<std::size_t> size_of(weft::http::Client& client, std::string url) {
  const weft::http::Response response = co_await client.get(std::move(url));
  if (response.status.is_error()) co_return std::size_t{0};
  co_return response.body.size();
}
// [/get]

// [many]
/// Eight requests are under way at a time; sizes come in the order of the addresses.
weft::Task<std::size_t> size_of_all(std::vector<std::string> urls) {
  weft::http::ClientOptions options;
  options.timeout = 5s;  // for each request, from its name to its last byte
  weft::http::Client client(options);
  auto body = [&](weft::Scope& scope) -> weft::Task<std::size_t> {
    auto fetch = [&](std::string url) { return size_of(client, std::move(url)); };
    const auto in_scope = weft::SpawnOptions().owner(scope);
    auto sizes = streams::from_range(std::move(urls)) | streams::buffered(in_scope, 8, fetch);
    std::size_t sum = 0;
    while (auto size = co_await sizes.next()) sum += *size;
    co_return sum;
  };
  co_return co_await weft::scope(body);
}
// [/many]

// [download]
/// Reads the body as it comes: a slow consumer stops the server.
weft::Task<std::uint64_t> count_bytes(weft::http::Client& client, std::string url) {
  weft::http::ClientRequest request(weft::http::Method::get, std::move(url));
  weft::http::IncomingResponse response = co_await client.start(std::move(request));
  std::vector<std::byte> buffer(64 * 1024);
  for (;;) {
    const std::size_t size = co_await response.body.read(buffer);
    if (size == 0) co_return response.body.bytes_read();
  }
}
// [/download]

// [upload]
/// Sends what it makes while it makes it. Nothing is made faster than the server takes it.
weft::Task<int> send_numbers(weft::http::Client& client, std::string url, int count) {
  weft::http::ClientRequest request(weft::http::Method::post, std::move(url));
  request.stream([count](weft::http::BodyWriter& out) -> weft::Task<void> {
    for (int i = 0; i < count; ++i) co_await out.write_all(std::to_string(i) + "\n");
  });
  const weft::http::Response response = co_await client.request(std::move(request));
  co_return response.status.code();
}
// [/upload]

// [careful]
/// A client for other hosts' services.
weft::http::ClientOptions careful() {
  weft::http::ClientOptions options;
  options.max_connections_per_host = 8;  // further requests wait their turn
  options.resolve_timeout = 2s;
  options.first_byte_timeout = 10s;
  options.silence_timeout = 5s;
  options.follow_redirects = 5;
  options.retry = weft::RetryPolicy().attempts(3).pauses(100ms, 2s);
  options.proxies = weft::http::Proxies::from_environment();
  return options;
}
// [/careful]

weft::http::Response answer(weft::http::Request& request) {
  if (request.method == weft::http::Method::post) {
    return weft::http::Response::of(request.body.ends_with("\n") ? 200 : 400);
  }
  return weft::http::Response::text("you asked for " + std::string(request.path()));
}

weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  const std::string base = "http://" + listener.local_endpoint().to_string() + "/";
  weft::http::Server server({}, answer);
  auto serving = weft::spawn(server.serve(listener));
  std::vector<std::string> urls;
  for (int i = 0; i < 100; ++i) urls.push_back(base + std::to_string(i));
  const std::size_t sum = co_await size_of_all(std::move(urls));
  std::printf("100 pages, %zu bytes\n", sum);
  weft::http::ClientOptions options = careful();
  options.proxies = {};  // the server is on this machine
  weft::http::Client client(options);
  const std::uint64_t size = co_await count_bytes(client, base + "page");
  const int status = co_await send_numbers(client, base, 10'000);
  std::printf("%llu bytes read, status %d\n", static_cast<unsigned long long>(size), status);
  server.drain();
  co_await std::move(serving);
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
