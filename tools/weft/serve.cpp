// `weft serve`: the files of a directory over HTTP.
#include <atomic>
#include <csignal>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <weft/http/access_log.hpp>
#include <weft/http/middleware.hpp>
#include <weft/http/server.hpp>
#include <weft/http/static_files.hpp>

#ifdef WEFT_WITH_COMPRESSION
#include <weft/compression/http.hpp>
#endif
#ifdef WEFT_WITH_TLS
#include <weft/result.hpp>
#include <weft/select.hpp>
#include <weft/signal.hpp>
#include <weft/tls.hpp>
#endif

#include "commands.hpp"
#include "serving.hpp"
#include "standard_streams.hpp"

namespace weft::tool {

namespace {

http::Handler files_of(const ServeOptions& options) {
  http::StaticFilesOptions how;
  how.list_directories = options.list;
  how.hidden_files = options.hidden;
  how.precompressed = true;
  how.cache_control = options.cache_control;
  return http::StaticFiles(options.directory, std::move(how));
}

http::Handler compressed(http::Handler handler, [[maybe_unused]] const ServeOptions& options) {
#ifdef WEFT_WITH_COMPRESSION
  if (options.compress) return http::wrap(std::move(handler), http::compress());
#endif
  return handler;
}

// Prints lines; says once if that fails, and goes on serving.
http::AccessLog::Sink to_standard_output() {
  const auto failed = std::make_shared<std::atomic<bool>>(false);
  return [failed](std::string_view line) {
    try {
      print(line);
    } catch (const std::exception& error) {
      if (!failed->exchange(true)) complain("serve", error.what());
    }
  };
}

http::Handler logged(http::Handler handler, const ServeOptions& options) {
  if (options.log == "none") return handler;
  using Form = http::AccessLog::Form;
  const Form form = options.log == "json"     ? Form::json
                    : options.log == "common" ? Form::common
                                              : Form::combined;
  return http::wrap(std::move(handler),
                    http::log_access(http::AccessLog(form, to_standard_output())));
}

#ifdef WEFT_WITH_TLS
tls::ServerContext make_context(const ServeOptions& options) {
  tls::ServerOptions how;
  how.identities.emplace_back(options.tls_certificate, options.tls_key);
  how.alpn = {"http/1.1"};
  return tls::ServerContext(std::move(how));
}

void complain_of_files(const tls::ServerContext& context) {
  for (const std::string& warning : context.warnings()) complain("serve", warning);
}

Task<void> reload_at_hangups(tls::ServerContext context) {
  SignalListener hangups(SIGHUP);
  for (std::optional<int> hangup;;) {
    hangup = co_await hangups.next();
    if (!hangup) co_return;
    try {
      context.reload();
      complain_of_files(context);
    } catch (const IoError& error) {
      complain("serve", std::string("goes on with the certificate it has: ") + error.what());
    }
  }
}

Task<void> serve_over_tls(http::Server& server, SocketListener& tcp, tls::ServerContext context) {
  tls::Listener listener(tcp, context);
  (void)co_await select(server.serve(listener), reload_at_hangups(context));
}

int serve_encrypted(const ServeOptions& options, http::Server& server) {
  const tls::ServerContext context = make_context(options);
  complain_of_files(context);
  return serve_until_stopped(options.listen, options.workers, server,
                             [&server, &context](SocketListener& listener) {
                               return serve_over_tls(server, listener, context);
                             });
}
#else
int serve_encrypted(const ServeOptions&, http::Server&) {
  complain("serve", "--tls-cert: this program is built without TLS");
  return exit_usage;
}
#endif

}  // namespace

int run_serve(const ServeOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // an error of print() instead
  http::Handler handler = files_of(options);
  handler = compressed(std::move(handler), options);
  handler = http::wrap(std::move(handler), http::recover());
  handler = logged(std::move(handler), options);
  http::Server server(server_options(), std::move(handler));
  if (!options.tls_certificate.empty()) return serve_encrypted(options, server);
  return serve_until_stopped(options.listen, options.workers, server);
}

}  // namespace weft::tool
