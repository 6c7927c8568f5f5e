// Middleware: what stands around handlers. Part of <weft/http.hpp>. CORS is in
// <weft/http/cors.hpp>, the access log in <weft/http/access_log.hpp>.
//
//   http::Server server({}, http::wrap(std::move(router),
//                                      http::log_access(log), http::identify_requests(),
//                                      http::recover(), http::limit_time(10s)));
//
// A middleware is a callable that takes a Request& and a Next, and returns a Task<Response>: it may
// answer itself, change the request before and the response after, or ask what follows more than
// once. It is called from several workers at the same time.
//
//   auto no_cache = [](http::Request& request, http::Next next) -> weft::Task<http::Response> {
//     http::Response response = co_await next(request);
//     response.headers.set("Cache-Control", "no-store");
//     co_return response;
//   };
//
// The first one given is the outermost. What they limit is the handler, until it has its response:
// a streamed body is made afterwards, when the connection sends it.
#pragma once

#include <weft/http/handler.hpp>
#include <weft/rate_limit.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::http {

/// What a middleware stands before. Two pointers; valid until the middleware has ended.
class Next {
 public:
  Next(const Handler& handler, BodyReader* body) noexcept : handler_(&handler), body_(body) {}
  /// Returns the response of what follows. Throws what that throws.
  [[nodiscard]] Task<Response> operator()(Request& request) const {
    return handler_->answer(request, body_);
  }
  /// Returns the same with another body, which must live until the response is there.
  [[nodiscard]] Next with_body(BodyReader& body) const noexcept { return {*handler_, &body}; }
  /// The body, if it is read as it comes; null: it is in request.body.
  [[nodiscard]] BodyReader* body() const noexcept { return body_; }

 private:
  const Handler* handler_;
  BodyReader* body_;
};

template <class M>
concept Middleware = requires(M& middleware, Request& request, Next next) {
  { middleware(request, next) } -> std::same_as<Task<Response>>;
};

template <Middleware M>
class WrappedHandler final : public HandlerBase {
 public:
  WrappedHandler(M middleware, Handler next)
      : middleware_(std::move(middleware)), next_(std::move(next)) {}
  [[nodiscard]] Task<Response> answer(Request& request, BodyReader* body) const override {
    return middleware_(request, Next(next_, body));
  }

 private:
  mutable M middleware_;
  Handler next_;
};

/// Returns a handler that passes requests through the middleware, in the order in which they are
/// given, to `handler`.
[[nodiscard]] inline Handler wrap(Handler handler) noexcept { return handler; }
template <Middleware M, class... Others>
[[nodiscard]] Handler wrap(Handler handler, M first, Others... others) {
  Handler inner = wrap(std::move(handler), std::move(others)...);
  return Handler(std::make_shared<WrappedHandler<M>>(std::move(first), std::move(inner)));
}

/// Middleware that stands behind a function of the library.
using AnyMiddleware = std::function<Task<Response>(Request&, Next)>;

/// Cancels a handler that waits for longer than that, and answers with 503. A handler that computes
/// without waiting is not interrupted.
[[nodiscard]] AnyMiddleware limit_time(Duration most);

/// At most so many requests are handled at the same time: others wait, in their order, and those
/// beyond `most_waiting` are answered with 503 and Retry-After at once.
[[nodiscard]] AnyMiddleware limit_concurrency(ConcurrencyLimit limit, std::size_t most_waiting = 0);

/// Answers requests beyond the rate with 429 and Retry-After. No request waits.
[[nodiscard]] AnyMiddleware limit_rate(std::shared_ptr<RateLimiter> rate,
                                       std::chrono::seconds retry_after = std::chrono::seconds(1));

/// How identify_requests() names requests.
struct RequestIdOptions {
  RequestIdOptions() {}

  std::string field = "X-Request-Id";  ///< of requests and responses
  /// Takes the id that a request has, if it has at most 128 letters, digits, or "-._~:/+=@". Only
  /// where a proxy in front sets the field: else clients choose ids.
  bool accept = false;
};
/// Gives each request an id of 32 hexadecimal digits in that field, for handlers and logs, and
/// each response the same one. Throws std::invalid_argument if the field's name is not a token.
[[nodiscard]] AnyMiddleware identify_requests(RequestIdOptions options = RequestIdOptions());

/// Called with what a handler has thrown.
using FailureHook = std::function<void(const Request&, std::exception_ptr)>;
/// Makes the response for what a handler has thrown.
using FailurePage = std::function<Response(const Request&, std::exception_ptr)>;
/// Answers for a handler that throws: with `page`, or with 500; a body that is too large with 413,
/// and other errors of http with the status that a server gives them. Tells `hook` before.
[[nodiscard]] AnyMiddleware recover(FailureHook hook = nullptr, FailurePage page = nullptr);

/// Which fields secure_headers() adds, unless the handler has set them. Empty: not that one.
struct SecureHeaders {
  SecureHeaders() {}

  std::string content_type_options = "nosniff";
  std::string frame_options = "DENY";
  std::string referrer_policy = "strict-origin-when-cross-origin";
  std::string content_security_policy = {};
  std::string cross_origin_opener_policy = "same-origin";
  /// Strict-Transport-Security: only for sites that are always reached over TLS.
  std::string strict_transport_security = {};
};
/// Adds fields that make browsers stricter. Throws std::invalid_argument for a control character.
[[nodiscard]] AnyMiddleware secure_headers(SecureHeaders fields = SecureHeaders());

/// Adds a name to the field Vary of a response, unless it is there.
void add_vary(Headers& headers, std::string_view name);

}  // namespace weft::inline v0_1::http
