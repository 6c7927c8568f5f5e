// http::Router: which handler answers which path. Part of <weft/http.hpp>.
//
//   http::Router router;
//   router.get("/users/{id}", show_user);
//   router.post("/users", add_user);
//   router.get("/files/{path...}", http::StaticFiles("public"));
//   router.mount("/admin", admin_routes());
//   http::Server server({}, std::move(router));
//
// A pattern consists of segments between slashes: text that stands for itself, `{name}` for one
// segment that is not empty, and, as the last one, `{name...}` for all that follows, which may be
// empty. What was captured is in Request::path_parameters, decoded.
//
// At each segment text comes before a capture, and a capture before `{name...}`; if the rest of the
// path or the method does not fit there, the next one is tried. So the order in which routes are
// added has no effect. A look-up costs a step for each segment of the path, however many routes
// there are.
//
// Paths are taken as they were sent: none is cleaned up or redirected. `/a` and `/a/` are
// different. A path with a segment "." or ".." (encoded or not), and one with an encoded slash
// where a `{name...}` stands, matches no pattern. One that cannot be decoded is answered with 400.
//
// A path without a handler is answered with 404. If others of its methods have one, the answer is
// 405 with Allow. HEAD goes to the handler for GET unless it has its own. OPTIONS without a
// handler, also of "*", is answered with 204 and Allow.
#pragma once

#include <weft/http/handler.hpp>
#include <weft/http/message.hpp>
#include <weft/task.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace weft::inline v0_1::http {

/// Routes; see the top of this header. Add all of them first; then a Server, or a Handler, takes
/// the Router as its handler, after which it cannot be changed. A value: a copy has the same
/// handlers. One thread adds; any number of tasks on any threads may use it then.
class Router {
 public:
  Router();
  Router(const Router& other);
  Router& operator=(const Router& other);
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  /// Adds a route. Throws std::invalid_argument, and adds nothing, for a pattern that is malformed
  /// or names a capture twice, and for one that matches what an earlier one with this method does:
  /// the text names both.
  Router& route(Method method, std::string_view pattern, Handler handler);
  /// Adds a route for all methods that have no route of their own there.
  Router& any(std::string_view pattern, Handler handler);
  Router& get(std::string_view pattern, Handler handler) {
    return route(Method::get, pattern, std::move(handler));
  }
  Router& post(std::string_view pattern, Handler handler) {
    return route(Method::post, pattern, std::move(handler));
  }
  Router& put(std::string_view pattern, Handler handler) {
    return route(Method::put, pattern, std::move(handler));
  }
  Router& patch(std::string_view pattern, Handler handler) {
    return route(Method::patch, pattern, std::move(handler));
  }
  Router& del(std::string_view pattern, Handler handler) {
    return route(Method::del, pattern, std::move(handler));
  }
  /// Adds all routes of `other`, each behind `prefix`: "" or segments such as "/admin" or
  /// "/{tenant}", without a slash at the end. Their handlers see the whole path. Throws as route();
  /// the routes before the one that conflicts stay.
  Router& mount(std::string_view prefix, const Router& other);
  /// Answers paths without a route instead of the 404.
  Router& otherwise(Handler handler);

  /// Answers a request: what a Server calls. Sets request.path_parameters.
  [[nodiscard]] Task<Response> operator()(Request& request) const {
    return answer(request, nullptr);
  }
  /// Does the same with a body that is read as it comes, or null: see Handler::answer().
  [[nodiscard]] Task<Response> answer(Request& request, BodyReader* body) const;

 private:
  struct Routes;
  std::unique_ptr<Routes> routes_;
};

}  // namespace weft::inline v0_1::http
