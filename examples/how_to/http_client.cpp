// Fetches many pages at once over pooled connections.
#include <chrono>
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

weft::http::Response answer(weft::http::Request& request) {
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
  server.drain();
  co_await std::move(serving);
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
