// CORS: which sites' scripts may use this one, as browsers ask (the Fetch standard, 3.2). Part of
// <weft/http.hpp>.
//
//   http::CorsOptions options;
//   options.origins = {"https://app.example.org"};
//   http::Handler handler = http::wrap(router, http::cors(options));
#pragma once

#include <weft/http/middleware.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace weft::inline v0_1::http {

struct CorsOptions {
  CorsOptions() {}

  /// Origins that may read responses, as browsers send them: "https://app.example.org". "*": each.
  std::vector<std::string> origins;
  /// Methods that scripts may use besides GET, HEAD and POST.
  std::vector<std::string> methods = {"PUT", "PATCH", "DELETE"};
  /// Fields of requests that scripts may set besides the usual ones.
  std::vector<std::string> request_headers = {"Content-Type", "Authorization"};
  /// Fields of responses that scripts may read besides the usual ones.
  std::vector<std::string> exposed_headers;
  /// Scripts may send cookies and the like. Not together with the origin "*".
  bool credentials = false;
  /// How long a browser may remember the answer to a preflight.
  std::chrono::seconds max_age = std::chrono::hours(1);
};

/// Answers preflights (OPTIONS with Access-Control-Request-Method) with 204, and adds the fields to
/// the responses of other requests. A request of another origin is handled, as one without CORS
/// would be; the browser then keeps the response from the script. Each response has "Vary: Origin"
/// unless all origins get the same one. Throws std::invalid_argument for credentials with "*", for
/// an origin with a path or without a scheme (other than "null"), and for names that are no tokens.
[[nodiscard]] AnyMiddleware cors(CorsOptions options);

}  // namespace weft::inline v0_1::http
