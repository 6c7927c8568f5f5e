// Fetches all URLs of its arguments at once, by libcurl on a weft runtime:
//   curl http://127.0.0.1:8080/one http://127.0.0.1:8080/two
#include "curl.hpp"

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {

// [get]
std::size_t append(const char* data, std::size_t size, std::size_t count, std::string* text) {
  text->append(data, size * count);
  return size * count;
}

weft::Task<std::string> get(foreign::Curl& curl, std::string url) {
  std::string text;
  const std::unique_ptr<CURL, void (*)(CURL*)> easy(curl_easy_init(), &curl_easy_cleanup);
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &append);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &text);
  co_await curl.perform(easy.get());
  co_return text;
}
// [/get]

weft::Task<int> get_all(std::vector<std::string> urls) {
  int failures = 0;
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    foreign::Curl curl(scope);  // its driver is a task of the scope
    std::vector<weft::JoinHandle<std::string>> texts;
    // Tasks outside the scope, which would end at the first failure.
    for (const std::string& url : urls) texts.push_back(weft::spawn(get, std::ref(curl), url));
    for (std::size_t i = 0; i < urls.size(); ++i) {
      try {
        const std::string text = co_await std::move(texts[i]);
        std::printf("%zu bytes from %s\n", text.size(), urls[i].c_str());
      } catch (const weft::IoError& error) {
        ++failures;
        std::printf("%s\n", error.what());
      }
    }
  };
  co_await weft::scope(body);
  co_return failures;
}

}  // namespace

int main(int argc, char** argv) {
  weft::Runtime runtime;
  return runtime.block_on(get_all({argv + 1, argv + argc})) == 0 ? 0 : 1;
}
