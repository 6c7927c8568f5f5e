// `weft serve`: the files of a directory over HTTP.
#include <atomic>
#include <csignal>
#include <exception>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>
#include <weft/http/access_log.hpp>
#include <weft/http/middleware.hpp>
#include <weft/http/server.hpp>
#include <weft/http/static_files.hpp>

#ifdef WEFT_WITH_COMPRESSION
#include <weft/compression/http.hpp>
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

}  // namespace

int run_serve(const ServeOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // an error of print() instead
  http::Handler handler = files_of(options);
  handler = compressed(std::move(handler), options);
  handler = http::wrap(std::move(handler), http::recover());
  handler = logged(std::move(handler), options);
  http::Server server(server_options(), std::move(handler));
  return serve_until_stopped(options.listen, options.workers, server);
}

}  // namespace weft::tool
