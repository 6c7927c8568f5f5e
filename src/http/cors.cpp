#include <weft/http/cors.hpp>

#include <algorithm>
#include <stdexcept>

#include "http/char_class.hpp"

namespace weft::inline v0_1::http {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("weft::http::cors: " + what);
}

void check_origin(const std::string& origin) {
  if (origin == "*" || origin == "null") return;
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string::npos || scheme == 0 || scheme + 3 == origin.size() ||
      origin.find('/', scheme + 3) != std::string::npos || !all(kTarget, origin)) {
    refuse("'" + origin + "' is no origin: scheme://host[:port]");
  }
}

[[nodiscard]] std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (name.empty() || !all(kToken, name)) refuse("'" + name + "' is no token");
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

class Cors {
 public:
  explicit Cors(CorsOptions options)
      : origins_(std::move(options.origins)),
        methods_(list_of(options.methods)),
        request_headers_(list_of(options.request_headers)),
        exposed_(list_of(options.exposed_headers)),
        max_age_(std::to_string(options.max_age.count())),
        credentials_(options.credentials),
        any_(std::ranges::find(origins_, "*") != origins_.end()) {
    for (const std::string& origin : origins_) check_origin(origin);
    if (any_ && credentials_) refuse("credentials cannot go to each origin: name the origins");
  }

  Task<Response> operator()(Request& request, Next next) const {
    return answer(request, next, *this);
  }

 private:
  static Task<Response> answer(Request& request, Next next, const Cors& self) {
    // A copy: the handler may change the request.
    const std::string origin(request.headers.find("Origin").value_or(""));
    const bool preflight = request.method == Method::options && !origin.empty() &&
                           request.headers.contains("Access-Control-Request-Method");
    if (preflight) co_return self.preflight(origin);
    Response response = co_await next(request);
    self.add_to(response, origin);
    co_return response;
  }

  [[nodiscard]] bool allows(std::string_view origin) const noexcept {
    return any_ || std::ranges::find(origins_, origin) != origins_.end();
  }
  /// Adds what each response has. Returns whether the origin may read it.
  bool add_to(Response& response, const std::string& origin) const {
    if (!any_) add_vary(response.headers, "Origin");
    if (origin.empty() || !allows(origin)) return false;
    response.headers.set("Access-Control-Allow-Origin", any_ ? "*" : origin);
    if (credentials_) response.headers.set("Access-Control-Allow-Credentials", "true");
    if (!exposed_.empty()) response.headers.set("Access-Control-Expose-Headers", exposed_);
    return true;
  }
  [[nodiscard]] Response preflight(const std::string& origin) const {
    Response response(204);
    if (!add_to(response, origin)) return response;
    response.headers.remove("Access-Control-Expose-Headers");
    if (!methods_.empty()) response.headers.set("Access-Control-Allow-Methods", methods_);
    if (!request_headers_.empty()) {
      response.headers.set("Access-Control-Allow-Headers", request_headers_);
    }
    response.headers.set("Access-Control-Max-Age", max_age_);
    return response;
  }

  std::vector<std::string> origins_;
  std::string methods_;
  std::string request_headers_;
  std::string exposed_;
  std::string max_age_;
  bool credentials_;
  bool any_;
};

}  // namespace

AnyMiddleware cors(CorsOptions options) { return Cors(std::move(options)); }

}  // namespace weft::inline v0_1::http
