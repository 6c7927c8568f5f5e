#include <weft/http/router.hpp>

#include <optional>
#include <stdexcept>
#include <vector>

#include "http/route_tree.hpp"

namespace weft::inline v0_1::http {

namespace {

struct Added {
  std::optional<Method> method;  // null: any
  std::string pattern;
  Handler handler;
};

/// The segments of a path, decoded.
struct Path {
  std::vector<std::string> segments;
  std::size_t encoded_slash = static_cast<std::size_t>(-1);  // the last segment with one
  bool malformed = false;                                    // cannot be decoded
  bool dotted = false;                                       // has a segment "." or ".."
};

[[nodiscard]] Path split_path(std::string_view path) {
  Path split;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    Result<std::string> segment = percent_decode(path.substr(0, end));
    path.remove_prefix(end);
    if (!segment) {
      split.malformed = true;
      return split;
    }
    if (segment->find('/') != std::string::npos) split.encoded_slash = split.segments.size();
    split.dotted = split.dotted || *segment == "." || *segment == "..";
    split.segments.push_back(std::move(*segment));
  }
  return split;
}

/// "GET, HEAD, OPTIONS".
[[nodiscard]] std::string allow_field(std::array<bool, method_count> allowed) {
  const auto at = [](Method method) { return static_cast<std::size_t>(method); };
  if (allowed[at(Method::get)]) allowed[at(Method::head)] = true;
  allowed[at(Method::options)] = true;
  std::string text;
  for (std::size_t i = 0; i < method_count; ++i) {
    if (!allowed[i]) continue;
    if (!text.empty()) text += ", ";
    text += to_string(static_cast<Method>(i));
  }
  return text;
}

[[nodiscard]] Response with_allow(Response response,
                                  const std::array<bool, method_count>& allowed) {
  response.headers.set("Allow", allow_field(allowed));
  return response;
}

Task<Response> immediately(Response response) { co_return response; }

}  // namespace

struct Router::Routes {
  std::vector<Added> added;  // for copies and mount()
  RouteNode root;
  std::optional<Handler> otherwise;
  std::array<bool, method_count> all_methods = {};

  void add(std::optional<Method> method, std::string_view pattern, Handler handler);
  RouteNode& node_for(const std::vector<Segment>& segments);
};

RouteNode& Router::Routes::node_for(const std::vector<Segment>& segments) {
  RouteNode* node = &root;
  for (const Segment& segment : segments) {
    std::unique_ptr<RouteNode>& child = segment.kind == Segment::Kind::text
                                            ? node->texts[segment.text]
                                        : segment.kind == Segment::Kind::capture ? node->capture
                                                                                 : node->rest;
    if (child == nullptr) child = std::make_unique<RouteNode>();
    node = child.get();
  }
  return *node;
}

void Router::Routes::add(std::optional<Method> method, std::string_view pattern, Handler handler) {
  const std::vector<Segment> segments = parse_pattern(pattern);
  RouteNode& node = node_for(segments);
  std::shared_ptr<const Route>& place =
      method ? node.by_method[static_cast<std::size_t>(*method)] : node.any;
  if (place != nullptr) {
    std::string text("weft::http::Router: '");
    text.append(method ? to_string(*method) : "any method").append(" ").append(pattern);
    throw std::invalid_argument(text.append("' matches what '").append(place->pattern) + "' does");
  }
  std::vector<std::string> names;
  for (const Segment& segment : segments) {
    if (segment.kind != Segment::Kind::text) names.push_back(segment.text);
  }
  added.push_back({method, std::string(pattern), handler});
  place = std::make_shared<const Route>(
      Route{std::string(pattern), std::move(names), std::move(handler)});
  if (method) all_methods[static_cast<std::size_t>(*method)] = true;
}

Router::Router() : routes_(std::make_unique<Routes>()) {}
Router::Router(const Router& other) : Router() {
  mount("", other);
  routes_->otherwise = other.routes_->otherwise;
}
Router& Router::operator=(const Router& other) {
  Router copy(other);
  std::swap(routes_, copy.routes_);
  return *this;
}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

Router& Router::route(Method method, std::string_view pattern, Handler handler) {
  routes_->add(method, pattern, std::move(handler));
  return *this;
}

Router& Router::any(std::string_view pattern, Handler handler) {
  routes_->add(std::nullopt, pattern, std::move(handler));
  return *this;
}

Router& Router::mount(std::string_view prefix, const Router& other) {
  if (prefix.ends_with('/')) {
    throw std::invalid_argument("weft::http::Router::mount: prefix '" + std::string(prefix) +
                                "' ends with '/'");
  }
  const std::vector<Added> routes = other.routes_->added;  // `other` may be this router
  for (const Added& route : routes) {
    routes_->add(route.method, std::string(prefix) + route.pattern, route.handler);
  }
  return *this;
}

Router& Router::otherwise(Handler handler) {
  routes_->otherwise = std::move(handler);
  return *this;
}

Task<Response> Router::answer(Request& request, BodyReader* body) const {
  request.path_parameters.clear();
  if (request.target == "*" && request.method == Method::options) {
    return immediately(with_allow(Response(204), routes_->all_methods));
  }
  const Path path = split_path(request.path());
  if (path.malformed) return immediately(Response::of(400));
  RouteMatch match;
  if (!path.dotted)
    match = find_route(routes_->root, request.method, path.segments, path.encoded_slash);
  if (match.route != nullptr) {
    const Route& route = *match.route;
    for (std::size_t i = 0; i < match.captured.size(); ++i) {
      request.path_parameters.add(route.names[i], std::string(match.captured[i]));
    }
    if (match.has_rest) request.path_parameters.add(route.names.back(), std::move(match.rest));
    return route.handler.answer(request, body);
  }
  if (match.known_path) {
    const bool options = request.method == Method::options;
    return immediately(with_allow(options ? Response(204) : Response::of(405), match.allowed));
  }
  if (routes_->otherwise) return routes_->otherwise->answer(request, body);
  return immediately(Response::of(404));
}

}  // namespace weft::inline v0_1::http
