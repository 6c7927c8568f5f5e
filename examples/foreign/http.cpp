// Fetches all URLs of its arguments at once, by weft's own HTTP client:
//   http http://127.0.0.1:8080/300/one http://127.0.0.1:8080/200/two
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>
#include <weft/http.hpp>
#include <weft/weft.hpp>

namespace {

// [get]
weft::Task<void> get(weft::http::Client& client, std::string url) {
  const weft::TimePoint start = weft::now();
  const weft::http::Response response = co_await client.get(std::move(url));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(weft::now() - start);
  std::printf("%d %s, after %d ms\n", response.status.code(), response.body.c_str(),
              static_cast<int>(took.count()));
}

weft::Task<void> get_all(std::vector<std::string> urls) {
  weft::http::Client client;
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    for (const std::string& url : urls) scope.spawn(get, std::ref(client), url);
    co_return;
  };
  co_await weft::scope(body);
}
// [/get]

}  // namespace

int main(int argc, char** argv) {
  try {
    weft::Runtime runtime;
    const weft::TimePoint start = weft::now();
    runtime.block_on(get_all({argv + 1, argv + argc}));
    const std::chrono::duration<double> took = weft::now() - start;
    std::printf("all: %.2f s\n", took.count());
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
