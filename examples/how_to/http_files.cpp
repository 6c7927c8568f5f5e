// Files, ranges, compression and server-sent events.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <weft/compression.hpp>
#include <weft/http.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
namespace http = weft::http;

// [events]
/// The producer is cancelled when the client has left.
http::Response ticks(http::Request&) {
  return http::event_stream([](http::EventWriter& events) -> weft::Task<void> {
    for (int i = 1; i <= 3; ++i) {
      http::ServerEvent event("tick " + std::to_string(i));
      event.id = std::to_string(i);
      co_await events.send(std::move(event));
      co_await weft::sleep_for(1ms);
    }
  });
}
// [/events]

// [files]
http::Handler site(const std::filesystem::path& root) {
  http::StaticFilesOptions files;
  files.precompressed = true;  // page.html.br and page.html.gz, if they are there
  files.cache_control = "max-age=60";
  http::Router router;
  router.get("/ticks", ticks);
  router.get("/{path...}", http::StaticFiles(root, files));
  return http::wrap(std::move(router), http::compress());  // what is not compressed yet
}
// [/files]

// [resume]
/// Gets the rest of a file of which `have` bytes are there; all of it if it has changed since.
weft::Task<std::string> resume(http::Client& client, std::string url, std::string tag,
                               std::size_t have) {
  http::ClientRequest request(http::Method::get, url);
  request.headers.add("Range", "bytes=" + std::to_string(have) + "-");
  request.headers.add("If-Range", tag);
  const http::Response response = co_await client.request(std::move(request));
  std::printf("%d %s\n", response.status.code(),
              std::string(response.headers.find("Content-Range").value_or("whole")).c_str());
  co_return response.body;
}
// [/resume]

// [ask]
weft::Task<void> ask(const std::string& base) {
  http::Client client;
  http::ClientRequest request(http::Method::get, base + "/numbers.txt");
  request.headers.set("Accept-Encoding", http::accept_encoding());
  http::Response response = co_await client.request(std::move(request));
  const std::size_t packed = response.body.size();
  http::decompress(response);
  std::printf("%zu bytes came as fewer: %s\n", response.body.size(),
              packed < response.body.size() / 2 ? "yes" : "no");
  // [/ask]
  const http::Response whole = co_await client.get(base + "/numbers.txt");
  std::string text = whole.body.substr(0, 5000);
  const std::string tag(whole.headers.find("ETag").value_or(""));
  text += co_await resume(client, base + "/numbers.txt", tag, text.size());
  std::printf("resumed: %s\n", text == whole.body ? "the same" : "another file");
  for (const char* path : {"/", "/nothing", "/%2e%2e/secret"}) {
    const http::Response answer = co_await client.get(base + path);
    std::printf("%s: %d\n", path, answer.status.code());
  }
  // [parse]
  const http::Response stream = co_await client.get(base + "/ticks");
  http::EventParser events;
  events.push(stream.body);
  while (const auto event = events.next()) {
    std::printf("%s: %s\n", event->id.c_str(), event->data.c_str());
  }
  // [/parse]
}

weft::Task<void> write_files(const std::filesystem::path& root) {
  std::string numbers;
  for (int i = 0; i < 3000; ++i) numbers += std::to_string(i) + "\n";
  co_await weft::write_file(root / "numbers.txt", numbers);
  co_await weft::write_file(root / "index.html", "<p>numbers");
  // The tag of a file is weak in the second of its change, and says nothing to a resumed download.
  std::filesystem::last_write_time(root / "numbers.txt",
                                   std::filesystem::file_time_type::clock::now() - 1h);
}

weft::Task<void> program() {
  const weft::TemporaryDirectory root = co_await weft::TemporaryDirectory::create();
  co_await write_files(root.path());
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  http::Server server({}, site(root.path()));
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn([&] { return server.serve(listener); });
    co_await ask("http://" + listener.local_endpoint().to_string());
    server.drain();
  };
  co_await weft::scope(body);
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
