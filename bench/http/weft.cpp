// The subject weft of `bench/run http`: one thread that answers GET /0/x with "x", GET /file/100k
// with a file of the directory, and POST /post, after all of its body, with "x".
//   http_weft --listen HOST:PORT --files DIRECTORY [--tls CERTIFICATE KEY]
#include <array>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <weft/http.hpp>
#include <weft/tls.hpp>
#include <weft/weft.hpp>

#include "../fd_limit.hpp"

namespace {

namespace http = weft::http;
namespace tls = weft::tls;

struct Options {
  std::string listen;
  std::string files;
  std::string certificate;
  std::string key;
};

std::optional<Options> parse(std::vector<std::string> words) {
  if (words.size() != 4 && words.size() != 7) return std::nullopt;
  if (words[0] != "--listen" || words[2] != "--files") return std::nullopt;
  Options options{std::move(words[1]), std::move(words[3]), {}, {}};
  if (words.size() == 4) return options;
  if (words[4] != "--tls") return std::nullopt;
  options.certificate = std::move(words[5]);
  options.key = std::move(words[6]);
  return options;
}

http::Response plain(http::Request&) { return http::Response::text("x"); }

weft::Task<http::Response> post(http::Request&, http::BodyReader& body) {
  std::array<std::byte, 16 * 1024> buffer;
  for (;;) {
    const std::size_t size = co_await body.read(buffer);
    if (size == 0) break;
  }
  co_return http::Response::text("x");
}

http::Router routes(const std::string& files) {
  http::Router router;
  router.get("/0/x", plain);
  router.get("/file/{path...}", http::StaticFiles(files));
  router.post("/post", post);
  return router;
}

tls::ServerContext context_of(const Options& options) {
  tls::ServerOptions how;
  how.identities.emplace_back(options.certificate, options.key);
  how.alpn = {"http/1.1"};
  how.tickets = 0;  // each handshake is a full one, as in the other subjects
  return tls::ServerContext(std::move(how));
}

weft::Task<void> serve_encrypted(http::Server& server, weft::SocketListener& tcp,
                                 const tls::ServerContext& context) {
  tls::Listener listener(tcp, context);
  co_await server.serve(listener);
}

weft::Task<void> serve(http::Server& server, weft::SocketListener& tcp, const Options& options) {
  if (options.certificate.empty()) {
    co_await server.serve(tcp);
    co_return;
  }
  const tls::ServerContext context = context_of(options);
  co_await serve_encrypted(server, tcp, context);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse({argv + 1, argv + argc});
  if (!options) {
    std::fprintf(stderr, "usage: http_weft --listen HOST:PORT --files DIR [--tls CERT KEY]\n");
    return 2;
  }
  raise_fd_limit();
  weft::SocketListener listener = weft::SocketListener::bind(options->listen);
  http::ServerOptions how;
  how.server_name.clear();
  http::Server server(how, routes(options->files));
  weft::RuntimeOptions one;
  one.current_thread = true;
  weft::Runtime runtime(one);
  std::printf("listening on %s\n", listener.local_endpoint().to_string().c_str());
  std::fflush(stdout);
  runtime.block_on(serve(server, listener, *options));
}
